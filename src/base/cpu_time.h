// Processor time for benchmarks: other programs on the machine count less.
#pragma once

#include <time.h>

namespace paywarden {

// Of this thread, since it began.
inline double thread_cpu_ns() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

}  // namespace paywarden
