#include "http/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace paywarden::http {

TimerWheel::TimerWheel(int64_t now_ms, std::function<void(int64_t)> wake_at)
    : wake_at_(std::move(wake_at)), tick_(now_ms / kSlotMs) {
  for (Slot& slot : slots_) slot.previous_ = slot.next_ = &slot;
}

TimerWheel::~TimerWheel() {
  CHECK(armed_ == 0, "a timer outlives its wheel");
}

void TimerWheel::arm(TimerEntry& entry, int64_t due_ms) {
  disarm(entry);
  entry.due_ms_ = due_ms;
  int64_t tick = std::max((due_ms + kSlotMs - 1) / kSlotMs, tick_ + 1);
  link(entry, slot_of(tick));
  if (tick * kSlotMs < waking_ms_) wake_at(tick * kSlotMs);
}

void TimerWheel::wake_at(int64_t ms) {
  waking_ms_ = ms;
  if (wake_at_) wake_at_(ms);
}

void TimerWheel::disarm(TimerEntry& entry) {
  if (entry.armed()) unlink(entry);
}

void TimerWheel::link(TimerEntry& entry, size_t slot) {
  Slot& head = slots_[slot];
  entry.next_ = &head;
  entry.previous_ = head.previous_;
  head.previous_->next_ = &entry;
  head.previous_ = &entry;
  occupied_[slot / 64] |= uint64_t{1} << (slot % 64);
  ++armed_;
}

void TimerWheel::unlink(TimerEntry& entry) {
  entry.previous_->next_ = entry.next_;
  entry.next_->previous_ = entry.previous_;
  entry.previous_ = entry.next_ = nullptr;
  --armed_;
}

void TimerWheel::advance(int64_t now_ms) {
  int64_t now_tick = now_ms / kSlotMs;
  int64_t first = std::max(tick_ + 1, now_tick - static_cast<int64_t>(kSlots) + 1);
  tick_ = std::max(tick_, now_tick);
  waking_ms_ = std::numeric_limits<int64_t>::min();  // one decision at the end, not one a timer
  for (int64_t tick = first; tick <= now_tick; ++tick) expire_slot(slot_of(tick), now_ms);
  waking_ms_ = std::numeric_limits<int64_t>::max();
  if (auto next = next_ms()) wake_at(*next);
}

void TimerWheel::expire_all() {
  while (armed_ > 0)
    for (size_t slot = 0; slot < kSlots; ++slot)
      expire_slot(slot, std::numeric_limits<int64_t>::max());
}

// An expired() may arm and disarm any timer, so due ones are moved to a list of their own first.
void TimerWheel::expire_slot(size_t slot, int64_t now_ms) {
  if (!(occupied_[slot / 64] >> (slot % 64) & 1)) return;
  Slot& head = slots_[slot];
  Slot due;
  due.next_ = due.previous_ = &due;
  for (TimerEntry *entry = head.next_, *next; entry != &head; entry = next) {
    next = entry->next_;
    if (entry->due_ms_ > now_ms) continue;
    unlink(*entry);
    ++armed_;
    entry->next_ = &due;
    entry->previous_ = due.previous_;
    due.previous_->next_ = entry;
    due.previous_ = entry;
  }
  if (head.next_ == &head) occupied_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
  while (due.next_ != &due) {
    TimerEntry& entry = *due.next_;
    unlink(entry);
    entry.expired();
  }
}

std::optional<int64_t> TimerWheel::next_ms() const {
  if (armed_ == 0) return std::nullopt;
  size_t start = slot_of(tick_ + 1);
  for (size_t i = 0; i <= occupied_.size(); ++i) {
    size_t word = (start / 64 + i) % occupied_.size();
    uint64_t bits = occupied_[word];
    if (i == 0) bits &= ~uint64_t{0} << (start % 64);
    if (i == occupied_.size()) bits &= ~(~uint64_t{0} << (start % 64));
    if (bits == 0) continue;
    size_t slot = word * 64 + static_cast<size_t>(std::countr_zero(bits));
    int64_t ahead = static_cast<int64_t>((slot + kSlots - start) % kSlots);
    return (tick_ + 1 + ahead) * kSlotMs;
  }
  return std::nullopt;
}

}  // namespace paywarden::http
