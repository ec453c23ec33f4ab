// Every keyed operation against a referee that rescans all payments of the log, over random streams
// with late, equal-timed and missing values, labels that come, change and go; and the state's hash
// through snapshots.
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "base/saved_testing.h"
#include "features/windows_referee.h"

namespace paywarden {
namespace {

constexpr const char* kConfig = R"(
[features]
lateness_max = "2h"
label_delay = "5h"
key_idle_max = "9000h"
events_per_key_max = 4096
[[feature]]
name = "card_count_{over}"
operation = "count"
by = "card"
over = ["10m", "3h", "20h"]
[[feature]]
name = "card_sum_{over}"
operation = "sum"
field = "amount"
by = "card"
over = ["10m", "20h"]
[[feature]]
name = "card_mean_3h"
operation = "mean"
field = "amount"
by = "card"
over = "3h"
[[feature]]
name = "card_items_mean_3h"
operation = "mean"
field = "items"
by = "card"
over = "3h"
[[feature]]
name = "card_weight_sum_20h"
operation = "sum"
field = "weight"
by = "card"
over = "20h"
[[feature]]
name = "card_min_{over}"
operation = "min"
field = "amount"
by = "card"
over = ["10m", "20h"]
[[feature]]
name = "card_items_max_3h"
operation = "max"
field = "items"
by = "card"
over = "3h"
[[feature]]
name = "card_stddev_20h"
operation = "stddev"
field = "amount"
by = "card"
over = "20h"
[[feature]]
name = "card_merchants_{over}"
operation = "count_distinct"
field = "merchant"
by = "card"
over = ["10m", "3h", "20h"]
[[feature]]
name = "card_devices_3h"
operation = "count_distinct"
field = "device"
by = "card"
over = "3h"
[[feature]]
name = "card_ratio_20h"
operation = "ratio"
field = "amount"
by = "card"
over = "20h"
[[feature]]
name = "card_items_ratio_3h"
operation = "ratio"
field = "items"
by = "card"
over = "3h"
[[feature]]
name = "card_idle"
operation = "time_since_last"
by = "card"
[[feature]]
name = "card_age"
operation = "age"
by = "card"
[[feature]]
name = "card_distance"
operation = "distance"
by = "card"
[[feature]]
name = "card_speed"
operation = "speed"
by = "card"
[[feature]]
name = "merchant_frauds_{over}"
operation = "fraud_count"
by = "merchant"
over = ["3h", "20h"]
[[feature]]
name = "merchant_fraud_rate_{over}"
operation = "fraud_rate"
by = "merchant"
over = ["3h", "20h"]
[[feature]]
name = "card_rank_{over}"
operation = "rank"
field = "amount"
by = "card"
over = ["10m", "20h"]
[[feature]]
name = "card_items_rank_3h"
operation = "rank"
field = "items"
by = "card"
over = "3h"
[[feature]]
name = "card_median_ratio_20h"
operation = "median_ratio"
field = "amount"
by = "card"
over = "20h"
[[feature]]
name = "card_deviation_{over}"
operation = "deviation"
field = "amount"
by = "card"
over = ["3h", "20h"]
[[feature]]
name = "card_weight_deviation_20h"
operation = "deviation"
field = "weight"
by = "card"
over = "20h"
[[feature]]
name = "card_above_{over}"
operation = "count_above"
field = "amount"
by = "card"
over = ["10m", "20h"]
factor = 1.1
reference = "20h"
[[feature]]
name = "card_items_above_20h"
operation = "count_above"
field = "items"
by = "card"
over = "20h"
factor = 0.75
reference = "3h"
[[feature]]
name = "merchant_fraud_min_20h"
operation = "fraud_min"
field = "amount"
by = "merchant"
over = "20h"
[[feature]]
name = "merchant_fraud_items_min_20h"
operation = "fraud_min"
field = "items"
by = "merchant"
over = "20h"
[[feature]]
name = "merchant_since_fraud_{over}"
operation = "time_since_fraud"
by = "merchant"
over = ["3h", "20h"]
[[feature]]
name = "merchant_since_first_fraud_20h"
operation = "time_since_first_fraud"
by = "merchant"
over = "20h"
[[feature]]
name = "merchant_count_since_fraud_20h"
operation = "count_since_fraud"
by = "merchant"
over = "20h"
[[feature]]
name = "pair_count_20h"
operation = "count"
by = ["card", "device"]
over = "20h"
)";

struct Stream {
  const World& world;
  Random random;
  EventTime now{1'600'000'000'000};
  int cards = 4, merchants = 3, id = 0;
  int64_t step_ms = 900'000;

