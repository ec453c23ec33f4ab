// All window state: what the log so far says about every card, merchant, device ... The pure
// function of DESIGN: the same payments and labels in the same order give the same features, bit
// for bit.
//
//   WindowState state(set, fields, plans);            // plans: make_group_plans(set, fields)
//   state.keys_of(payment, keys);                     // for a micro-batch: all keys,
//   state.prefetch_slots(keys); state.prefetch_rows(keys);   // all prefetches, then, in log order:
//   Observation seen = state.observe(payment, keys, features);   // counts the payment in, writes
//   one float a feature
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

  // Any thread: `keys` takes group_count() values.
  void keys_of(const Payment& payment, uint64_t* keys) const;
  void prefetch_slots(const uint64_t* keys) const;
  void prefetch_rows(const uint64_t* keys);
  // `features` takes feature_count() floats. `payment.amount_base_minor` must be set.
  Observation observe(const Payment& payment, const uint64_t* keys, float* features);

  // The truth about a payment as far as the log tells: nothing -> known, fraud <-> genuine, or
  // taken back. `keys` are the payment's (keys_of).
  void apply_label(EventTime payment_time, const uint64_t* keys, int fraud_change,
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

  FeatureOptions options_;
  size_t feature_count_;
  StatelessFeatures stateless_;
  std::vector<KeyGroup> groups_;
  EventTime watermark_ = EventTime::min();
  std::vector<uint16_t> approximate_;
};

}  // namespace paywarden
