// What a connection needs of the server and of the thread it lives on. Inside of http/ only.
#pragma once

#include <string>

#include "http/exchange.h"
#include "http/server.h"

namespace paywarden::http {

class Connection;

// One for the whole server.
struct ServerShared {
  ServerOptions options;
  Router router;
  ServerPorts ports;
  ServerStats stats;
  std::atomic<size_t> body_bytes{0};  // of requests being read or answered
  std::atomic<bool> stopping{false};
};

// One a thread; used by that thread alone.
class Loop {
 public:
  Loop(ServerShared& shared, std::function<void(int64_t ms)> wake_at)
      : shared_(shared), wheel_(now_ms(), std::move(wake_at)) {}
  virtual ~Loop() = default;

  virtual void closed(Connection& connection) = 0;  // may destroy it
  ServerShared& shared() { return shared_; }
  TimerWheel& wheel() { return wheel_; }
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }
  static int64_t now_ms();
  std::string_view date();  // of now, for the Date field

 protected:
  ServerShared& shared_;
  TimerWheel wheel_;
  std::shared_ptr<Mailbox> mailbox_;

 private:
  int64_t date_second_ = -1;
  std::string date_;
};

}  // namespace paywarden::http
