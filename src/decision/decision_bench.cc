// Nanoseconds a payment: rules of each kind, twenty together, the whole policy, and lists of a
// million.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "base/check.h"
#include "decision/policy.h"

namespace paywarden {
namespace {

const bool kTiny = std::getenv("PAYWARDEN_BENCH_TINY") != nullptr;

struct World {
  FieldTable fields;
  std::vector<std::string> names = {"card_count_10m", "card_amount_sum_24h", "distance_km",
                                    "card_amount_ratio_30d"};
  FieldIndex device = *fields.add("device", FieldType::text);
  FieldIndex country = *fields.add("country", FieldType::text);
  Payment payment;
  std::vector<float> features = {3, 412.5f, 12.25f, 1.1f};

  World() {
    payment.reset(fields.size());
    payment.amount_minor = payment.amount_base_minor = 6050;
    payment.currency = *Currency::parse("EUR");
    payment.event_time = EventTime(1'592'741'698'123);
    payment.set_text(field::merchant, "Schmeler, Inc");
    payment.set_text(field::category, "grocery_pos");
    payment.set_text(device, "4f6c1f2e9a");
    payment.set_text(country, "PT");
    for (size_t i = 0; i < payment.card.bytes.size(); ++i)
      payment.card.bytes[i] = static_cast<uint8_t>(17 * i + 3);
  }

  Policy policy(const std::string& rules, size_t entries = 1000) const {
    Policy made =
        std::move(*Policy::create(RuleVocabulary(fields, names, *Currency::parse("EUR")), {}));
    std::string list;
    for (size_t i = 0; i < entries; ++i) list += sha256_hex(std::to_string(i)).substr(0, 32) + "\n";
    CHECK(made.apply({ChangeKind::list_replace, "blocked", list, "", "", {}}), "the list is fine");
    CHECK(made.apply({ChangeKind::rules, "bench", rules, "", "", {}}), "the rules are fine");
    return made;
  }
};

void run(benchmark::State& state, const std::string& rules, size_t entries = 1000) {
  World world;
  Policy policy = world.policy(rules, entries);
  Decision decision;
  for (auto _ : state) {
    world.payment.amount_minor ^= 1;  // so that nothing can be kept from one payment to the next
    benchmark::DoNotOptimize(policy.decide({0.1f, world.features, world.payment}, decision));
    benchmark::DoNotOptimize(decision.outcome);
  }
}

std::string twenty() {
  std::string rules = R"(
    rule blocked: decline if card in list("blocked")
    rule burst: decline if amount > 2000 and card_count_10m >= 5
    rule night: review if category in ("travel", "gambling", "jewelry") and not (country == "PT")
    rule far: review if distance_km > 500 and card_amount_ratio_30d > 3
    rule device: review if device is missing and amount > 100
  )";
  for (int i = 0; i < 15; ++i)
    rules += "rule r" + std::to_string(i) + ": review if amount > " + std::to_string(1000 + i) +
             " and card_count_10m >= " + std::to_string(i) + "\n";
  return rules;
}

void no_rules(benchmark::State& s) {
  run(s, "");
}
void one_simple_rule(benchmark::State& s) {
  run(s, "decline if amount > 2000 and card_count_10m >= 5");
}
void hundred_simple_rules(benchmark::State& s) {
  std::string rules;
  for (int i = 0; i < 100; ++i)
    rules += "review if card_count_10m >= " + std::to_string(i % 3) + " and amount > " +
             std::to_string(2000 + i) + "\n";
  run(s, rules);
}
void text_set(benchmark::State& s) {
  run(s, "review if category in (\"travel\", \"gambling\")");
}
void card_in_list_of_a_thousand(benchmark::State& s) {
  run(s, "decline if card in list(\"blocked\")");
}
void card_in_list_of_many(benchmark::State& s) {
  run(s, "decline if card in list(\"blocked\")", kTiny ? 1000 : 1'000'000);
}
void twenty_rules(benchmark::State& s) {
  run(s, twenty());
}
void a_rule_that_fires(benchmark::State& s) {
  run(s, "rule large_amount: review if amount > 1");
}

void compile_twenty_rules(benchmark::State& state) {
  World world;
  Policy policy = world.policy("");
  for (auto _ : state)
    benchmark::DoNotOptimize(policy.validate({ChangeKind::rules, "bench", twenty(), "", "", {}}));
}

// What the owner thread stands still for when a list of a million is replaced, and when it is
// written to a snapshot.
void replace_a_large_list(benchmark::State& state) {
  World world;
  Policy policy = world.policy("");
  std::string list;
  for (int i = 0; i < (kTiny ? 100 : 1'000'000); ++i)
    list += "merchant " + std::to_string(i) + "\n";
  for (auto _ : state)
    CHECK(policy.apply({ChangeKind::list_replace, "blocked", list, "", "", {}}),
          "the list is fine");
}
void snapshot_a_large_list(benchmark::State& state) {
  World world;
  Policy policy = world.policy("", kTiny ? 100 : 1'000'000);
  for (auto _ : state) {
    std::string bytes;
    policy.encode(bytes);
    benchmark::DoNotOptimize(bytes.data());
  }
}

BENCHMARK(no_rules);
BENCHMARK(one_simple_rule);
BENCHMARK(hundred_simple_rules);
BENCHMARK(text_set);
BENCHMARK(card_in_list_of_a_thousand);
BENCHMARK(card_in_list_of_many);
BENCHMARK(twenty_rules);
BENCHMARK(a_rule_that_fires);
BENCHMARK(compile_twenty_rules);
BENCHMARK(replace_a_large_list)->Unit(benchmark::kMillisecond);
BENCHMARK(snapshot_a_large_list)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace paywarden

BENCHMARK_MAIN();
