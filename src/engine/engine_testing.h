// For tests of this folder and behind it: a small schema, a model that is a formula, a log in
// memory.
//
//   TestWorld world;
//   auto core = world.core();
//   Payment p = world.payment("p1", "card1", 1250, EventTime(0) + hours(1));
#pragma once

#include <gtest/gtest.h>
#include <toml++/toml.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/random.h"
#include "base/simulated_files.h"
#include "engine/core.h"
#include "engine/engine.h"
#include "log/log.h"

namespace paywarden {

// 1 / (1 + 20000 / (sum of the card's last hour in minor units)): deterministic, and grows with
// spending.
class FormulaModel : public Model {
 public:
  explicit FormulaModel(std::string name, double scale = 200)
      : name_(std::move(name)), scale_(scale) {}
  const std::string& name() const override { return name_; }
  const std::string& content_hash() const override { return name_; }
  Thresholds thresholds() const override { return {0.5f, 0.9f}; }
  void score(const float* rows, size_t stride, size_t n, float* out) const override {
    for (size_t i = 0; i < n; ++i) {
      double sum = rows[i * stride + 1];
      out[i] = static_cast<float>(sum / (sum + scale_));
    }
  }
  std::unique_ptr<Scratch> scratch() const override { return std::make_unique<Scratch>(); }
  void explain(const float* row, Scratch&, size_t, std::vector<Reason>& out) const override {
    out = {{"card_sum_1h", row[1], 40, 1.5}};
  }

 private:
  std::string name_;
  double scale_;
};

struct TestWorld {
  FieldTable fields;
  FeatureSet features;
  CoreOptions options;

  TestWorld() {
    auto parsed = FeatureSet::parse(toml::parse(R"(
[features]
label_delay = "2h"
lateness_max = "1h"
[[feature]]
name = "card_count_1h"
operation = "count"
by = "card"
over = "1h"
[[feature]]
name = "card_sum_1h"
operation = "sum"
field = "amount"
by = "card"
over = "1h"
[[feature]]
name = "merchant_frauds_24h"
operation = "fraud_count"
by = "merchant"
over = "24h"
)"),
                                    fields, "test.toml");
    if (!parsed) ADD_FAILURE() << parsed.error().line();
    features = *parsed;
    options.base_currency = *Currency::parse("EUR");
  }

  std::unique_ptr<Core> bare_core() const {
    return std::move(*Core::create(fields, features, options));
  }
  std::unique_ptr<Core> core() const {
    auto core = bare_core();
    EXPECT_TRUE(core->apply({ChangeKind::model, "formula", "formula", "test", "", EventTime(0)},
                            std::make_shared<FormulaModel>("formula")));
    return core;
  }
  static Core::ModelFinder models() {
    return [](const std::string& hash) -> Result<std::shared_ptr<const Model>> {
      if (!hash.starts_with("formula")) return fail("no model " + hash);
      return std::make_shared<FormulaModel>(hash, hash == "formula" ? 200 : 50);
    };
  }

  Payment payment(std::string_view id, std::string_view card, int64_t minor, EventTime time) const {
    Payment p;
    p.reset(fields.size());
    p.event_time = p.receipt_time = time;
    Hash128 token = hash128(card);
    std::memcpy(p.card.bytes.data(), &token, 16);
    p.card_masked.assign("411111******1111");
    p.amount_minor = minor;
    p.currency = *Currency::parse("EUR");
    p.set_text(field::payment_id, id);
    p.set_text(field::merchant, "shop" + std::to_string(token.low % 5));
    return p;
  }
};

// A stream with bursts, late arrivals and labels, from one seed.
struct TestStream {
  const TestWorld& world;
  Random random;
  EventTime now{1'600'000'000'000};
  int count = 0;

  Payment next() {
    now = now + Duration(random.between(0, 60'000));
    EventTime time = random.chance(0.1) ? now - Duration(random.between(0, 3'500'000)) : now;
    return world.payment("p" + std::to_string(count++), "card" + std::to_string(random.below(20)),
                         random.between(0, 30'000), time);
  }
  Label label_for(int payment) {
    return {"p" + std::to_string(payment), random.chance(0.6), "test", now};
  }
};

class LogInMemory : public Log {
 public:
  Result<uint64_t> append(std::span<const RecordToWrite> records) override {
    std::this_thread::sleep_for(append_takes.load());
    std::lock_guard lock(mutex_);
    if (fail_appends) {
      usable_ = false;
      return fail("the disk is full", "test");
    }
    uint64_t first = records_.size() + 1;
    for (const RecordToWrite& r : records)
      records_.push_back({r.kind, std::string(r.bytes), r.lookup_key});
    grown_.notify_all();
    return first;
  }
  bool usable() const override { return usable_; }
  uint64_t first_sequence() const override { return 1; }
  uint64_t durable_end() const override {
    std::lock_guard lock(mutex_);
    return records_.size() + 1;
  }
  bool wait_for(uint64_t sequence, Duration timeout) const override {
    std::unique_lock lock(mutex_);
    return grown_.wait_for(lock, std::chrono::milliseconds(timeout.ms()),
                           [&] { return records_.size() >= sequence; });
  }
  Result<uint64_t> read(uint64_t from, const RecordVisitor& visit) const override {
    std::unique_lock lock(mutex_);
    for (; from <= records_.size(); ++from) {
      Kept kept = records_[from - 1];
      lock.unlock();
      bool more = visit({from, kept.kind, kept.bytes, kept.key});
      lock.lock();
      if (!more) return from + 1;
    }
    return from;
  }
  Result<Record> record(uint64_t sequence) const override {
    std::lock_guard lock(mutex_);
    if (sequence == 0 || sequence > records_.size()) return fail("no such record");
    return Record{sequence, records_[sequence - 1].kind, records_[sequence - 1].bytes};
  }
  Result<std::vector<uint64_t>> find(uint64_t key, size_t) const override {
    std::this_thread::sleep_for(find_takes.load());
    std::lock_guard lock(mutex_);
    std::vector<uint64_t> out;
    for (size_t i = records_.size(); i > 0; --i)
      if (records_[i - 1].key == key) out.push_back(i);
    return out;
  }
  using Log::find;
  Result<uint64_t> drop_before(uint64_t) override { return 1; }

  // Forgets the end, as a power cut may before durability.
  void cut(uint64_t end) {
    std::lock_guard lock(mutex_);
    records_.resize(end - 1);
  }
  std::atomic<bool> fail_appends{false};
  std::atomic<std::chrono::milliseconds> append_takes{std::chrono::milliseconds(0)};
  std::atomic<std::chrono::milliseconds> find_takes{std::chrono::milliseconds(0)};

 private:
  struct Kept {
    RecordKind kind;
    std::string bytes;
    uint64_t key;
  };
  mutable std::mutex mutex_;
  mutable std::condition_variable grown_;
  std::vector<Kept> records_;
  bool usable_ = true;
};

// What an engine stands on, in memory; recover() as often as it is to start anew on what is there.
struct TestGround {
  TestWorld world;
  LogInMemory log;
  SimulatedFiles files{1};
  Snapshots snapshots{files, "snapshots"};
  SilentLog quiet;
  EngineOptions options{.snapshot_in_child = false};

  Result<std::unique_ptr<Engine>> recover(Core::ModelFinder models = TestWorld::models()) {
    return Engine::recover(
        log, snapshots,
        [this] { return Core::create(world.fields, world.features, world.options); },
        std::move(models), options, quiet);
  }
};

}  // namespace paywarden
