// Ids are known for the horizon, however often the table has grown.
#include "engine/seen_payments.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"
#include "base/saved_testing.h"

namespace paywarden {
namespace {

struct Sent {
  Hash128 id;
  uint64_t digest;
};

std::vector<Sent> make_payments(uint64_t seed, size_t count) {
  Random random(seed);
  std::vector<Sent> out(count);
  for (Sent& s : out) s = {{random.next(), random.next()}, random.next()};
  return out;
}

TEST(SeenPayments, KnowsEachIdAndItsBodyWhileTheTableGrows) {
  SeenPayments seen(days(7));
  std::vector<Sent> sent = make_payments(1, 200'000);
  const EventTime now(1'000'000);
  for (size_t i = 0; i < sent.size(); ++i) {
    uint64_t sequence = 0;
    seen.prefetch(sent[i].id);
    ASSERT_EQ(seen.look(sent[i].id, sent[i].digest, sequence), Sighting::fresh);
    seen.add(sent[i].id, sent[i].digest, i + 1, now);
    size_t earlier = i / 2;  // stands in a segment that was split since, or not
    ASSERT_EQ(seen.look(sent[earlier].id, sent[earlier].digest, sequence), Sighting::repeat);
    ASSERT_EQ(sequence, earlier + 1);
    ASSERT_EQ(seen.look(sent[earlier].id, sent[i + 1 == sent.size() ? 0 : i + 1].digest, sequence),
              Sighting::conflict);
  }
  EXPECT_EQ(seen.size(), sent.size());
  EXPECT_LE(seen.bytes(), sent.size() * 76);
}

TEST(SeenPayments, ForgetsATableThatIsTwoHorizonsOld) {
  SeenPayments seen(days(7));
  std::vector<Sent> sent = make_payments(2, 3);
  auto look = [&](const Sent& s) {
    uint64_t sequence = 0;
    return seen.look(s.id, s.digest, sequence);
  };
  const EventTime start(0);
  seen.add(sent[0].id, sent[0].digest, 1, start);
  seen.add(sent[1].id, sent[1].digest, 2, start + days(7));
  EXPECT_EQ(look(sent[0]), Sighting::repeat);
  seen.add(sent[2].id, sent[2].digest, 3, start + days(14));
  EXPECT_EQ(look(sent[0]), Sighting::fresh);
  EXPECT_EQ(look(sent[1]), Sighting::repeat);
  EXPECT_EQ(look(sent[2]), Sighting::repeat);
  EXPECT_EQ(seen.size(), 2u);
}

// The table that is forgotten leaves its memory to the next one.
TEST(SeenPayments, IsNoLargerForHavingRotatedOften) {
  SeenPayments seen(days(7));
  uint64_t sequence = 0;
  size_t bytes = 0;
  std::vector<Sent> before;
  for (int round = 0; round < 6; ++round) {
    std::vector<Sent> sent = make_payments(10 + static_cast<uint64_t>(round), 20'000);
    for (const Sent& s : sent) {
      ASSERT_EQ(seen.look(s.id, s.digest, sequence), Sighting::fresh);
      seen.add(s.id, s.digest, 1, EventTime(0) + days(7 * round));
    }
    for (const Sent& s : before)
      ASSERT_EQ(seen.look(s.id, s.digest, sequence), Sighting::repeat) << round;
    before = std::move(sent);
    if (round == 1) bytes = seen.bytes();
  }
  EXPECT_EQ(seen.size(), 40'000u);
  EXPECT_LE(seen.bytes(),
            bytes * 11 / 10);  // places are drawn, so how many ids share a segment differs a little
}

// What was saved is loaded; the hash is of what is known, in whatever order it came, and in which of the two tables.
TEST(SeenPayments, StateIsItsContent) {
  std::vector<Sent> sent = make_payments(3, 5'000);
  SeenPayments a(days(7)), reversed(days(7)), other(days(7)), loaded(days(7));
  const EventTime start(0);
  for (size_t i = 0; i < sent.size(); ++i) {
    size_t k = sent.size() - 1 - i;
    a.add(sent[i].id, sent[i].digest, i, start);
    reversed.add(sent[k].id, sent[k].digest, k, start);
    other.add(sent[i].id, sent[i].digest, i + (i == 77), start);
  }
  EXPECT_EQ(a.state_hash(), reversed.state_hash());
  EXPECT_NE(a.state_hash(), other.state_hash());
  Sent late = make_payments(4, 1)[0];
  a.add(late.id, late.digest, 9, start + days(8));
  reversed.add(late.id, late.digest, 9, start + days(1));
  EXPECT_NE(a.state_hash(), reversed.state_hash()) << "one of them has begun a new table";

  std::string bytes = test::saved(a);
  ByteReader in(bytes);
  ASSERT_TRUE(loaded.load(in));
  EXPECT_TRUE(in.at_end());
  EXPECT_EQ(loaded.state_hash(), a.state_hash());
  EXPECT_EQ(loaded.size(), a.size());
  uint64_t sequence = 0;
  EXPECT_EQ(loaded.look(sent[4321].id, sent[4321].digest, sequence), Sighting::repeat);
  EXPECT_EQ(sequence, 4321u);
}

TEST(SeenPayments, ACopyKnowsTheSameAndGrowsAlone) {
  std::vector<Sent> sent = make_payments(5, 5'000);
  SeenPayments seen(days(7));
  for (size_t i = 0; i < sent.size(); ++i)
    seen.add(sent[i].id, sent[i].digest, i, EventTime(0) + days(static_cast<int64_t>(i / 500)));
  const uint64_t hash = seen.state_hash();
  SeenPayments copy = seen.copy();
  EXPECT_EQ(copy.state_hash(), hash);
  uint64_t sequence = 0;
  for (size_t i = 0; i < sent.size(); ++i)
    EXPECT_EQ(copy.look(sent[i].id, sent[i].digest, sequence),
              seen.look(sent[i].id, sent[i].digest, sequence));
  Sent late = make_payments(6, 1)[0];
  for (SeenPayments* one : {&copy, &seen}) {
    EXPECT_EQ(one->look(late.id, late.digest, sequence), Sighting::fresh);
    one->add(late.id, late.digest, 9, EventTime(0) + days(15));
  }
  EXPECT_EQ(copy.state_hash(), seen.state_hash()) << "both begin a new table at the same time";
  EXPECT_NE(copy.state_hash(), hash);
}

// Of two kinds of digest: with a second half, and folded to one word.
TEST(SeenPayments, LoadsSnapshotsWithEarlierDigests) {
  std::vector<Sent> sent = make_payments(5, 100);
  SeenPayments then(days(7)), again(days(7));
  std::string bytes;
  ByteWriter writer(bytes);
  writer.i64(0);
  writer.u64(sent.size());
  for (size_t i = 0; i < sent.size(); ++i)
    for (uint64_t word :
         {sent[i].id.low, sent[i].id.high, uint64_t{77}, i % 2 ? uint64_t{0} : 88, i})
      writer.u64(word);
  writer.u64(0);
  ByteReader in(bytes);
  ASSERT_TRUE(then.load(in));
  then.add({1, 2}, 3, 100, EventTime(0));
  std::string saved = test::saved(then);
  ByteReader back(saved);
  ASSERT_TRUE(again.load(back));
  EXPECT_EQ(again.state_hash(), then.state_hash());
  uint64_t sequence = 0;
  for (size_t i = 0; i < sent.size(); ++i) {
    ASSERT_EQ(again.look(sent[i].id, sent[i].digest, sequence), Sighting::repeat);
    ASSERT_EQ(sequence, i);
  }
  EXPECT_EQ(again.look({1, 2}, 4, sequence), Sighting::conflict);
}

}  // namespace
}  // namespace paywarden
