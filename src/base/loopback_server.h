// For tests: a server on a loopback port that speaks what a test tells it to, one connection at a
// time.
//
//   LoopbackServer server([](LoopbackServer::Peer& peer) { peer.write("220 hello\r\n"); ...
//   peer.read_until("\r\n.\r\n"); }); connect_to(server.port());
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "base/check.h"

namespace paywarden {

class LoopbackServer {
 public:
  class Peer {
   public:
    explicit Peer(int socket) : socket_(socket) {}
    ~Peer() { ::close(socket_); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    void write(const std::string& text) const {
      for (size_t at = 0; at < text.size();) {
        ssize_t n = ::send(socket_, text.data() + at, text.size() - at, MSG_NOSIGNAL);
        if (n <= 0) return;
        at += static_cast<size_t>(n);
      }
    }
    // Up to and including `end`; less where the other side closes or is silent for 5 s.
    std::string read_until(const std::string& end) {
      while (buffer_.find(end) == std::string::npos && more()) {
      }
      size_t found = buffer_.find(end);
      return take(found == std::string::npos ? buffer_.size() : found + end.size());
    }
    std::string read(size_t bytes) {
      while (buffer_.size() < bytes && more()) {
      }
      return take(std::min(bytes, buffer_.size()));
    }

   private:
    bool more() {
      pollfd wait{socket_, POLLIN, 0};
      if (::poll(&wait, 1, 5'000) <= 0) return false;
      char block[4096];
      ssize_t n = ::recv(socket_, block, sizeof block, 0);
      if (n > 0) buffer_.append(block, static_cast<size_t>(n));
      return n > 0;
    }
    std::string take(size_t bytes) {
      std::string text = buffer_.substr(0, bytes);
      buffer_.erase(0, bytes);
      return text;
    }
    int socket_;
    std::string buffer_;
  };

  explicit LoopbackServer(std::function<void(Peer&)> talk) : talk_(std::move(talk)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
          "no loopback port");
    CHECK(::listen(socket_, 16) == 0, "cannot listen");
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~LoopbackServer() {
    stopping_ = true;
    thread_.join();
    ::close(socket_);
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  uint16_t port() const { return port_; }
  int connections() const { return connections_; }

 private:
  void run() {
    while (!stopping_) {
      pollfd wait{socket_, POLLIN, 0};
      if (::poll(&wait, 1, 20) <= 0) continue;
      int socket = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) continue;
      ++connections_;
      Peer peer(socket);
      talk_(peer);
    }
  }
  std::function<void(Peer&)> talk_;
  int socket_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  std::thread thread_;
};

}  // namespace paywarden
