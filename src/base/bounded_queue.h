// A queue between threads that never grows past its limit: many producers, one or more consumers.
//
//   BoundedQueue<Work> queue(4096);
//   if (!queue.try_push(std::move(work))) answer_503();  // full: the caller decides what that means
//   std::vector<Work> batch;
//   while (queue.pop_all(batch, 256)) { ...; batch.clear(); }  // blocks until there is work; false once closed and empty
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

namespace paywarden {

template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t limit) : limit_(limit) {}

  // False when full or closed; `item` is then untouched.
  bool try_push(T&& item) {
    std::lock_guard lock(mutex_);
    if (closed_ || items_.size() >= limit_) return false;
    items_.push_back(std::move(item));
    if (waiting_) ready_.notify_one();
    return true;
  }

  // Waits for room, once there is none until several items are gone; false once closed.
  bool push(T&& item) {
    std::unique_lock lock(mutex_);
    ++blocked_;
    room_.wait(lock, [&] { return closed_ || items_.size() < limit_; });
    --blocked_;
    if (closed_) return false;
    items_.push_back(std::move(item));
    if (waiting_) ready_.notify_one();
    return true;
  }

  // Takes whatever is queued, at most `most`, waiting only while there is nothing at all.
  bool pop_all(std::vector<T>& out, size_t most) {
    std::unique_lock lock(mutex_);
    ++waiting_;
    ready_.wait(lock, [&] { return closed_ || !items_.empty(); });
    --waiting_;
    return take(out, most);
  }

  // The same with a limit on the wait; returns true with `out` unchanged when the time is up.
  bool pop_all_for(std::vector<T>& out, size_t most, std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    ++waiting_;
    bool woke = ready_.wait_for(lock, wait, [&] { return closed_ || !items_.empty(); });
    --waiting_;
    return woke ? take(out, most) : true;
  }

  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    ready_.notify_all();
    room_.notify_all();
  }

  size_t size() const {
    std::lock_guard lock(mutex_);
    return items_.size();
  }
  size_t limit() const { return limit_; }

 private:
  bool take(std::vector<T>& out, size_t most) {
    if (items_.empty()) return false;
    size_t n = items_.size() < most ? items_.size() : most;
    for (size_t i = 0; i < n; ++i) {
      out.push_back(std::move(items_.front()));
      items_.pop_front();
    }
    // Waking a thread costs more than an item: who waits for room is woken for several at once, also where others fill the queue meanwhile.
    // It came to a full queue, so half of the limit freed is half of it free.
    freed_ += n;
    if (!blocked_ || freed_ < std::min(kFreedAtOnce, (limit_ + 1) / 2)) return true;
    freed_ = 0;
    room_.notify_all();
    return true;
  }

  static constexpr size_t kFreedAtOnce = 64;
  const size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable ready_, room_;
  std::deque<T> items_;
  int waiting_ = 0, blocked_ = 0;
  size_t freed_ = 0;  // since somebody was woken
  bool closed_ = false;
};

}  // namespace paywarden
