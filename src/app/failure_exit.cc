#include "app/failure_exit.h"

#include <unistd.h>

namespace paywarden {

FailureExit::~FailureExit() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void FailureExit::arm(const Error& error) {
  std::lock_guard lock(mutex_);
  if (stopped_ || thread_.joinable()) return;
  thread_ = std::thread([this, error] { run(error); });
}

void FailureExit::run(const Error& error) {
  std::string line = "paywarden: " + error.line() + "\n";
  std::unique_lock lock(mutex_);
  if (wake_.wait_for(lock, patience_, [this] { return stopped_; })) return;
  // Neither stdio nor destructors: whoever hangs may hold their locks.
  [[maybe_unused]] ssize_t told = write(STDERR_FILENO, line.data(), line.size());
  _exit(1);
}

}  // namespace paywarden
