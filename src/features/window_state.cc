#include "features/window_state.h"

#include <algorithm>

#include "base/hash.h"
#include "features/key_group_rows.h"

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
  for (GroupPlan& plan : plans)
    groups_.emplace_back(std::move(plan), options_).bind_hashes(hashed_);
  for (FieldIndex f : hashed_) hashed_types_.push_back(fields[f].type);
}

void WindowState::keys_of(const Payment& payment, PaymentKeys& keys) const {
  keys.hashes.resize(hashed_.size());
  keys.refs.resize(groups_.size());
  for (size_t i = 0; i < hashed_.size(); ++i)
    keys.hashes[i] = hash_of_field(payment, hashed_[i], hashed_types_[i]);
  for (size_t g = 0; g < groups_.size(); ++g)
    keys.refs[g] = {groups_[g].key_of(keys.hashes.data())};
}

template <typename Ask>
void WindowState::ask(PaymentKeys& keys, Ask&& ask_group) {
  for (size_t g = 0; g < groups_.size(); ++g)
    if (keys.refs[g].key) ask_group(groups_[g], keys.refs[g]);
}

// Three steps of memory, each of which the one before names: the slot, the block's beginning, the
// rows. Each is asked for some payments before it is needed, near enough to be still in the
// cache when it is.
void WindowState::prefetch(std::span<PaymentKeys> batch, size_t i) {
  constexpr size_t kSlots = 12, kBlocks = 8, kRows = 4;  // payments ahead
  auto slots = [&](size_t k) {
    ask(batch[k], [](KeyGroup& group, KeyRef& ref) { group.prefetch_slot(ref); });
  };
  auto blocks = [&](size_t k) {
    ask(batch[k], [](KeyGroup& group, KeyRef& ref) { group.prefetch_block(ref); });
  };
  auto rows = [&](size_t k) {
    ask(batch[k], [](KeyGroup& group, KeyRef& ref) { group.prefetch_rows(ref); });
  };
  if (i == 0) {
    for (size_t k = 0; k < std::min(kSlots, batch.size()); ++k) slots(k);
    for (size_t k = 0; k < std::min(kBlocks, batch.size()); ++k) blocks(k);
    for (size_t k = 0; k < std::min(kRows, batch.size()); ++k) rows(k);
  }
  if (i + kSlots < batch.size()) slots(i + kSlots);
  if (i + kBlocks < batch.size()) blocks(i + kBlocks);
  if (i + kRows < batch.size()) rows(i + kRows);
}

Observation WindowState::observe_in_batch(const Payment& payment, const PaymentKeys& keys,
                                          float* features) {
  approximate_.clear();
  watermark_ = std::max(watermark_, payment.event_time);
  stateless_.compute(payment, features, distances_);
  for (size_t g = 0; g < groups_.size(); ++g)
    groups_[g].observe(keys.refs[g], payment, keys.hashes.data(), watermark_,
                       {features, approximate_, distances_});
  return {payment.event_time < watermark_ - options_.lateness_max, approximate_};
}

Observation WindowState::observe(const Payment& payment, const PaymentKeys& keys, float* features) {
  Observation seen = observe_in_batch(payment, keys, features);
  finish_batch();
  return seen;
}

void WindowState::apply_label(EventTime payment_time, const PaymentKeys& keys, int fraud_change,
                              int labelled_change) {
  for (size_t g = 0; g < groups_.size(); ++g)
    groups_[g].apply_label(keys.refs[g].key, payment_time, fraud_change, labelled_change,
                           watermark_);
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
