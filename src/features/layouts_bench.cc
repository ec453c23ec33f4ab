// Layouts for exact sliding windows, compared over one stream (docs/decisions/0002): what is built
// (KeyGroup), its layout for fixed features, rings of raw events with running sums, and one log of all
// events with chains. Prints thread CPU time in ns a payment, median of rounds in which the layouts take
// turns, for micro-batches prefetched in two stages, and the bytes that state takes. All must give
// the same bits for every payment, or the program fails.
//
//   layouts_bench                             1 million cards, three sets of features, all layouts
//   layouts_bench 10000000 5 b,f,t,r,l 1      cards, live events a card, layouts (together, or with
//                                             commas one after the other: memory), sets of features
#include <cstdlib>
#include <functional>
#include <memory>
#include <tuple>

#include "features/layouts_log.h"
#include "features/layouts_prefix.h"
#include "features/layouts_ring.h"

namespace paywarden {
namespace {

constexpr int64_t kMinute = minutes(1).ms(), kHour = hours(1).ms(), kDay = days(1).ms();
constexpr Shape kCardFull{5, {10 * kMinute, kHour, kDay, 7 * kDay, 30 * kDay}, true, 1};
constexpr Shape kCardSums{5, {10 * kMinute, kHour, kDay, 7 * kDay, 30 * kDay}, false, 5};
constexpr Shape kCard{2, {kDay, 30 * kDay}, true, 0};
constexpr Shape kMerchant{2, {kHour, kDay}, false, 2};
constexpr Shape kDevice{2, {kDay, 7 * kDay}, false, 0};
constexpr size_t kBatches[] = {1, 16, 64, 256};  // 1: no prefetch
constexpr size_t kRoundPayments = 1024;  // payments in the cache, as they come from the parser

std::string declare(const Shape& shape, const char* key) {
  std::string text;
  auto add = [&](size_t w, const char* operation, const char* field) {
    text += fmt::format(
        "[[feature]]\nname = \"{0}_{1}_{2}\"\noperation = \"{1}\"\n{3}by = \"{0}\"\nover = "
        "\"{4}m\"\n",
        key, operation, w, field, shape.lengths[w] / kMinute);
  };
  for (size_t w = 0; w < shape.windows; ++w) {
    add(w, "count", "");
    add(w, "sum", "field = \"amount\"\n");
    add(w, "mean", "field = \"amount\"\n");
    if (shape.largest) add(w, "max", "field = \"amount\"\n");
    if (shape.has_distinct(w)) add(w, "count_distinct", "field = \"merchant\"\n");
  }
  return text;
}

struct World {
  FieldTable fields;
  FieldIndex device;
  FeatureSet set;
  explicit World(std::span<const std::pair<const char*, Shape>> keys)
      : device(*fields.add("device", FieldType::text)) {
    std::string text;
    for (const auto& [key, shape] : keys) text += declare(shape, key);
    auto parsed = FeatureSet::parse(toml::parse(text), fields, "layouts_bench");
    CHECK(parsed.has_value(), "the benchmark's features");
    set = *parsed;
  }
  std::unique_ptr<WindowState> state() const {
    return std::move(*WindowState::create(set, fields));
  }
};

class Layout {
 public:
  virtual ~Layout() = default;
  virtual const char* name() const = 0;
  // Observes all in order, `batch` at a time behind their prefetches; features in `out`, payment by payment.
  virtual void run(std::span<const StreamItem> items, std::span<PaymentKeys> keys, size_t batch,
                   float* out) = 0;
  virtual size_t bytes() const = 0;
  virtual size_t bytes_of_history() const = 0;
  virtual size_t keys() const = 0;
};

template <typename Prefetch, typename PrefetchRows, typename Observe>
void in_batches(std::span<const StreamItem> items, size_t batch, Prefetch slots, PrefetchRows rows,
                Observe observe) {
  for (size_t from = 0; from < items.size(); from += batch) {
    auto part = items.subspan(from, std::min(batch, items.size() - from));
    if (batch > 1) {
      for (const StreamItem& item : part) slots(item);
      for (const StreamItem& item : part) rows(item);
    }
    for (const StreamItem& item : part) observe(item);
  }
}

class Built : public Layout {
 public:
  explicit Built(const World& world) : state_(world.state()) {}
  const char* name() const override { return "built"; }
  void run(std::span<const StreamItem> items, std::span<PaymentKeys> keys, size_t batch,
           float* out) override {
    for (size_t i = 0; i < items.size(); ++i, out += state_->feature_count()) {
      size_t in_batch = i % batch;
      if (batch > 1)
        state_->prefetch(keys.subspan(i - in_batch, std::min(batch, keys.size() - i + in_batch)),
                         in_batch);
      CHECK(state_->observe_in_batch(items[i].payment, keys[i], out).approximate.empty(),
            "a key of the benchmark is over its limit");
      if (in_batch + 1 == batch) state_->finish_batch();
    }
    state_->finish_batch();
  }
  size_t bytes() const override { return state_->bytes(); }
  size_t bytes_of_history() const override { return state_->bytes_of_history(); }
  size_t keys() const override { return state_->keys(); }

