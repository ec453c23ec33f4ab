#include "base/background.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace paywarden {
namespace {

int nice_of_this_thread() {
  return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()));
}

TEST(Background, OnlyTheCallingThreadStepsBack) {
  int before = nice_of_this_thread(), inside = before;
  std::thread([&] {
    sched_param usual{};
    ASSERT_EQ(::sched_setscheduler(0, SCHED_BATCH, &usual), 0);  // needs no rights
    work_in_background();
    inside = nice_of_this_thread();
    EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER);
  }).join();
  EXPECT_EQ(inside, std::min(before + 5, 19));
  EXPECT_EQ(nice_of_this_thread(), before);
}

}  // namespace
}  // namespace paywarden
