// One request and its answer, with the memory of both: what a Reply and a RequestPtr keep alive. A
// connection uses the same object again once nobody else holds it. Inside of http/ only.
#pragma once

#include <atomic>
#include <memory>

#include "http/mailbox.h"
#include "http/reply.h"
#include "http/timer_wheel.h"

namespace paywarden::http {

struct Route;
class Exchange;

// What the other threads' work ends in, on the connection's own thread.
class ConnectionPort {
 public:
  virtual void on_answer(Exchange& exchange) = 0;
  virtual void on_lines_ready() = 0;
  virtual void on_events_ready() = 0;

 protected:
  ~ConnectionPort() = default;
};

// Where a connection lives: its thread's mailbox, and (that thread only) its timers.
struct Home {
  std::shared_ptr<Mailbox> mailbox;
  TimerWheel* wheel = nullptr;
  std::weak_ptr<ConnectionPort> connection;
};

class Exchange final : public Deliverable, private TimerEntry {
 public:
  explicit Exchange(Home home) : home_(std::move(home)) {}

  Request request;
  PaddedBuffer head;    // names and values that request.fields points into
  std::string decoded;  // path parameters
  PaddedBuffer body;
  const Route* route = nullptr;

  void reset();  // the connection's thread, while it holds the only reference

  // The answer; false when there is one already. Any thread.
  bool answer(Response response);
  bool answered() const { return claimed_.load(std::memory_order_acquire); }
  Response take_response() {
    return std::move(response_);
  }  // the connection's thread, from on_answer() on

  void expires(Duration after, std::function<Response()> fallback);  // the connection's thread
  void cancel_deadline();                                            // the connection's thread
  void add_reply() { replies_.fetch_add(1, std::memory_order_relaxed); }
  void drop_reply();
  bool was_dropped() const { return was_dropped_; }  // from on_answer() on
  bool was_late() const { return was_late_; }        // from on_answer() on

  void deliver() override;

 private:
  bool claim() { return !claimed_.exchange(true, std::memory_order_acq_rel); }
  void expired() override;
  void pass_on(Response response);

  const Home home_;
  std::atomic<bool> claimed_{false};
  std::atomic<int> replies_{0};
  Response response_;  // written by who claimed, read by the connection after delivery
  bool was_dropped_ = false, was_late_ = false;
  std::function<Response()> fallback_;
};

}  // namespace paywarden::http
