// An HTTP server for the load generator's tests: one thread, one answer a request, and the faults
// that a test asks for.
//
//   TinyServer server({.stall_from = milliseconds(500), .stall = milliseconds(300)});
//   server.port()
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"

namespace paywarden {

struct TinyServerOptions {
  Duration stall_from{};  // after the first request: answers nothing for `stall`
  Duration stall{};
  // The whole answer to request number n (0, 1, ...); empty: close the connection. By default a
  // decision.
  std::function<std::string(uint64_t)> answer{};
};

inline std::string http_answer(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

class TinyServer {
 public:
  explicit TinyServer(TinyServerOptions options) : options_(std::move(options)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 128);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TinyServer() {
    stopping_ = true;
    thread_.join();
    for (auto& [fd, text] : clients_) ::close(fd);
    ::close(listener_);
  }
  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<std::string> requests() {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  void serve() {
    while (!stopping_) {
      std::vector<pollfd> fds = {{listener_, POLLIN, 0}};
      for (auto& [fd, text] : clients_) fds.push_back({fd, POLLIN, 0});
      ::poll(fds.data(), fds.size(), 20);
      stall();
      if (fds[0].revents) clients_[::accept(listener_, nullptr, nullptr)];
      for (size_t i = 1; i < fds.size(); ++i)
        if (fds[i].revents) take(fds[i].fd);
    }
  }
  void stall() {
    if (count_ == 0 || stalled_ || options_.stall.ms() == 0) return;
    if (Clock::now() - first_ < std::chrono::milliseconds(options_.stall_from.ms())) return;
    stalled_ = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(options_.stall.ms()));
  }
  void take(int fd) {
    char buffer[8192];
    ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) return drop(fd);
    std::string& text = clients_[fd];
    text.append(buffer, static_cast<size_t>(n));
    size_t head = text.find("\r\n\r\n"), length = text.find("Content-Length: ");
    if (head == std::string::npos || text.size() < head + 4 + std::stoul(text.substr(length + 16)))
      return;
    answer(fd, text);
  }
  void answer(int fd, std::string& text) {
    if (count_ == 0) first_ = Clock::now();
    std::string reply = options_.answer ? options_.answer(count_)
                                        : http_answer("200 OK", "{\"outcome\":\"approve\"}");
    ++count_;
    {
      std::lock_guard lock(mutex_);
      requests_.push_back(std::move(text));
    }
    text.clear();
    if (reply.empty()) return drop(fd);
    ::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL);
  }
  void drop(int fd) {
    ::close(fd);
    clients_.erase(fd);
  }

  TinyServerOptions options_;
  int listener_ = -1, port_ = 0;
  std::map<int, std::string> clients_;
  uint64_t count_ = 0;
  bool stalled_ = false;
  Clock::time_point first_;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace paywarden
