// Many timers for the price of one: a hashed wheel (Varghese and Lauck, 1987, scheme 6) of 2 ms
// slots, one per thread. Arming and disarming touch two list links and no system call. Owner's
// thread only.
//
//   struct Deadline : TimerEntry { void expired() override { ... } };
//   wheel.arm(deadline, now_ms + 50);    // never early, at most one slot (2 ms) late plus the
//   owner's own delay wheel.advance(now_ms);               // calls expired() of all that are due
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>

namespace paywarden::http {

class TimerEntry {
 public:
  TimerEntry() = default;
  TimerEntry(const TimerEntry&) = delete;
  TimerEntry& operator=(const TimerEntry&) = delete;
  bool armed() const { return next_ != nullptr; }
  int64_t due_ms() const { return due_ms_; }

 protected:
  ~TimerEntry() = default;
  virtual void expired() = 0;  // disarmed before; may arm itself again

 private:
  friend class TimerWheel;
  TimerEntry* previous_ = nullptr;
  TimerEntry* next_ = nullptr;
  int64_t due_ms_ = 0;
};

class TimerWheel {
 public:
  static constexpr int64_t kSlotMs = 2;
  static constexpr size_t kSlots =
      2048;  // one turn is 4.1 s; later timers stay in their slot for several turns

  // `wake_at` is told when advance() should be called next, each time that this becomes another
  // moment.
  explicit TimerWheel(int64_t now_ms, std::function<void(int64_t ms)> wake_at = {});
  ~TimerWheel();
  void arm(TimerEntry& entry, int64_t due_ms);  // moves it when it is armed already
  void disarm(TimerEntry& entry);               // nothing when it is not armed
  void advance(int64_t now_ms);
  void expire_all();  // whenever they are due: the end of the owner's thread
  // When advance() should be called next, none when no timer is armed. May be early, never late.
  std::optional<int64_t> next_ms() const;
  size_t armed() const { return armed_; }

 private:
  struct Slot : TimerEntry {
    void expired() override {}
  };
  static size_t slot_of(int64_t tick) { return static_cast<size_t>(tick) % kSlots; }
  void link(TimerEntry& entry, size_t slot);
  void unlink(TimerEntry& entry);
  void expire_slot(size_t slot, int64_t now_ms);
  void wake_at(int64_t ms);

  const std::function<void(int64_t)> wake_at_;
  int64_t waking_ms_ = std::numeric_limits<int64_t>::max();  // what wake_at_ was told last
  std::array<Slot, kSlots> slots_;
  std::array<uint64_t, kSlots / 64>
      occupied_{};  // a bit a slot; cleared when a visit finds the slot empty
  int64_t tick_;    // all slots up to here were visited
  size_t armed_ = 0;
};

}  // namespace paywarden::http
