// The open loop: a schedule of intended times, a queue of due payments, a pool of connections, one
// epoll.
#include "load_generator.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "base/random.h"
#include "connection.h"
#include "latency.h"

namespace paywarden {
namespace {

constexpr int64_t kNsPerMs = 1'000'000, kNsPerSecond = 1'000'000'000;
constexpr int64_t kHousekeepingNs = 10 * kNsPerMs;  // how exactly deadlines and reconnects are kept
constexpr int64_t kConnectNs = 5 * kNsPerSecond;    // for all connections before the first payment
constexpr uint64_t kTimerTag = ~0ull;

int64_t now_ns() {
  auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

struct FileDescriptor {
  int fd;
  explicit FileDescriptor(int opened) : fd(opened) {}
  ~FileDescriptor() { ::close(fd); }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
};

Result<Address> resolve(const LoadTarget& target) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  int error = ::getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &found);
  if (error != 0)
    return fail("no such host (" + std::string(::gai_strerror(error)) + ")",
                target.host + ":" + target.port);
  Address address;
  address.size = found->ai_addrlen;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return address;
}

// When payments are due, in ns since the start.
class Schedule {
 public:
  explicit Schedule(const LoadOptions& options)
      : gap_ns_(1e9 / options.rate),
        end_ns_(static_cast<double>(options.duration.ms()) * 1e6),
        poisson_(options.arrivals == Arrivals::poisson),
        random_(options.seed) {}
  int64_t due_ns() const { return static_cast<int64_t>(due_ns_); }
  bool done() const { return due_ns_ >= end_ns_ - 1; }
  void advance() {
    ++count_;
    if (poisson_)
      due_ns_ -= std::log(1 - random_.unit()) * gap_ns_;
    else
      due_ns_ = static_cast<double>(count_) * gap_ns_;  // no drift from adding
  }

 private:
  double gap_ns_, end_ns_, due_ns_ = 0;
  uint64_t count_ = 0;
  bool poisson_;
  Random random_;
};

class Run {
 public:
  Run(const LoadOptions& options, const Address& address, const BodySource& body,
      const ProgressSink& progress);
  Status connect_all();
  LoadReport run();

 private:
  void take_due(int64_t now);
  void send_queued(int64_t now);
  void send_one(Connection& connection, int64_t intended, int64_t now);
  void housekeeping(int64_t now);
  void expire(int64_t now);
  void report_progress(int64_t now);
  void set_alarm(int64_t at_ns);
  void wait(int64_t until_ns);
  void on_event(Connection& connection, uint32_t events);
  void on_answer(Connection& connection);
  void lose(Connection& connection, const char* reason);
  void failed(int64_t intended, const std::string& reason);
  void finished(int64_t intended, int64_t now);
  bool done() const { return schedule_.done() && queue_.empty() && under_way_ == 0; }

