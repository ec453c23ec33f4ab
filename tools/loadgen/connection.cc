// The socket calls of a connection. Everything that can fail here means one thing to the caller: it
// is gone.
#include "connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

namespace paywarden {

bool Connection::open(const Address& address, int epoll, uint64_t tag) {
  close();
  fd_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return false;
  int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_ = epoll;
  tag_ = tag;
  state_ = State::connecting;
  int result = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.size);
  if (result != 0 && errno != EINPROGRESS) {
    close();
    return false;
  }
  epoll_event event{};
  event.events = watched_ = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
  event.data.u64 = tag_;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd_, &event);
  return true;
}

void Connection::close() {
  if (fd_ >= 0) ::close(fd_);  // leaves the epoll set by itself
  fd_ = -1;
  state_ = State::closed;
  in_.clear();
  out_.clear();
  written_ = 0;
}

void Connection::watch(uint32_t events) {
  if (events == watched_) return;
  epoll_event event{};
  event.events = watched_ = events;
  event.data.u64 = tag_;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd_, &event);
}

bool Connection::send(std::string_view request) {
  out_.assign(request);
  written_ = 0;
  state_ = State::busy;
  return flush();
}

bool Connection::flush() {
  while (written_ < out_.size()) {
    ssize_t n = ::send(fd_, out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return false;
    if (n < 0) break;
    written_ += static_cast<size_t>(n);
  }
  uint32_t want_write = written_ < out_.size() ? EPOLLOUT : 0u;
  watch(EPOLLIN | EPOLLRDHUP | want_write);
  return true;
}

bool Connection::on_writable() {
  if (state_ == State::busy) return flush();
  if (state_ != State::connecting) return true;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return false;
  state_ = State::idle;
  watch(EPOLLIN | EPOLLRDHUP);
  return true;
}

Connection::Arrival Connection::on_readable() {
  char buffer[16 * 1024];
  ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Arrival::nothing;
  if (n <= 0) return Arrival::lost;
  if (state_ != State::busy) return Arrival::broken;  // an answer that nobody asked for
  in_.append(buffer, static_cast<size_t>(n));
  switch (parse_http_response(in_, response_)) {
    case ParseState::incomplete:
      return Arrival::nothing;
    case ParseState::broken:
      return Arrival::broken;
    case ParseState::complete:
      break;
  }
  return response_.size == in_.size() ? Arrival::answer : Arrival::broken;
}

void Connection::release() {
  if (!response_.keep_alive) return close();
  in_.clear();
  state_ = State::idle;
}

}  // namespace paywarden
