// The wall clock as a port. Only intake stamps with it (receipt time); it decides nothing about a
// payment.
#pragma once

#include <chrono>

#include "base/time.h"

namespace paywarden {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual EventTime now() = 0;  // any thread
};

class SystemClock : public Clock {
 public:
  EventTime now() override {
    auto since = std::chrono::system_clock::now().time_since_epoch();
    return EventTime(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
  }
};

// For tests: stands still until moved.
class ManualClock : public Clock {
 public:
  explicit ManualClock(EventTime start) : now_(start) {}
  EventTime now() override { return now_; }
  void advance(Duration span) { now_ = now_ + span; }

 private:
  EventTime now_;
};

}  // namespace paywarden
