// The core: batches do not matter, labels find payments in any order, repeats are known, snapshots
// are the state.
#include "engine/core.h"

#include <gtest/gtest.h>

#include "base/saved_testing.h"
#include "engine/engine_testing.h"

namespace paywarden {
namespace {

// Runs a log of payments and labels through `core` in batches of at most `batch`, and writes what
// was decided.
std::string run(Core& core, const TestWorld& world, uint64_t seed, int payments, size_t batch) {
  TestStream stream{world, Random(seed)};
  std::vector<Payment> held;
  std::vector<Payment> all;
  std::string out;
  uint64_t sequence = 1;
  auto flush = [&] {
    std::vector<CoreItem> items(held.size());
    std::vector<Decision> decisions(held.size());
    for (size_t i = 0; i < held.size(); ++i) items[i] = {&held[i], &decisions[i], GuardEvent::none};
    core.decide(items);
    for (const Decision& d : decisions) append_json(d, out += '\n');
    held.clear();
  };
  for (int i = 0; i < payments; ++i) {
    Payment p = stream.next();
    uint64_t earlier = 0;
    EXPECT_EQ(core.admit(p, sequence, earlier), Sighting::fresh);
    sequence += 2;
    all.push_back(p);
    held.push_back(std::move(p));
    bool label = stream.random.chance(0.2);
    if (held.size() >= batch || label) flush();
    if (!label) continue;
    auto about = static_cast<int>(
        stream.random.below(static_cast<uint64_t>(i) + 10));  // some are not there yet
    core.label(stream.label_for(about), about <= i ? &all[static_cast<size_t>(about)] : nullptr);
  }
  flush();
  return out;
}

TEST(Core, HowTheLogIsCutIntoBatchesChangesNothing) {
  TestWorld world;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    auto one = world.core(), many = world.core();
    ASSERT_EQ(run(*one, world, seed, 800, 1), run(*many, world, seed, 800, 200)) << seed;
    EXPECT_EQ(one->state_hash(), many->state_hash());
  }
}

// With the amount in the base currency, and not where nobody asked for reasons.
TEST(Core, ReasonsAreSentences) {
  TestWorld world;
  auto core = world.core();
  ASSERT_TRUE(core->apply({ChangeKind::rates, {}, "USD=0.5", "test", "", EventTime(0)}));
  auto decided = [&](const char* id) {
    Payment payment = world.payment(id, "card1", 125'050, EventTime(0) + hours(1));
    payment.currency = *Currency::parse("USD");
    Decision decision;
    CoreItem item{&payment, &decision, GuardEvent::none};
    core->decide({&item, 1});
    return decision;
  };
  Decision first = decided("p1");
  ASSERT_EQ(first.reasons.size(), 1u);
  EXPECT_EQ(first.reasons[0].text,
            "this card's 1-hour total amount is 625.25 EUR, 40.00 EUR is usual");
  std::string json;
  append_json(first, json);
  EXPECT_NE(
      json.find(R"("text":"this card's 1-hour total amount is 625.25 EUR, 40.00 EUR is usual"}])"),
      std::string::npos)
      << json;
  core->set_reasons(false);
  EXPECT_TRUE(decided("p2").reasons.empty());
}

TEST(Core, AShadowSaysWhatItWouldDoAndChangesNothing) {
  TestWorld world;
  auto alone = world.core(), shadowed = world.core();
  shadowed->set_shadow(std::make_shared<FormulaModel>("challenger", 3));
  std::string plain = run(*alone, world, 7, 500, 50), both = run(*shadowed, world, 7, 500, 50);
  EXPECT_EQ(alone->state_hash(), shadowed->state_hash());
  EXPECT_EQ(test::saved(*alone), test::saved(*shadowed));
  size_t shadows = 0, otherwise = 0;
  for (size_t at;
       (at = both.find(R"(,"shadow":{"model":"challenger","score":)")) != std::string::npos;
       ++shadows) {
    size_t end = both.find('}', at);
    size_t outcome = both.rfind(R"("outcome":")", at);
    std::string_view acted = std::string_view(both).substr(outcome + 11, 3);
    otherwise += std::string_view(both).substr(both.rfind(R"("outcome":")", end) + 11, 3) != acted;
    both.erase(at, end + 1 - at);
  }
  EXPECT_EQ(shadows, 500u);
  EXPECT_GT(otherwise, 0u);
  EXPECT_EQ(plain, both) << "but for the shadow's word the decisions are the same";
}

TEST(Core, SnapshotIsTheState) {
  TestWorld world;
  auto core = world.core();
  run(*core, world, 7, 700, 50);
  auto back = world.bare_core();
  std::string bytes = test::saved(*core);
  ByteReader in(bytes);
  auto loaded = back->load(in, TestWorld::models());
  ASSERT_TRUE(loaded) << loaded.error().line();
  EXPECT_EQ(back->state_hash(), core->state_hash());
  ASSERT_TRUE(back->model());
  Payment p = world.payment("new", "card3", 100, core->watermark());
  Decision a, b;
  CoreItem item_a{&p, &a, GuardEvent::none};
  core->decide({&item_a, 1});
  CoreItem item_b{&p, &b, GuardEvent::none};
  back->decide({&item_b, 1});
  EXPECT_EQ(a.score, b.score);
}

TEST(Core, RepeatsAndConflicts) {
  TestWorld world;
  auto core = world.core();
  EventTime t(1'600'000'000'000);
  uint64_t earlier = 0;
  Payment p = world.payment("a", "card", 100, t), other = world.payment("a", "card", 101, t);
  EXPECT_EQ(core->admit(p, 5, earlier), Sighting::fresh);
  EXPECT_EQ(core->admit(p, 9, earlier), Sighting::repeat);
  EXPECT_EQ(earlier, 5u);
  EXPECT_EQ(core->admit(other, 9, earlier), Sighting::conflict);
  for (int day = 1; day <= 20; ++day) {
    Payment later = world.payment("d" + std::to_string(day), "card", 1, t + days(day));
    EXPECT_EQ(core->admit(later, 100, earlier), Sighting::fresh);
    if (day < 7) {
      EXPECT_EQ(core->admit(p, 9, earlier), Sighting::repeat) << day;
    }
  }
  EXPECT_EQ(core->admit(p, 9, earlier), Sighting::fresh)
      << "after twice the horizon it is forgotten";
}

TEST(Core, LabelsCorrectTakeBackAndWait) {
  TestWorld world;
  auto core = world.core();
  EventTime t(1'600'000'000'000);
  Payment first = world.payment("a", "card", 100, t);
  auto frauds_seen = [&](const char* id) {
    Payment p = world.payment(id, "card", 100, t + hours(1));
    float out[3];
    core->observe(p, out);
    return out[2];
  };
  float ignored[3];
  core->observe(first, ignored);
  EXPECT_EQ(frauds_seen("b"), 0);
  EXPECT_EQ(core->label({"a", true, "test", t}, &first), LabelFate::applied);
  EXPECT_EQ(core->label({"a", true, "test", t}, &first), LabelFate::applied);
  EXPECT_EQ(frauds_seen("c"), 1) << "said twice, counted once";
  core->label({"a", false, "test", t}, &first);
  EXPECT_EQ(frauds_seen("d"), 0) << "taken back";
  EXPECT_EQ(core->label({"e", true, "test", t}, nullptr), LabelFate::waiting);
  EXPECT_EQ(frauds_seen("e"), 0);
  EXPECT_EQ(frauds_seen("f"), 1) << "the label waited for its payment";
}

TEST(CurrencyRates, ExactAndRounded) {
  Currency eur = *Currency::parse("EUR"), usd = *Currency::parse("USD"),
           jpy = *Currency::parse("JPY");
  auto rates = CurrencyRates::parse("USD=0.92, JPY=0.0061", eur);
  ASSERT_TRUE(rates);
  EXPECT_EQ(rates->to_base(1250, usd), 1150);
  EXPECT_EQ(rates->to_base(-1250, usd), -1150);
  EXPECT_EQ(rates->to_base(1000, jpy), 610);  // 1000 yen are 6.10 EUR
  EXPECT_EQ(rates->to_base(1, usd), 1);       // 0.92 cents
  EXPECT_EQ(rates->to_base(7, eur), 7);
  EXPECT_FALSE(rates->has(*Currency::parse("GBP")));
  EXPECT_EQ(rates->currencies(), (std::vector<Currency>{eur, jpy, usd}));
  for (Currency currency : rates->currencies()) EXPECT_TRUE(rates->has(currency));
  EXPECT_EQ(CurrencyRates::parse(rates->text(), eur)->text(), rates->text());
  for (const char* bad : {"USD", "USD=", "USD=-1", "USD=0", "usd=1", "USD=0.1234567891"})
    EXPECT_FALSE(CurrencyRates::parse(bad, eur)) << bad;
}

TEST(LabelBook, WaitingIsBounded) {
  LabelBook book({.horizon = days(180), .waiting_max = 3});
  for (uint64_t i = 1; i <= 5; ++i) book.wait({i, i}, true);
  EXPECT_EQ(book.waiting(), 3u);
  EXPECT_EQ(book.dropped(), 2u);
  EXPECT_FALSE(book.take_waiting({1, 1}));
  EXPECT_TRUE(book.take_waiting({5, 5}));
  for (int i = 0; i < 100; ++i) book.wait({4, 4}, i % 2);
  EXPECT_EQ(book.waiting(), 2u) << "one payment waits once, whatever is said of it";
}

}  // namespace
}  // namespace paywarden
