// What an EventStream's copies share with its connection. Inside of http/ only.
#pragma once

#include <mutex>

#include "http/events.h"
#include "http/exchange.h"

namespace paywarden::http {

class EventState final : public Deliverable {
 public:
  enum class State { open, closing, overflowed, closed };

  EventState(Home home, size_t bytes_max) : home_(std::move(home)), bytes_max_(bytes_max) {}

  bool send(std::string_view data, std::string_view event, std::string_view id);  // any thread
  State state() const;                                                            // any thread
  void close(State how);                                                          // any thread
  void drain(std::string& out);  // the connection's thread
  void deliver() override;

 private:
  void announce();
  const Home home_;
  const size_t bytes_max_;
  mutable std::mutex mutex_;
  std::string pending_;
  bool announced_ = false;
  State state_ = State::open;
};

}  // namespace paywarden::http
