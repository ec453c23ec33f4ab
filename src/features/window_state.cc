#include "features/window_state.h"

#include <algorithm>

#include "base/hash.h"

namespace paywarden {

Result<std::unique_ptr<WindowState>> WindowState::create(const FeatureSet& set,
                                                         const FieldTable& fields) {
  TRY_ASSIGN(auto plans, make_group_plans(set, fields));
  return std::unique_ptr<WindowState>(new WindowState(set, fields, std::move(plans)));
}

WindowState::WindowState(const FeatureSet& set, const FieldTable& fields,
                         std::vector<GroupPlan> plans)
    : options_(set.options()), feature_count_(set.specs().size()), stateless_(set, fields) {
  groups_.reserve(plans.size());
  for (GroupPlan& plan : plans) groups_.emplace_back(std::move(plan), fields, options_);
}

void WindowState::keys_of(const Payment& payment, uint64_t* keys) const {
  for (size_t g = 0; g < groups_.size(); ++g) keys[g] = groups_[g].key_of(payment);
}

void WindowState::prefetch_slots(const uint64_t* keys) const {
  for (size_t g = 0; g < groups_.size(); ++g)
    if (keys[g]) groups_[g].prefetch_slot(keys[g]);
}

void WindowState::prefetch_rows(const uint64_t* keys) {
  for (size_t g = 0; g < groups_.size(); ++g)
    if (keys[g]) groups_[g].prefetch_rows(keys[g]);
}

Observation WindowState::observe(const Payment& payment, const uint64_t* keys, float* features) {
  approximate_.clear();
  watermark_ = std::max(watermark_, payment.event_time);
  stateless_.compute(payment, features);
  for (size_t g = 0; g < groups_.size(); ++g)
    groups_[g].observe(keys[g], payment, watermark_, features, approximate_);
  return {payment.event_time < watermark_ - options_.lateness_max, approximate_};
}

void WindowState::apply_label(EventTime payment_time, const uint64_t* keys, int fraud_change,
                              int labelled_change) {
  for (size_t g = 0; g < groups_.size(); ++g)
    groups_[g].apply_label(keys[g], payment_time, fraud_change, labelled_change, watermark_);
}

Duration WindowState::retention() const {
  Duration longest = options_.lateness_max;
  for (const KeyGroup& group : groups_) longest = std::max(longest, group.plan().retention);
  return longest;
}

size_t WindowState::bytes() const {
  size_t sum = 0;
  for (const KeyGroup& group : groups_) sum += group.bytes();
  return sum;
}

size_t WindowState::bytes_of_history() const {
  size_t sum = 0;
  for (const KeyGroup& group : groups_) sum += group.history_bytes();
  return sum;
}

size_t WindowState::keys() const {
  size_t sum = 0;
  for (const KeyGroup& group : groups_) sum += group.keys();
  return sum;
}

uint64_t WindowState::state_hash() const {
  uint64_t hash = static_cast<uint64_t>(watermark_.ms());
  for (const KeyGroup& group : groups_) hash = hash_combine(hash, group.state_hash(watermark_));
  return hash;
}

void WindowState::save(ChunkedWriter& out) const {
  out.bytes().i64(watermark_.ms());
  out.bytes().u32(static_cast<uint32_t>(groups_.size()));
  for (const KeyGroup& group : groups_) group.save(watermark_, out);
}

bool WindowState::load(ByteReader& in) {
  watermark_ = EventTime(in.i64());
  if (in.u32() != groups_.size()) return false;
  for (KeyGroup& group : groups_)
    if (!group.load(in)) return false;
  return in.ok();
}

}  // namespace paywarden
