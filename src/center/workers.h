// A few threads for what must not run on a server's own: requests that read the store.
//
//   Workers workers({.threads = 2, .queued_max = 256});
//   if (!workers.try_run([=] { reply(make_answer()); })) reply(busy());
//   workers.run(continuation);   // never refused: the second half of something that was taken
//   workers.stop();              // finishes what is queued
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace paywarden {

struct WorkersOptions {
  size_t threads = 2;       // the store answers in well below a ms: enough for hundreds of pages
  size_t queued_max = 256;  // requests waiting; beyond, they are told to come back
};

class Workers {
 public:
  using Job = std::function<void()>;
  explicit Workers(const WorkersOptions& options);
  ~Workers() { stop(); }

  // All for any thread. False: full, or stopped.
  bool try_run(Job job);
  // For continuations, of which there are no more than jobs that were taken. After stop() it runs
  // at once.
  void run(Job job);
  void stop();

 private:
  void work();
  const size_t queued_max_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Job> jobs_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace paywarden
