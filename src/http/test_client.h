// A plain blocking HTTP client over a raw socket, for tests and benchmarks: it can misbehave as
// real clients do.
//
//   TestClient client(server->port());
//   client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
//   auto answer = client.read_answer();    // answer->status, ->header("etag"), ->body (chunks
//   joined)
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/message.h"

namespace paywarden::http {

struct TestAnswer {
  int status = 0;
  std::string head;  // with the status line
  std::string body;
  bool whole = true;  // false: the connection ended within the body

  std::string header(std::string_view name) const {
    for (size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
      std::string_view line = std::string_view(head).substr(at + 2);
      line = line.substr(0, line.find("\r\n"));
      size_t colon = line.find(": ");
      if (colon != line.npos && equal_ignoring_case(line.substr(0, colon), name))
        return std::string(line.substr(colon + 2));
    }
    return {};
  }
};

class TestClient {
 public:
  explicit TestClient(uint16_t port, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_buffer)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  TestClient(TestClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        connected_(other.connected_),
        buffer_(std::move(other.buffer_)) {}
  TestClient& operator=(TestClient&&) = delete;
  ~TestClient() { close(); }

  bool connected() const { return connected_; }
  int fd() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void shutdown_send() { ::shutdown(fd_, SHUT_WR); }

  // False when the other side is gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  bool request(std::string_view method, std::string_view path, std::string_view body = {},
               std::string_view extra = {}) {
    std::string text;
    text.append(method)
        .append(" ")
        .append(path)
        .append(" HTTP/1.1\r\nHost: test\r\n")
        .append(extra);
    if (!body.empty() || method == "POST")
      text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    return send(text.append("\r\n").append(body));
  }

  // None when the connection ends, or nothing comes for `wait`, before a whole head.
  std::optional<TestAnswer> read_answer(bool to_head = false,
                                        std::chrono::milliseconds wait = std::chrono::seconds(5)) {
    wait_ = wait;
    size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (!more()) return std::nullopt;
    TestAnswer answer;
    answer.head = take(end + 4);
    if (answer.head.size() < 12) return std::nullopt;
    answer.status = std::atoi(answer.head.c_str() + 9);
    if (!to_head && answer.status >= 200 && answer.status != 204 && answer.status != 304)
      read_body(answer);
    return answer;
  }

  // One chunk of a body, none at its end or the connection's.
  std::optional<std::string> read_chunk() {
    size_t end;
    while ((end = buffer_.find("\r\n")) == std::string::npos)
      if (!more()) return std::nullopt;
    size_t size = std::strtoul(take(end + 2).c_str(), nullptr, 16);
    while (buffer_.size() < size + 2)
      if (!more()) return std::nullopt;
    std::string chunk = take(size + 2);
    chunk.resize(size);
    if (size == 0) return std::nullopt;
    return chunk;
  }

  // True when the other side closed (or reset) within `wait`; what it sent before is dropped.
  bool closes(std::chrono::milliseconds wait = std::chrono::seconds(5)) {
    wait_ = wait;
    while (more()) buffer_.clear();
    return ended_;
  }

 private:
  bool more() {
    pollfd poll_fd{fd_, POLLIN, 0};
    if (::poll(&poll_fd, 1, static_cast<int>(wait_.count())) <= 0) return false;
    char bytes[64 * 1024];
    ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
    ended_ = n <= 0;
    if (n > 0) buffer_.append(bytes, static_cast<size_t>(n));
    return n > 0;
  }

  std::string take(size_t count) {
    std::string text = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return text;
  }

  void read_body(TestAnswer& answer) {
    if (answer.header("transfer-encoding") == "chunked") {
      while (auto chunk = read_chunk()) answer.body += *chunk;
      answer.whole = !ended_;
      return;
    }
    size_t size = std::strtoul(answer.header("content-length").c_str(), nullptr, 10);
    while (buffer_.size() < size)
      if (!more()) break;
    answer.whole = buffer_.size() >= size;
    answer.body = take(std::min(size, buffer_.size()));
  }

  int fd_;
  bool connected_ = false;
  bool ended_ = false;
  std::chrono::milliseconds wait_{5000};
  std::string buffer_;
};

}  // namespace paywarden::http
