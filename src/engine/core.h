// The core of DESIGN 2: (state, payment) -> (state', decision), and nothing else: no clock, no
// files, no threads, no locks. Serving, replay, backfill, recovery and training's labels all go
// through here, in log order.
//
//   Sighting s = core.admit(payment, sequence, earlier);     // fresh: it is now part of the log at
//   `sequence` core.decide(items);                                      // a micro-batch of fresh
//   ones, in order core.label(record);                                      // a label, found or
//   waiting core.apply(change, model);                               // rules, lists, thresholds,
//   mode, model, rates core.state_hash();                                       // equal logs,
//   equal hashes
//
// One thread owns it. A micro-batch is worked through in passes: all keys, then state and features in
// order (with the memory of the next ones asked for), then all scores, then all decisions in order;
// the result is the same for every cut of the log into batches.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/chunked_writer.h"
#include "decision/policy.h"
#include "engine/currency_rates.h"
#include "engine/label_book.h"
#include "engine/model.h"
#include "engine/seen_payments.h"
#include "features/reason_sentences.h"
#include "features/window_state.h"
#include "payment/records.h"

namespace paywarden {

struct CoreOptions {
  Duration idempotency_horizon =
      days(7);  // a repeat of an id is known as one for this long, of event time
  LabelBookOptions labels = {};
  size_t reasons_max = 5;  // per decision: as many as a person reads
  Currency base_currency = {};
  PolicyOptions policy = {};
};

inline constexpr size_t kMicroBatchMax =
    256;  // rows of features in flight: 256 x 2 KiB stay in the second-level cache

// The features of a payment that several cores compute, one behind the other: a value for each of the whole set.
struct CarriedFeatures {
  std::vector<float> values;          // NaN: not computed yet
  std::vector<uint16_t> approximate;  // indices, ascending
  bool late = false;
};

// One fresh payment on its way through decide().
struct CoreItem {
  Payment* payment = nullptr;
  Decision* decision = nullptr;         // null: history (backfilled), counted and not decided
  GuardEvent guard = GuardEvent::none;  // set by decide()
  CarriedFeatures* carried = nullptr;   // what other cores computed; this one adds its own
  int frauds = 0;  // set by decide(): 1 where a label that waited for it says fraud
};

enum class LabelFate : uint8_t { applied, waiting };

class Core {
 public:
  // `own`: the part of `features` that this core computes; null: all. Without the others' values (CoreItem::carried) those
  // are missing.
  static Result<std::unique_ptr<Core>> create(const FieldTable& fields, const FeatureSet& features,
                                              const CoreOptions& options,
                                              const FeatureSet* own = nullptr);

  // Known, new, or the same id with another body. Fresh payments must then be decided in the order
  // of admission.
  Sighting admit(const Payment& payment, uint64_t sequence, uint64_t& earlier) {
    return admit(payment, identity_of(payment, fields_), sequence, earlier);
  }
  Sighting admit(const Payment& payment, const PaymentIdentity& identity, uint64_t sequence,
                 uint64_t& earlier);
  // Asks for the memory that admit will look at.
  void prefetch(const PaymentIdentity& identity) { seen_.prefetch(identity.id); }
  // Without looking: for a stream that is known to hold each payment once (a log).
  void admit_fresh(const Payment& payment, uint64_t sequence);
  // Where a payment of the last days stands in the log.
  std::optional<uint64_t> sequence_of(std::string_view payment_id) const;
  // At most kMicroBatchMax items.
  void decide(std::span<CoreItem> items);
  // For training: the features alone, `out` takes features().specs().size() floats.
  void observe(Payment& payment, float* out);
  // `change`: what it changed of what was known, where that is asked for.
  LabelFate label(const Label& label, const Payment* payment, LabelChange* change = nullptr);

  // Whether apply() would take it. For kind model, `model` is the loaded bundle.
  Status validate(const Change& change) const;
  Status apply(const Change& change, std::shared_ptr<const Model> model = nullptr);
  // Whether the log knows the rate of the currency to the base currency.
  bool has_rate(Currency currency) const { return rates_.has(currency); }
  // Scores each payment too, for Decision::shadow, and never acts: no part of the state. Null: none.
  void set_shadow(std::shared_ptr<const Model> model);
  void set_reasons(bool wanted) { want_reasons_ = wanted; }  // recovery does without

  const FeatureSet& features() const { return features_; }
  const ReasonSentences& sentences() const { return sentences_; }
  const FieldTable& fields() const { return fields_; }
  const Model* model() const { return model_.get(); }
  // Of an item of the last decide(): a value for each of features().specs().
  const float* features_of(size_t item) const { return rows_.data() + item * stride_; }
  const std::string& model_hash() const { return model_hash_; }
  const Policy& policy() const { return policy_; }
  const CurrencyRates& rates() const { return rates_; }
  const WindowState& windows() const { return *windows_; }
  const LabelBook& labels() const { return labels_; }
  const SeenPayments& seen() const { return seen_; }
  Duration idempotency_horizon() const { return options_.idempotency_horizon; }
  EventTime watermark() const { return windows_->watermark(); }

  uint64_t state_hash() const;
  void save(ChunkedWriter& out) const;
  // Into a fresh core. `models`: finds the bundle with a content hash.
  using ModelFinder =
      std::function<Result<std::shared_ptr<const Model>>(const std::string& content_hash)>;
  Status load(ByteReader& in, const ModelFinder& models);

 private:
  Core(const FieldTable& fields, const FeatureSet& features, const CoreOptions& options,
       const FeatureSet& own, std::unique_ptr<WindowState> windows, Policy policy);
  void observe_in_order(std::span<CoreItem> items);
  LabelChange take_waiting_label(const Payment& payment, const PaymentKeys& keys);
  void fill(CoreItem& item, const float* row, size_t i);
  void set_model(std::shared_ptr<const Model> model);
  float* row(size_t i) { return rows_.data() + i * stride_; }
  void observe_part(const CoreItem& item, size_t i);

  const FieldTable& fields_;
  const FeatureSet& features_;
  CoreOptions options_;
  ReasonSentences sentences_;
  std::unique_ptr<WindowState> windows_;
  SeenPayments seen_;
  LabelBook labels_;
  CurrencyRates rates_;
  Policy policy_;
  std::shared_ptr<const Model> model_;
  std::string model_hash_;
  std::shared_ptr<const Model> shadow_;
  bool want_reasons_ = true;
  EventTime admitted_ = EventTime::min();  // newest event time admitted

  std::string own_hash_;
  bool is_part_ = false;       // computes a part of the features
  std::vector<uint16_t> own_;  // place in the whole set of each that is computed here
  std::vector<float> own_row_;
  size_t stride_;
  std::vector<float> rows_;
  std::vector<PaymentKeys> keys_;
  std::vector<float> scores_, shadow_scores_;
  std::vector<Observation> seen_now_;
  std::vector<std::vector<std::string>> approximate_;
  std::unique_ptr<Model::Scratch> scratch_;  // the model's
};

}  // namespace paywarden