  Payment next() {
    Payment p;
    p.reset(world.fields.size());
    if (random.chance(0.02)) now = now + hours(random.between(20, 95));
    if (!random.chance(0.1)) now = now + Duration(random.between(0, step_ms));
    p.event_time = random.chance(0.15) ? now - Duration(random.between(0, hours(2).ms())) : now;
    p.card.bytes[0] = static_cast<uint8_t>(random.below(cards));
    p.amount_minor = p.amount_base_minor = random.chance(0.1) ? 0 : random.between(1, 90'000);
    p.set_text(field::payment_id, "p" + std::to_string(id++));
    p.set_text(field::merchant, "m" + std::to_string(random.below(merchants)));
    if (random.chance(0.8)) p.set_text(world.device, "d" + std::to_string(random.below(5)));
    if (random.chance(0.7)) p.set_integer(world.items, random.between(-3, 9));
    if (random.chance(0.7))
      p.set_number(world.weight, static_cast<double>(random.between(-999, 999)) / 8);
    if (random.chance(0.9)) {
      p.set_number(field::merchant_latitude, static_cast<double>(random.between(-80, 80)));
      p.set_number(field::merchant_longitude, static_cast<double>(random.between(-170, 170)));
    }
    return p;
  }
};

bool close(double expected, float got) {
  if (std::isnan(expected) || std::isnan(got)) return std::isnan(expected) && std::isnan(got);
  return std::abs(expected - got) <= 2e-6 * std::max(1.0, std::abs(expected));
}

std::vector<float> observe(WindowState& state, const Payment& p) {
  PaymentKeys keys;
  std::vector<float> out(state.feature_count());
  state.keys_of(p, keys);
  Observation seen = state.observe(p, keys, out.data());
  EXPECT_TRUE(seen.approximate.empty());
  EXPECT_FALSE(seen.late);
  return out;
}

// A random word on a random earlier payment: fraud, genuine, or nothing said after all.
void random_label(WindowState& state, Referee& referee, Random& random) {
  auto& log = referee.log();
  if (log.empty()) return;
  size_t back = random.below(std::min<size_t>(log.size(), 60));
  Seen& s = log[log.size() - 1 - back];
  int label = static_cast<int>(random.between(-1, 1));
  PaymentKeys keys;
  state.keys_of(s.payment, keys);
  state.apply_label(s.payment.event_time, keys, (label == 1) - (s.label == 1),
                    (label >= 0) - (s.label >= 0));
  s.label = label;
}

TEST(Windows, EveryOperationEqualsARescan) {
  World world(kConfig);
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    auto state = world.state();
    Referee referee(world);
    Stream stream{world, Random(seed)};
    if (seed % 3 == 0) stream.step_ms = 30'000;
    for (int i = 0; i < 700; ++i) {
      if (stream.random.chance(0.3)) random_label(*state, referee, stream.random);
      Payment p = stream.next();
      auto expected = referee.features(p);
      auto got = observe(*state, p);
      for (size_t f = 0; f < got.size(); ++f)
        ASSERT_TRUE(close(expected[f], got[f]))
            << "seed " << seed << " payment " << i << " " << world.set.specs()[f].name
            << " expected " << expected[f] << " got " << got[f];
    }
  }
}

TEST(Windows, SnapshotAndTailEqualFullReplay) {
  World world(kConfig);
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    auto whole = world.state(), part = world.state();
    Referee labels(world);
    Stream stream{world, Random(seed)};
    for (int i = 0; i < 600; ++i) {
      if (i % 97 == 96) {
        std::string bytes = test::saved(*part);
        auto restored = world.state();
        ByteReader reader(bytes);
        ASSERT_TRUE(restored->load(reader) && reader.at_end());
        ASSERT_EQ(restored->state_hash(), part->state_hash());
        part = std::move(restored);
      }
      Payment p = stream.next();
      auto a = observe(*whole, p), b = observe(*part, p);
      ASSERT_EQ(0, std::memcmp(a.data(), b.data(), a.size() * 4)) << seed << " " << i;
    }
    EXPECT_EQ(whole->state_hash(), part->state_hash());
  }
}

TEST(Windows, StateHashSeesEverySinglePayment) {
  World world(kConfig);
  auto a = world.state(), b = world.state();
  Stream stream{world, Random(3)};
  for (int i = 0; i < 50; ++i) {
    Payment p = stream.next();
    observe(*a, p);
    if (i == 49) p.amount_base_minor += 1;
    observe(*b, p);
  }
  EXPECT_NE(a->state_hash(), b->state_hash());
}

TEST(Windows, DamagedSnapshotIsRefused) {
  World world(kConfig);
  auto state = world.state();
  Stream stream{world, Random(5)};
  for (int i = 0; i < 100; ++i) observe(*state, stream.next());
  std::string bytes = test::saved(*state);
  for (size_t cut = 0; cut < bytes.size(); cut += 97) {
    auto fresh = world.state();
    ByteReader reader(std::string_view(bytes).substr(0, cut));
    EXPECT_FALSE(fresh->load(reader)) << cut;
  }
}

