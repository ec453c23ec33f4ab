// All window state: what the log so far says about every card, merchant, device ... The pure
// function of DESIGN: the same payments and labels in the same order give the same features, bit
// for bit.
//
//   WindowState state(set, fields, plans);            // plans: make_group_plans(set, fields)
//   PaymentKeys keys[n];                       // of a micro-batch in log order
//   state.keys_of(payments[i], keys[i]);       // any thread
//   for (size_t i = 0; i < n; ++i) {
//     state.prefetch(keys, i);                 // what the payments after i will touch
//     Observation seen = state.observe_in_batch(payments[i], keys[i], rows[i]);   // counts the payment in,
//   }                                          // writes one float a feature
//   state.finish_batch();                      // only now distances stand in the rows, too
//
// One thread owns it. Cost: see key_group.h; bytes() tells.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "features/feature.h"
#include "features/key_group.h"
#include "features/stateless.h"
#include "payment/payment.h"

namespace paywarden {

// What of a payment its features are looked up and counted by; filled by WindowState::keys_of.
struct PaymentKeys {
  std::vector<KeyRef> refs;      // one a key, in the order of the groups
  std::vector<uint64_t> hashes;  // of fields, as the groups bound them
};

struct Observation {
  bool late = false;                      // older than lateness_max behind the newest payment
  std::span<const uint16_t> approximate;  // indices of features; valid until the next call
};

class WindowState {
 public:
  static Result<std::unique_ptr<WindowState>> create(const FeatureSet& set,
                                                     const FieldTable& fields);

  size_t feature_count() const { return feature_count_; }
  size_t group_count() const { return groups_.size(); }

  void keys_of(const Payment& payment, PaymentKeys& keys) const;
  // Called for i = 0, 1, ... before each observe of a batch.
  void prefetch(std::span<PaymentKeys> batch, size_t i);
  // `features` takes feature_count() floats. `payment.amount_base_minor` must be set.
  Observation observe_in_batch(const Payment& payment, const PaymentKeys& keys, float* features);
  void finish_batch() { distances_.settle(); }
  // Both for one payment.
  Observation observe(const Payment& payment, const PaymentKeys& keys, float* features);

  // The truth about a payment as far as the log tells: nothing -> known, fraud <-> genuine, or
  // taken back. `keys` are the payment's (keys_of).
  void apply_label(EventTime payment_time, const PaymentKeys& keys, int fraud_change,
                   int labelled_change);

  EventTime watermark() const { return watermark_; }  // newest event time seen
  Duration retention() const;       // how far back the log is needed to rebuild windows
  size_t bytes() const;             // from the system
  size_t bytes_of_history() const;  // in blocks in use
  size_t keys() const;
  const KeyGroup& group(size_t i) const { return groups_[i]; }

  uint64_t state_hash() const;
  void save(ChunkedWriter& out) const;
  bool load(ByteReader& in);

 private:
  WindowState(const FeatureSet& set, const FieldTable& fields, std::vector<GroupPlan> plans);
  template <typename Ask>
  void ask(PaymentKeys& keys, Ask&& ask_group);

  FeatureOptions options_;
  size_t feature_count_;
  StatelessFeatures stateless_;
  std::vector<KeyGroup> groups_;
  std::vector<FieldIndex> hashed_;
  std::vector<FieldType> hashed_types_;
  EventTime watermark_ = EventTime::min();
  std::vector<uint16_t> approximate_;
  DistanceBatch distances_;
};

}  // namespace paywarden
