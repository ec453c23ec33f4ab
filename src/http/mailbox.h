// How other threads hand finished work to the thread that owns a connection: one lock, and one
// wake-up for everything that gathers until the owner gets to it. Outlives the server, so late
// replies find a closed box and nothing worse.
#pragma once

#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "http/ref_ptr.h"

namespace paywarden::http {

class Deliverable : public RefCounted {
 public:
  virtual void deliver() = 0;  // the owner's thread
};

class Mailbox {
 public:
  // `wake` makes the owner call drain() soon; any thread calls it, under the box's lock.
  explicit Mailbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  void push(RefPtr<Deliverable> item);  // any thread; dropped once the box is closed
  void drain();                         // the owner's thread
  void close();                         // any thread; `wake` is not called any more
  void set_home() { home_ = std::this_thread::get_id(); }  // before others know the box
  bool is_home() const { return std::this_thread::get_id() == home_; }

 private:
  std::mutex mutex_;
  std::function<void()> wake_;
  std::vector<RefPtr<Deliverable>> items_, draining_;
  std::thread::id home_;
  bool closed_ = false;
};

}  // namespace paywarden::http