std::string small_limit_config() {
  std::string config = kConfig;
  return config.replace(config.find("4096"), 4, "64");
}

// Beyond the limit: counts and sums equal those of a window at most one bucket longer.
TEST(Windows, FoldedHistoryIsAsExactAsAWindowOneBucketLonger) {
  World world(small_limit_config());
  auto state = world.state();
  Stream stream{world, Random(7)};
  stream.cards = 1;
  stream.step_ms = 120'000;
  const double bucket_ms = static_cast<double>((hours(20) + hours(2)).ms()) * 2 / 64;
  std::vector<Payment> log;
  int approximate = 0;
  for (int i = 0; i < 3000; ++i) {
    Payment p = stream.next();
    PaymentKeys keys;
    std::vector<float> out(state->feature_count());
    state->keys_of(p, keys);
    Observation seen = state->observe(p, keys, out.data());
    log.push_back(p);
    auto bounds = [&](double extra_ms) {
      double sum = 0;
      for (const Payment& q : log)
        if (q.event_time <= p.event_time &&
            static_cast<double>(q.event_time.ms()) >
                static_cast<double>((p.event_time - hours(20)).ms()) - extra_ms)
          sum += static_cast<double>(q.amount_base_minor) / 100;
      return sum;
    };
    if (p.event_time >= state->watermark()) {
      ASSERT_GE(out[4] * (1 + 1e-6), bounds(0)) << i;
    }
    ASSERT_LE(out[4] * (1 - 1e-6), bounds(bucket_ms)) << i;
    for (uint16_t f : seen.approximate) approximate += f == 4;
    if (seen.approximate.empty()) {
      ASSERT_TRUE(close(bounds(0), out[4])) << i;
    }
  }
  EXPECT_GT(approximate, 100);
  EXPECT_LT(state->bytes_of_history(), 256u * 1024);
}

TEST(Windows, FoldedStateSurvivesASnapshot) {
  World world(small_limit_config());
  auto whole = world.state(), part = world.state();
  Stream stream{world, Random(9)};
  stream.cards = 2;
  stream.step_ms = 60'000;
  for (int i = 0; i < 2000; ++i) {
    if (i % 301 == 300) {
      std::string bytes = test::saved(*part);
      auto restored = world.state();
      ByteReader reader(bytes);
      ASSERT_TRUE(restored->load(reader));
      part = std::move(restored);
    }
    Payment p = stream.next();
    PaymentKeys keys;
    std::vector<float> a(whole->feature_count()), b(a.size());
    whole->keys_of(p, keys);
    whole->observe(p, keys, a.data());
    part->observe(p, keys, b.data());
    ASSERT_EQ(0, std::memcmp(a.data(), b.data(), a.size() * 4)) << i;
  }
  EXPECT_EQ(whole->state_hash(), part->state_hash());
}

TEST(Windows, ArrivalsBeforeTheStateAreFlaggedAndSeeThemselvesAlone) {
  World world(kConfig);
  auto state = world.state();
  Stream stream{world, Random(1)};
  Payment p = stream.next();
  observe(*state, p);
  auto look = [&](Duration behind) {
    Payment old = p;
    old.event_time = p.event_time - behind;
    PaymentKeys keys;
    std::vector<float> out(state->feature_count());
    state->keys_of(old, keys);
    bool late = state->observe(old, keys, out.data()).late;
    return std::pair(late, out[0]);
  };
  EXPECT_EQ(look(hours(2)), std::pair(false, 1.f));
  EXPECT_EQ(look(hours(3)), std::pair(true, 1.f));
  EXPECT_EQ(look(hours(500)), std::pair(true, 1.f));
  EXPECT_EQ(look(hours(500)), std::pair(true, 1.f)) << "it was not counted";
}

TEST(Windows, IdleKeysAreForgottenAndTheirMemoryUsedAgain) {
  std::string config = kConfig;
  World world(config.replace(config.find("9000h"), 5, "90h"));
  auto state = world.state();
  Stream stream{world, Random(2)};
  Payment p = stream.next();
  for (int i = 0; i < 20'000; ++i) {
    p.card.bytes[0] = static_cast<uint8_t>(i);
    p.card.bytes[1] = static_cast<uint8_t>(i >> 8);
    p.event_time = p.event_time + minutes(1);
    observe(*state, p);
  }
  for (int i = 0; i < 240'000; ++i) {
    p.card.bytes[0] = static_cast<uint8_t>(i % 100);
    p.set_text(field::merchant, "m" + std::to_string(i % 100));
    observe(*state, p);
  }
  EXPECT_LE(state->group(0).keys(), 5'500u) << "90 h at a card a minute";
}

}  // namespace
}  // namespace paywarden
