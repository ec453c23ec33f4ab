#include "report/decision_table.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"
#include "base/hash.h"

namespace paywarden {
namespace {

constexpr size_t kSlotsMin = 64;

size_t slots_for(size_t decisions) {
  return std::bit_ceil(std::max(kSlotsMin, decisions + decisions / 3 + 1));
}

}  // namespace

DecisionTable::DecisionTable() : slots_(kSlotsMin, kUnmatched) {}

void DecisionTable::reserve(size_t decisions) {
  decisions_.reserve(decisions);
  if (slots_for(decisions) > slots_.size()) set_slots(slots_for(decisions));
}

DecisionTable::Key DecisionTable::key_of(std::string_view payment_id) {
  Hash128 hash = hash128(payment_id);
  return {hash.low, static_cast<uint16_t>(hash.high)};
}

size_t DecisionTable::slot_of(const Key& key) const {
  size_t mask = slots_.size() - 1;
  for (size_t slot = key.hash & mask;; slot = (slot + 1) & mask) {
    if (slots_[slot] == kUnmatched) return slot;
    const ScoredPayment& there = decisions_[slots_[slot]];
    if (there.id_hash == key.hash && there.id_check == key.check) return slot;
  }
}

size_t DecisionTable::add(std::string_view payment_id, double score, Outcome outcome) {
  CHECK(decisions_.size() < kDecisionsMax, "the reader of the file stops before");
  if ((decisions_.size() + 1) * 4 > slots_.size() * 3) set_slots(slots_.size() * 2);
  Key key = key_of(payment_id);
  uint32_t& slot = slots_[slot_of(key)];
  if (slot != kUnmatched) return slot;
  slot = static_cast<uint32_t>(decisions_.size());
  ScoredPayment decision;
  decision.score = score;
  decision.id_hash = key.hash;
  decision.id_check = key.check;
  decision.position = kUnmatched;
  decision.outcome = outcome;
  decisions_.push_back(decision);
  return slot;
}

ScoredPayment* DecisionTable::find(std::string_view payment_id) {
  uint32_t index = slots_[slot_of(key_of(payment_id))];
  return index == kUnmatched ? nullptr : &decisions_[index];
}

void DecisionTable::set_slots(size_t count) {
  slots_ = {};  // before the new ones, so that both are never there at once
  slots_.assign(count, kUnmatched);
  for (size_t i = 0; i < decisions_.size(); ++i)
    slots_[slot_of({decisions_[i].id_hash, decisions_[i].id_check})] = static_cast<uint32_t>(i);
}

std::vector<ScoredPayment> DecisionTable::take() {
  slots_.assign(kSlotsMin, kUnmatched);
  slots_.shrink_to_fit();
  return std::exchange(decisions_, {});
}

}  // namespace paywarden