 private:
  std::unique_ptr<WindowState> state_;
};

// One table a key, each with its shape.
template <template <Shape> typename Table, Shape... S>
class Fixed : public Layout {
 public:
  Fixed(const char* name, std::span<const size_t> keys_max,
        std::function<size_t(int64_t)> events_in)
      : name_(name), tables_(make(keys_max, events_in, std::index_sequence_for<Per<S>...>{})) {}
  const char* name() const override { return name_; }
  void run(std::span<const StreamItem> items, std::span<PaymentKeys>, size_t batch,
           float* out) override {
    in_batches(
        items, batch,
        [&](const StreamItem& item) {
          each([&](auto& table, size_t g, size_t) { table.prefetch_slot(item.by[g].key); });
        },
        [&](const StreamItem& item) {
          each([&](auto& table, size_t g, size_t) { table.prefetch_rows(item.by[g].key); });
        },
        [&](const StreamItem& item) {
          watermark_ = std::max(watermark_, item.by[0].time);
          each([&](auto& table, size_t g, size_t features) {
            table.observe(item.by[g], watermark_, out);
            out += features;
          });
        });
  }
  size_t bytes() const override {
    return sum([](const auto& table) { return table.bytes(); });
  }
  size_t bytes_of_history() const override {
    return sum([](const auto& table) { return table.bytes_of_history(); });
  }
  size_t keys() const override {
    return sum([](const auto& table) { return table.keys(); });
  }

 private:
  template <Shape One>
  using Per = std::unique_ptr<Table<One>>;
  template <size_t... I>
  static std::tuple<Per<S>...> make(std::span<const size_t> keys_max,
                                    const std::function<size_t(int64_t)>& events_in,
                                    std::index_sequence<I...>) {
    return {std::make_unique<Table<S>>(keys_max[I], events_in(S.retention()))...};
  }
  template <typename Fn>
  void each(Fn fn) {
    constexpr size_t features[] = {S.features()...};
    size_t g = 0;
    std::apply([&](auto&... table) { ((fn(*table, g, features[g]), ++g), ...); }, tables_);
  }
  template <typename Fn>
  size_t sum(Fn fn) const {
    return std::apply([&](const auto&... table) { return (fn(*table) + ...); }, tables_);
  }

  const char* name_;
  std::tuple<Per<S>...> tables_;
  int64_t watermark_ = INT64_MIN;
};

struct Sizes {
  uint64_t cards;
  double live_events;  // a card, within 31 days
  size_t rounds;       // of each batch size
  std::string
      layouts;  // letters (make); a comma before those that come when the ones before are gone
};

struct Measured {
  std::string name;
  std::vector<double> ns[std::size(kBatches)];
  std::vector<uint64_t> digests;  // of every round's features
  size_t bytes, bytes_of_history, keys;
};

template <Shape... S>
class Comparison {
 public:
  Comparison(const char* title, std::vector<const char*> keys, Sizes sizes)
      : title_(title),
        keys_(pairs(keys)),
        world_(keys_),
        for_keys_(world_.state()),
        sizes_(sizes) {}

  void run() {
    for (size_t from = 0; from < sizes_.layouts.size();) {
      size_t to = std::min(sizes_.layouts.find(',', from), sizes_.layouts.size());
      play(sizes_.layouts.substr(from, to - from));
      from = to + 1;
    }
    for (const Measured& result : results_)
      CHECK(result.digests == results_[0].digests, "two layouts disagree");
    print();
  }

 private:
  static std::vector<std::pair<const char*, Shape>> pairs(const std::vector<const char*>& keys) {
    Shape shapes[] = {S...};
    std::vector<std::pair<const char*, Shape>> out;
    for (size_t g = 0; g < keys.size(); ++g) out.emplace_back(keys[g], shapes[g]);
    return out;
  }
  PaymentStream stream() const {
    return {sizes_.cards, sizes_.live_events, *for_keys_, world_.device};
  }

  std::unique_ptr<Layout> make(char which) const {
    std::vector<size_t> keys_max;
    for (const auto& key : keys_)
      keys_max.push_back(std::string_view(key.first) == "merchant" ? sizes_.cards / 20 + 1
                                                                   : sizes_.cards);
    PaymentStream like = stream();
    auto events = [&](int64_t span) {
      return static_cast<size_t>(like.events_in(span) * 1.05) + 10'000;
    };
    if (which == 'f')
      return std::make_unique<Fixed<PrefixRows, S...>>("built, fixed features", keys_max, events);
    if (which == 't')
      return std::make_unique<Fixed<TaggedRows, S...>>("the same with tags", keys_max, events);
    if (which == 'r')
      return std::make_unique<Fixed<RawRing, S...>>("ring, running sums", keys_max, events);
    if (which == 'l')
      return std::make_unique<Fixed<ChainedLog, S...>>("log, chains", keys_max, events);
    return std::make_unique<Built>(world_);
  }

