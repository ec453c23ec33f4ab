#include "http/timer_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/random.h"

namespace paywarden::http {
namespace {

struct Timer final : TimerEntry {
  std::function<void()> action;
  void expired() override { action(); }
};

TEST(TimerWheel, NeverEarlyAtMostOneSlotLate) {
  TimerWheel wheel(1000);
  for (int64_t after : {0, 1, 2, 3, 50, 4095, 4096, 4097, 4098, 20'000}) {
    int64_t start = 1'000'000 + after * 7;
    wheel.advance(start);
    Timer timer;
    int64_t fired_at = -1, now = start;
    timer.action = [&] { fired_at = now; };
    wheel.arm(timer, start + after);
    for (; fired_at < 0 && now < start + 40'000; ++now) wheel.advance(now);
    EXPECT_GE(fired_at, start + after);
    EXPECT_LE(fired_at, start + after + 2 * TimerWheel::kSlotMs) << after;
  }
}

// Random arming, moving, disarming and jumps of time, against a plain list of due times.
TEST(TimerWheel, EqualsAList) {
  Random random(7);
  TimerWheel wheel(0);
  std::vector<Timer> timers(200);
  std::map<size_t, int64_t> due;  // the referee
  int64_t now = 0;
  for (size_t i = 0; i < timers.size(); ++i)
    timers[i].action = [&, i] {
      ASSERT_TRUE(due.contains(i)) << "fired without being armed";
      ASSERT_LE(due[i], now) << "fired early";
      due.erase(i);
    };
  for (int round = 0; round < 30'000; ++round) {
    size_t i = random.below(timers.size());
    if (random.below(4) == 0) {
      wheel.disarm(timers[i]);
      due.erase(i);
    } else {
      due[i] = now + static_cast<int64_t>(random.below(random.below(10) ? 300 : 12'000));
      wheel.arm(timers[i], due[i]);
    }
    if (random.below(3)) continue;
    now += static_cast<int64_t>(random.below(random.below(20) ? 8 : 9'000));
    wheel.advance(now);
    for (auto [timer, at] : due)
      ASSERT_GT(at + TimerWheel::kSlotMs * 2, now) << "timer " << timer << " is late";
    ASSERT_EQ(wheel.armed(), due.size());
    ASSERT_EQ(wheel.next_ms().has_value(), !due.empty());
    ASSERT_GT(wheel.next_ms().value_or(now), now - TimerWheel::kSlotMs);
  }
  for (Timer& timer : timers) wheel.disarm(timer);
}

TEST(TimerWheel, AsksToBeWokenInTime) {
  int64_t wake = -1, now = 500;
  TimerWheel wheel(now, [&](int64_t ms) { wake = ms; });
  int fired = 0;
  Timer first, second, again;
  first.action = second.action = [&] { ++fired; };
  again.action = [&] {
    if (++fired < 5) wheel.arm(again, now + 100);
  };
  wheel.arm(first, 9'000);
  wheel.arm(second, 700);
  wheel.arm(again, 600);
  for (int wakes = 0; fired < 6 && wakes < 100; ++wakes) {
    ASSERT_GT(wake, now);
    now = wake;
    wheel.advance(now);
  }
  EXPECT_EQ(fired, 6);
  EXPECT_LE(now, 9'000 + TimerWheel::kSlotMs);
}

TEST(TimerWheel, ATimerMayDisarmAnotherThatIsDue) {
  TimerWheel wheel(0);
  int fired = 0;
  Timer a, b;
  a.action = [&] { ++fired, wheel.disarm(b); };
  b.action = [&] { ++fired, wheel.disarm(a); };
  wheel.arm(a, 10);
  wheel.arm(b, 10);
  wheel.advance(100);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(wheel.armed(), 0u);
}

}  // namespace
}  // namespace paywarden::http
