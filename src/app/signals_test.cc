#include "app/signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

namespace paywarden {
namespace {

using std::chrono::milliseconds;

void handled_then_zero() {
  Signals signals;
  std::atomic<int> seen = 0, reloads = 0;
  {
    std::thread librarys([] { std::this_thread::sleep_for(milliseconds(300)); });
    Signals::Handling handling(signals,
                               [&](int signal) { (signal == SIGHUP ? reloads : seen) = signal; });
    kill(getpid(), SIGHUP);
    while (reloads == 0) std::this_thread::sleep_for(milliseconds(1));
    kill(getpid(), SIGTERM);
    while (seen == 0) std::this_thread::sleep_for(milliseconds(1));
    librarys.join();
  }
  kill(getpid(), SIGTERM);  // a second one while the program ends changes nothing
  std::this_thread::sleep_for(milliseconds(50));
  _exit(seen == SIGTERM && reloads == SIGHUP ? 0 : 1);
}

void unhandled() {
  Signals signals;
  kill(getpid(), SIGINT);
  std::this_thread::sleep_for(std::chrono::seconds(20));
}

TEST(Signals, AreHandledInOrderAndIgnoredAtTheEnd) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(handled_then_zero(), testing::ExitedWithCode(0), "");
}

TEST(Signals, EndTheProgramUntilTheyAreHandled) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(unhandled(), testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace paywarden