  // A round of the stream through every layout in turn; `warm`: not timed, fastest way.
  void play(const std::string& which) {
    std::vector<std::unique_ptr<Layout>> layouts;
    std::vector<Measured> results(which.size());
    for (char w : which) layouts.push_back(make(w));
    PaymentStream source = stream();
    auto warm = static_cast<size_t>(source.events_in(days(34).ms())) / kRoundPayments + 1;
    size_t rounds = warm + sizes_.rounds * std::size(kBatches);
    std::vector<StreamItem> items(kRoundPayments);
    std::vector<PaymentKeys> keys(kRoundPayments);
    std::vector<float> features(kRoundPayments * for_keys_->feature_count());
    for (size_t round = 0; round < rounds; ++round) {
      for (size_t i = 0; i < items.size(); ++i) source.next(items[i], keys[i]);
      size_t batch = round < warm ? 2 : round % std::size(kBatches);
      for (size_t i = 0; i < layouts.size(); ++i) {
        Layout& layout = *layouts[(i + round / 4) % layouts.size()];
        Measured& result = results[(i + round / 4) % layouts.size()];
        double start = thread_cpu_ns();
        layout.run(items, keys, kBatches[batch], features.data());
        if (round >= warm) result.ns[batch].push_back((thread_cpu_ns() - start) / kRoundPayments);
        result.digests.push_back(hash64(
            {reinterpret_cast<const char*>(features.data()), features.size() * sizeof(float)}));
      }
    }
    for (size_t i = 0; i < layouts.size(); ++i) finish(*layouts[i], results[i]);
  }

  void finish(const Layout& layout, Measured& result) {
    result.name = layout.name();
    result.bytes = layout.bytes();
    result.bytes_of_history = layout.bytes_of_history();
    result.keys = layout.keys();
    results_.push_back(std::move(result));
  }

  void print() const {
    double live = 0;
    for (const auto& key : keys_) live += stream().events_in(key.second.retention());
    fmt::print("{}: {} cards, {:.0f} live events a card, {} features\n", title_, sizes_.cards,
               sizes_.live_events, for_keys_->feature_count());
    fmt::print("{:<24}{:>9}", "ns a payment, batch of", "none");
    for (size_t b = 1; b < std::size(kBatches); ++b) fmt::print("{:>9}", kBatches[b]);
    fmt::print("{:>8}{:>14}{:>16}{:>14}\n", "ratio", "bytes a key", "bytes an event", "MiB");
    for (const Measured& result : results_) {
      fmt::print("  {:<22}", result.name);
      for (const auto& ns : result.ns) fmt::print("{:>9.0f}", median(ns));
      fmt::print("{:>8.2f}{:>14.0f}{:>16.1f}{:>14}\n",
                 median(result.ns[2]) / median(results_[0].ns[2]),
                 static_cast<double>(result.bytes) / static_cast<double>(result.keys),
                 static_cast<double>(result.bytes_of_history) / live, result.bytes >> 20);
    }
    std::fflush(stdout);
  }

  const char* title_;
  std::vector<std::pair<const char*, Shape>> keys_;
  World world_;
  std::unique_ptr<WindowState> for_keys_;
  Sizes sizes_;
  std::vector<Measured> results_;
};

}  // namespace
}  // namespace paywarden

int main(int argc, char** argv) {
  using namespace paywarden;
  bool tiny = std::getenv("PAYWARDEN_BENCH_TINY");
  Sizes sizes{tiny ? 500u : 1'000'000u, 30, tiny ? 1u : 301u, "bftrl"};
  std::string sets = "123";
  if (!tiny && argc > 1) sizes.cards = std::strtoull(argv[1], nullptr, 10);
  if (!tiny && argc > 2) sizes.live_events = std::strtod(argv[2], nullptr);
  if (!tiny && argc > 3) sizes.layouts = argv[3];
  if (!tiny && argc > 4) sets = argv[4];
  auto chosen = [&](char set) { return sets.find(set) != std::string::npos; };
  if (chosen('1')) Comparison<kCardFull>("one key, all operations", {"card"}, sizes).run();
  if (chosen('2')) Comparison<kCardSums>("one key, counts and sums", {"card"}, sizes).run();
  if (chosen('3'))
    Comparison<kCard, kMerchant, kDevice>("three keys", {"card", "merchant", "device"}, sizes)
        .run();
}