  const LoadOptions& options_;
  const Address& address_;
  const BodySource& body_;
  const ProgressSink& progress_;
  FileDescriptor epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  FileDescriptor timer_{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
  Schedule schedule_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> idle_;  // the last used first: its way through the machine is warm
  std::deque<int64_t> queue_;      // intended times of payments without a connection
  int64_t start_ns_ = 0, next_housekeeping_ns_ = 1, alarm_ns_ = 0, next_progress_ns_ = 0,
          last_answer_ns_ = 0;
  size_t under_way_ = 0;
  std::string request_, body_text_;
  LoadReport report_;
  uint64_t sent_last_ = 0, finished_last_ = 0;
  LatencyRecorder latency_, second_latency_, send_lag_;
};

Run::Run(const LoadOptions& options, const Address& address, const BodySource& body,
         const ProgressSink& progress)
    : options_(options), address_(address), body_(body), progress_(progress), schedule_(options) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kTimerTag;
  ::epoll_ctl(epoll_.fd, EPOLL_CTL_ADD, timer_.fd, &event);
}

Status Run::connect_all() {
  for (int i = 0; i < options_.connections; ++i) {
    connections_.push_back(std::make_unique<Connection>());
    connections_.back()->open(address_, epoll_.fd, static_cast<uint64_t>(i));
  }
  int64_t give_up = now_ns() + kConnectNs;
  auto connecting = [](const auto& c) { return c->state() == Connection::State::connecting; };
  while (std::any_of(connections_.begin(), connections_.end(), connecting) && now_ns() < give_up)
    wait(std::min(give_up, now_ns() + kHousekeepingNs));
  if (idle_.size() == connections_.size()) return {};
  return fail("cannot connect (" + std::to_string(idle_.size()) + " of " +
                  std::to_string(connections_.size()) + " connections were accepted)",
              options_.target.host + ":" + options_.target.port,
              "is the server running, and are that many connections allowed?");
}

LoadReport Run::run() {
  start_ns_ = last_answer_ns_ = now_ns() + kNsPerMs;
  next_progress_ns_ = start_ns_ + kNsPerSecond;
  while (!done()) {
    int64_t now = now_ns();
    take_due(now);
    send_queued(now);
    if (now >= next_housekeeping_ns_) housekeeping(now);
    int64_t until = next_housekeeping_ns_;
    if (!schedule_.done()) until = std::min(until, start_ns_ + schedule_.due_ns());
    if (!done()) wait(until);
  }
  double asked = static_cast<double>(options_.duration.ms()) / 1e3;
  report_.seconds = std::max(asked, static_cast<double>(last_answer_ns_ - start_ns_) / 1e9);
  report_.latency_ms = latency_.summary();
  report_.send_lag_ms = send_lag_.summary();
  return report_;
}

void Run::take_due(int64_t now) {
  for (; !schedule_.done() && start_ns_ + schedule_.due_ns() <= now; schedule_.advance()) {
    queue_.push_back(start_ns_ + schedule_.due_ns());
    ++report_.sent;
  }
}

void Run::send_queued(int64_t now) {
  while (!queue_.empty() && !idle_.empty()) {
    Connection& connection = *idle_.back();
    int64_t intended = queue_.front();
    idle_.pop_back();
    queue_.pop_front();
    send_one(connection, intended, now);
  }
}

void Run::send_one(Connection& connection, int64_t intended, int64_t now) {
  body_text_.clear();
  body_(options_.start_time + milliseconds((intended - start_ns_) / kNsPerMs), body_text_);
  request_.clear();
  fmt::format_to(std::back_inserter(request_),
                 "POST {} HTTP/1.1\r\nHost: {}:{}\r\nContent-Type: application/json\r\n",
                 options_.target.path, options_.target.host, options_.target.port);
  if (!options_.key.empty())
    fmt::format_to(std::back_inserter(request_), "Authorization: Bearer {}\r\n", options_.key);
  fmt::format_to(std::back_inserter(request_), "Content-Length: {}\r\n\r\n", body_text_.size());
  request_ += body_text_;
  send_lag_.add(now - intended);
  connection.intended_ns = intended;
  ++under_way_;
  if (!connection.send(request_)) lose(connection, "connection lost");
}

void Run::housekeeping(int64_t now) {
  next_housekeeping_ns_ = now + kHousekeepingNs;
  expire(now);
  for (size_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = *connections_[i];
    if (connection.state() != Connection::State::closed || now < connection.retry_ns) continue;
    connection.retry_ns = now + options_.reconnect.ms() * kNsPerMs;
    connection.open(address_, epoll_.fd, i);
  }
  if (now >= next_progress_ns_) report_progress(now);
}

void Run::expire(int64_t now) {
  int64_t too_old = now - options_.deadline.ms() * kNsPerMs;
  for (auto& connection : connections_)
    if (connection->state() == Connection::State::busy && connection->intended_ns <= too_old)
      lose(*connection, "timeout");
  for (; !queue_.empty() && queue_.front() <= too_old; queue_.pop_front())
    failed(queue_.front(), "timeout");
}

void Run::report_progress(int64_t now) {
  uint64_t finished_now = latency_.count(), errors = 0;
  for (const auto& [reason, count] : report_.errors) errors += count;
  progress_(fmt::format(
      "{:4} s  {} due  {} answered  p99 {:.2f} ms  {} waiting  {} errors  {} default answers",
      (now - start_ns_) / kNsPerSecond, report_.sent - sent_last_, finished_now - finished_last_,
      second_latency_.summary().p99, queue_.size() + under_way_, errors, report_.default_answers));
  sent_last_ = report_.sent;
  finished_last_ = finished_now;
  second_latency_.clear();
  next_progress_ns_ += kNsPerSecond;
}

// Once the alarm has rung, the caller always asks for a later time, so an equal one is still set.
void Run::set_alarm(int64_t at_ns) {
  if (at_ns == alarm_ns_) return;
  alarm_ns_ = at_ns;
  itimerspec alarm{};
  alarm.it_value.tv_sec = at_ns / kNsPerSecond;
  alarm.it_value.tv_nsec = at_ns % kNsPerSecond;
  ::timerfd_settime(timer_.fd, TFD_TIMER_ABSTIME, &alarm, nullptr);
}

void Run::wait(int64_t until_ns) {
  set_alarm(until_ns);
  epoll_event events[64];
  int count = ::epoll_wait(epoll_.fd, events, 64, -1);
  for (int i = 0; i < count; ++i) {
    if (events[i].data.u64 == kTimerTag) continue;  // setting it anew takes the expiry back
    on_event(*connections_[events[i].data.u64], events[i].events);
  }
}

void Run::on_event(Connection& connection, uint32_t events) {
  bool was_connecting = connection.state() == Connection::State::connecting;
  if ((events & (EPOLLOUT | EPOLLERR)) && !connection.on_writable())
    return lose(connection, "connection lost");
  if (was_connecting && connection.state() == Connection::State::idle) idle_.push_back(&connection);
  if (!(events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))) return;
  switch (connection.on_readable()) {
    case Connection::Arrival::nothing:
      return;
    case Connection::Arrival::answer:
      return on_answer(connection);
    case Connection::Arrival::broken:
      return lose(connection, "broken answer");
    case Connection::Arrival::lost:
      return lose(connection, "connection lost");
  }
}

