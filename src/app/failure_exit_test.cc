#include "app/failure_exit.h"

#include <gtest/gtest.h>

namespace paywarden {
namespace {

using std::chrono::milliseconds;

TEST(FailureExit, AStopThatHangsEndsWithTheLine) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        FailureExit exit(milliseconds(50));
        exit.arm({"cannot make durable: Input/output error", "/data/journal", "look at the disk"});
        exit.arm({"the log has failed", {}, {}});  // what follows from it is no news
        std::this_thread::sleep_for(std::chrono::seconds(20));
      },
      testing::ExitedWithCode(1),
      "^paywarden: /data/journal: cannot make durable: Input/output error; look at the disk\n$");
}

TEST(FailureExit, AStopInTimeIsLeftAlone) {
  { FailureExit never_armed(milliseconds(1)); }
  {
    FailureExit exit(milliseconds(60'000));
    exit.arm({"the disk failed", {}, {}});
  }  // does not wait for its patience: the test would time out
}

}  // namespace
}  // namespace paywarden
