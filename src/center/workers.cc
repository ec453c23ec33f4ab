#include "center/workers.h"

namespace paywarden {

Workers::Workers(const WorkersOptions& options) : queued_max_(options.queued_max) {
  for (size_t i = 0; i < options.threads; ++i) threads_.emplace_back([this] { work(); });
}

bool Workers::try_run(Job job) {
  std::lock_guard lock(mutex_);
  if (stopped_ || jobs_.size() >= queued_max_) return false;
  jobs_.push_back(std::move(job));
  ready_.notify_one();
  return true;
}

void Workers::run(Job job) {
  {
    std::lock_guard lock(mutex_);
    if (!stopped_) {
      jobs_.push_back(std::move(job));
      ready_.notify_one();
      return;
    }
  }
  job();
}

void Workers::stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    ready_.notify_all();
  }
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void Workers::work() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [&] { return stopped_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace paywarden
