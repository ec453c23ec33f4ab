#include "app/find_decision.h"

#include <gtest/gtest.h>

#include <set>

#include "base/hash.h"
#include "notify/test_kit.h"

namespace paywarden {
namespace {

// The log p1 (decided), p2 (decided), old (history) at the sequences 1 to 5, with records that cannot be read.
struct BrokenLog : Log {
  BrokenLog() {
    fake.both("p1", {}, Outcome::review);
    fake.both("p2", {}, Outcome::approve);
    fake.payment("old", {.backfilled = true});
    places = {
        {hash64("p1"), {1}}, {hash64("p2"), {3}}, {hash64("old"), {5}}, {hash64("same hash"), {1}}};
  }
  Result<uint64_t> append(std::span<const RecordToWrite>) override { return fail("read only"); }
  bool usable() const override { return true; }
  uint64_t first_sequence() const override { return first; }
  uint64_t durable_end() const override { return fake.end(); }
  bool wait_for(uint64_t, Duration) const override { return true; }
  Result<uint64_t> read(uint64_t, const RecordVisitor&) const override { return fail("unused"); }
  Result<uint64_t> drop_before(uint64_t) override { return fail("unused"); }
  Result<Record> record(uint64_t sequence) const override {
    if (broken.count(sequence) || sequence < first)
      return fail("the group of a record is damaged", "journal-1.pwj");
    RecordView record = fake.from(sequence, 1).at(0);
    std::string bytes = rubbish.count(sequence) ? "rubbish" : std::string(record.bytes);
    return Record{sequence, record.kind, std::move(bytes)};
  }
  Result<std::vector<uint64_t>> find(uint64_t key, size_t) const override {
    if (index_broken) return fail("the index is damaged");
    auto found = places.find(key);
    return found == places.end() ? std::vector<uint64_t>() : found->second;
  }
  FakeLog fake;
  std::map<uint64_t, std::vector<uint64_t>> places;
  std::set<uint64_t> broken, rubbish;
  uint64_t first = 1;
  bool index_broken = false;
};

TEST(FindDecision, WhatIsKnownAndWhatIsNot) {
  struct Row {
    const char* name;
    const char* id;
    std::set<uint64_t> broken, rubbish;
    uint64_t first;
    int status;
    const char* says;
  };
  const Row kRows[] = {
      {"decided", "p1", {}, {}, 1, 200, R"("payment_id":"p1")"},
      {"history", "old", {}, {}, 1, 404, "backfilled as history"},
      {"unknown", "p9", {}, {}, 1, 404, "No payment with this id"},
      {"another payment with the same hash",
       "same hash",
       {},
       {},
       1,
       404,
       "No payment with this id"},
      {"the payment cannot be read",
       "p1",
       {1},
       {},
       1,
       503,
       "journal-1.pwj: the group of a record is damaged"},
      {"its decision cannot be read",
       "p1",
       {2},
       {},
       1,
       503,
       "journal-1.pwj: the group of a record is damaged"},
      {"the payment is rubbish", "p1", {}, {1}, 1, 503, "record 1 is no payment of this schema"},
      {"its decision is rubbish", "p1", {}, {2}, 1, 503, "record 2 is not the decision"},
      {"what may be another one cannot be read", "same hash", {1}, {}, 1, 503, "is not known"},
      {"dropped by retention", "p1", {}, {}, 3, 404, "No payment with this id"},
  };
  for (const Row& row : kRows) {
    BrokenLog log;
    log.broken = row.broken;
    log.rubbish = row.rubbish;
    log.first = row.first;
    http::Response response = find_decision(log, log.fake.fields(), row.id);
    EXPECT_EQ(response.status, row.status) << row.name;
    EXPECT_NE(response.body.find(row.says), std::string::npos) << row.name << ": " << response.body;
  }
}

TEST(FindDecision, AnIndexThatCannotBeReadIs503) {
  BrokenLog log;
  log.index_broken = true;
  EXPECT_EQ(find_decision(log, log.fake.fields(), "p1").status, 503);
}

}  // namespace
}  // namespace paywarden
