// What window state costs: thread CPU time in ns a payment (median of rounds) and bytes, for one key and
// for three, with 1 million cards and about 30 live events a card. Prints, asserts nothing.
//
//   windows_bench                one key, then three
//   windows_bench 100000         another number of cards
#include <cstdlib>

#include "base/check.h"
#include "features/bench_stream.h"

namespace paywarden {
namespace {

constexpr const char* kOneKey = R"(
[[feature]]
name = "card_count_{over}"
operation = "count"
by = "card"
over = ["10m", "1h", "24h", "7d", "30d"]
[[feature]]
name = "card_sum_{over}"
operation = "sum"
field = "amount"
by = "card"
over = ["10m", "1h", "24h", "7d", "30d"]
[[feature]]
name = "card_mean_{over}"
operation = "mean"
field = "amount"
by = "card"
over = ["10m", "1h", "24h", "7d", "30d"]
[[feature]]
name = "card_max_{over}"
operation = "max"
field = "amount"
by = "card"
over = ["10m", "1h", "24h", "7d", "30d"]
[[feature]]
name = "card_merchants_{over}"
operation = "count_distinct"
field = "merchant"
by = "card"
over = ["1h", "24h", "7d", "30d"]
)";

constexpr const char* kThreeKeys = R"(
[[feature]]
name = "card_count_{over}"
operation = "count"
by = "card"
over = ["10m", "24h", "30d"]
[[feature]]
name = "card_sum_{over}"
operation = "sum"
field = "amount"
by = "card"
over = ["24h", "30d"]
[[feature]]
name = "card_max_{over}"
operation = "max"
field = "amount"
by = "card"
over = ["24h", "30d"]
[[feature]]
name = "card_ratio_30d"
operation = "ratio"
field = "amount"
by = "card"
over = "30d"
[[feature]]
name = "card_stddev_30d"
operation = "stddev"
field = "amount"
by = "card"
over = "30d"
[[feature]]
name = "card_merchants_30d"
operation = "count_distinct"
field = "merchant"
by = "card"
over = "30d"
[[feature]]
name = "card_idle"
operation = "time_since_last"
by = "card"
[[feature]]
name = "merchant_count_{over}"
operation = "count"
by = "merchant"
over = ["1h", "24h"]
[[feature]]
name = "merchant_mean_{over}"
operation = "mean"
field = "amount"
by = "merchant"
over = ["1h", "24h"]
[[feature]]
name = "merchant_frauds_{over}"
operation = "fraud_count"
by = "merchant"
over = ["1h", "24h"]
[[feature]]
name = "device_count_{over}"
operation = "count"
by = "device"
over = ["1h", "24h", "7d"]
[[feature]]
name = "device_cards_{over}"
operation = "count_distinct"
field = "card"
by = "device"
over = ["24h", "7d"]
[[feature]]
name = "device_idle"
operation = "time_since_last"
by = "device"
)";

constexpr size_t kRoundPayments = 1024;  // payments in the cache, as they come from the parser
constexpr size_t kBatches[] = {1, 16, 64, 256};  // 1: no prefetch
constexpr double kLiveEvents = 30;               // a card, within 31 days

class Bench {
 public:
  Bench(const char* title, const char* config, uint64_t cards)
      : title_(title), device_(*fields_.add("device", FieldType::text)), cards_(cards) {
    auto set = FeatureSet::parse(toml::parse(config), fields_, "windows_bench");
    CHECK(set.has_value(), "the benchmark's features");
    state_ = std::move(*WindowState::create(*set, fields_));
  }

  void run(size_t rounds) {
    PaymentStream stream(cards_, kLiveEvents, *state_, device_);
    auto warm = static_cast<size_t>(stream.events_in(days(34).ms())) / kRoundPayments + 1;
    for (size_t round = 0; round < warm; ++round) one_round(stream, 64);
    std::vector<double> ns[std::size(kBatches)];
    for (size_t round = 0; round < rounds * std::size(kBatches); ++round) {
      size_t which = round % std::size(kBatches);
      ns[which].push_back(one_round(stream, kBatches[which]));
    }
    print(stream, ns);
  }

 private:
  double one_round(PaymentStream& stream, size_t batch) {
    for (size_t i = 0; i < items_.size(); ++i) stream.next(items_[i], keys_[i]);
    double start = thread_cpu_ns();
    for (size_t from = 0; from < items_.size(); from += batch) observe(from, batch);
    return (thread_cpu_ns() - start) / static_cast<double>(items_.size());
  }

  void observe(size_t from, size_t batch) {
    std::span<PaymentKeys> keys(keys_.data() + from, batch);
    for (size_t i = 0; i < batch; ++i) {
      if (batch > 1) state_->prefetch(keys, i);
      state_->observe_in_batch(items_[from + i].payment, keys[i], features_);
    }
    state_->finish_batch();
  }

  void print(const PaymentStream& stream, std::span<const std::vector<double>> ns) const {
    double live = 0;
    for (size_t g = 0; g < state_->group_count(); ++g)
      live += stream.events_in(state_->group(g).plan().retention.ms());
    fmt::print("{}: {} features, {} cards, {} values of keys\n", title_, state_->feature_count(),
               cards_, state_->keys());
    fmt::print("  ns a payment:");
    for (size_t b = 0; b < ns.size(); ++b)
      fmt::print("  {:.0f} ({})", median(ns[b]),
                 kBatches[b] == 1 ? "no prefetch" : fmt::format("batch {}", kBatches[b]));
    auto bytes = static_cast<double>(state_->bytes()),
         history = static_cast<double>(state_->bytes_of_history());
    fmt::print(
        "\n  MiB: {:.0f}; bytes a card: {:.0f}; bytes of history for each live event of a key: "
        "{:.1f}\n",
        bytes / (1 << 20), bytes / static_cast<double>(cards_), history / live);
    std::fflush(stdout);
  }

  const char* title_;
  FieldTable fields_;
  FieldIndex device_;
  uint64_t cards_;
  std::unique_ptr<WindowState> state_;
  std::vector<StreamItem> items_ = std::vector<StreamItem>(kRoundPayments);
  std::vector<PaymentKeys> keys_ = std::vector<PaymentKeys>(kRoundPayments);
  float features_[64];
};

}  // namespace
}  // namespace paywarden

int main(int argc, char** argv) {
  using paywarden::Bench;
  bool tiny = std::getenv("PAYWARDEN_BENCH_TINY");
  uint64_t cards = tiny ? 500 : argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  Bench("one key", paywarden::kOneKey, cards).run(tiny ? 1 : 301);
  Bench("three keys", paywarden::kThreeKeys, cards).run(tiny ? 1 : 301);
}
