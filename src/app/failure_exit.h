// After a failure nothing is worth waiting for: if the orderly stop hangs on what failed (a database on the same disk, a client
// that reads nothing), the program ends without it, with the same line.
//
//   FailureExit exit(std::chrono::seconds(5));   // made before what may hang, so that it outlives it
//   engine.on_failure([&](const Error& e) { exit.arm(e); });
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/result.h"

namespace paywarden {

class FailureExit {
 public:
  explicit FailureExit(std::chrono::milliseconds patience) : patience_(patience) {}
  ~FailureExit();  // the stop came to its end
  // Any thread; the first error counts. After the patience the program prints it as its last line and ends with 1.
  void arm(const Error& error);

 private:
  void run(const Error& error);

  const std::chrono::milliseconds patience_;
  std::mutex mutex_;  // stopped_ and the start of thread_
  std::condition_variable wake_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace paywarden