void Run::on_answer(Connection& connection) {
  const HttpResponse& response = connection.response();
  bool is_default = is_default_answer(response.body);
  if (response.status == 200 && !is_default) ++report_.decided;
  if (is_default) ++report_.default_answers;
  if (response.status != 200) ++report_.errors["status " + std::to_string(response.status)];
  --under_way_;
  finished(connection.intended_ns, now_ns());
  connection.release();
  if (connection.state() == Connection::State::idle) idle_.push_back(&connection);
}

// The payment's fate is unknown, so it is not sent again: that would hide the failure.
void Run::lose(Connection& connection, const char* reason) {
  if (connection.state() == Connection::State::busy) {
    --under_way_;
    failed(connection.intended_ns, reason);
  }
  std::erase(idle_, &connection);
  connection.close();
}

void Run::failed(int64_t intended, const std::string& reason) {
  ++report_.errors[reason];
  finished(intended, now_ns());
}

void Run::finished(int64_t intended, int64_t now) {
  latency_.add(now - intended);
  second_latency_.add(now - intended);
  last_answer_ns_ = now;
}

Status check(const LoadOptions& options) {
  double payments = options.rate * static_cast<double>(options.duration.ms()) / 1e3;
  if (!(options.rate > 0)) return fail("the rate must be above 0");
  if (!(payments >= 1 && payments <= kLoadPaymentsMax))
    return fail("rate times seconds must be 1 to 50,000,000 payments");
  if (options.connections < 1 || options.connections > 10'000)
    return fail("connections must be 1 to 10,000");
  if (options.deadline < milliseconds(1)) return fail("the deadline must be 1 ms or more");
  return {};
}

}  // namespace

Result<LoadTarget> parse_target(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  auto bad = [&] {
    return fail("'" + std::string(url.substr(0, 100)) + "' is no address to send to", {},
                "write http://HOST:PORT; TLS is not spoken here");
  };
  if (!url.starts_with(kScheme)) return bad();
  url.remove_prefix(kScheme.size());
  size_t slash = url.find('/');
  std::string_view authority = url.substr(0, slash);
  size_t colon = authority.rfind(':');
  LoadTarget target;
  target.host = authority.substr(0, colon);
  target.port = colon == std::string_view::npos ? "80" : std::string(authority.substr(colon + 1));
  if (slash != std::string_view::npos && slash + 1 < url.size()) target.path = url.substr(slash);
  bool digits = target.port.find_first_not_of("0123456789") == std::string::npos;
  if (target.host.empty() || target.port.empty() || !digits) return bad();
  return target;
}

Result<LoadReport> run_load(const LoadOptions& options, const BodySource& body,
                            const ProgressSink& progress) {
  TRY(check(options));
  TRY_ASSIGN(Address address, resolve(options.target));
  Run run(options, address, body, progress);
  TRY(run.connect_all());
  return run.run();
}

}  // namespace paywarden
