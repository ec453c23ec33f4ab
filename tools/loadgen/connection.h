// One keep-alive connection with at most one request under way, on a non-blocking socket.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "http_response.h"

namespace paywarden {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

class Connection {
 public:
  enum class State { closed, connecting, idle, busy };
  enum class Arrival { nothing, answer, broken, lost };

  Connection() = default;
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Begins to connect and registers with `epoll` under `tag`; false: refused at once.
  bool open(const Address& address, int epoll, uint64_t tag);
  void close();
  // Only when idle. What the socket does not take at once goes out from on_writable().
  bool send(std::string_view request);
  bool on_writable();  // also completes connecting; false: the connection is gone
  // Reads what is there. After `answer`, response() is valid until release().
  Arrival on_readable();
  const HttpResponse& response() const { return response_; }
  void release();  // the answer has been looked at: idle again, or closed if the server wants that

  State state() const { return state_; }
  int64_t intended_ns = 0;  // of the request under way
  int64_t retry_ns = 0;     // not to be opened again before

 private:
  bool flush();
  void watch(uint32_t events);

  int fd_ = -1;
  int epoll_ = -1;
  uint64_t tag_ = 0;
  uint32_t watched_ = 0;
  State state_ = State::closed;
  std::string out_, in_;
  size_t written_ = 0;
  HttpResponse response_;
};

}  // namespace paywarden
