#include "http/server.h"

#include <sys/resource.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <thread>
#include <unordered_map>

#include "base/check.h"
#include "http/asio_wire.h"
#include "http/connection.h"

namespace paywarden::http {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
using Acceptor = Tcp::acceptor::rebind_executor<asio::io_context::executor_type>::other;
using Timer = asio::steady_timer::rebind_executor<asio::io_context::executor_type>::other;

constexpr auto kAcceptPause =
    std::chrono::milliseconds(100);   // after accept failed: descriptors may come free
constexpr uint64_t kSpareFiles = 64;  // descriptors that the rest of the program needs

std::chrono::steady_clock::time_point moment(int64_t ms) {
  return std::chrono::steady_clock::time_point(std::chrono::milliseconds(ms));
}

// Open connections by address. Any thread.
class PeerCounts {
 public:
  size_t add(const std::string& peer) {
    std::lock_guard lock(mutex_);
    return ++counts_[peer];
  }
  void remove(const std::string& peer) {
    std::lock_guard lock(mutex_);
    auto entry = counts_.find(peer);
    if (entry != counts_.end() && --entry->second == 0) counts_.erase(entry);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, size_t> counts_;
};

// What all threads count together, and stop() waits for.
struct Census {
  PeerCounts peers;
  std::atomic<size_t> refusals_open{0};
  std::mutex mutex;
  std::condition_variable changed;  // when stopping
};

// A thread with its connections.
class ThreadLoop final : public Loop {
 public:
  ThreadLoop(ServerShared& shared, Census& census)
      : Loop(shared, [this](int64_t ms) { wake_at(ms); }),
        census_(census),
        timer_(io_),
        work_(io_.get_executor()) {
    mailbox_ =
        std::make_shared<Mailbox>([this] { asio::post(io_, [box = mailbox_] { box->drain(); }); });
  }

  asio::io_context& io() { return io_; }

  void run_thread() {
    thread_ = std::thread([this] {
      mailbox_->set_home();
      io_.run();
    });
  }

  void adopt(Socket socket, TlsContext tls, std::string peer, const Response* refusal) {
    ErrorCode ignored;  // a broken connection shows soon enough
    socket.set_option(Tcp::no_delay(true), ignored);
    bool is_tls = tls != nullptr;
    auto connection = std::make_shared<Connection>(
        *this, make_wire(std::move(socket), std::move(tls)), std::move(peer), is_tls);
    connections_.emplace(connection.get(), connection);
    if (refusal) return connection->start_refused(*refusal);
    connection->start();
  }

  void closed(Connection& connection) override {
    if (connection.refused()) {
      census_.refusals_open.fetch_sub(1);
    } else {
      census_.peers.remove(connection.peer());
      shared_.stats.connections_open.fetch_sub(1);
    }
    connections_.erase(&connection);
    if (!shared_.stopping || !connections_.empty()) return;
    std::lock_guard lock(census_.mutex);
    census_.changed.notify_all();
  }

  void begin_stop() {
    for (const auto& connection : all()) connection->begin_stop();
  }

  // After this the thread ends by itself.
  void finish() {
    for (const auto& connection : all()) connection->close();
    wheel_.expire_all();
    mailbox_->close();
    timer_.cancel();
    work_.reset();
  }

  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::vector<std::shared_ptr<Connection>> all() const {
    std::vector<std::shared_ptr<Connection>> list;
    for (const auto& entry : connections_) list.push_back(entry.second);
    return list;
  }

  void wake_at(int64_t ms) {
    timer_.expires_at(moment(ms));
    timer_.async_wait([this](ErrorCode ec) {
      if (!ec) wheel_.advance(now_ms());
    });
  }

  Census& census_;
  asio::io_context io_{1};
  Timer timer_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  std::thread thread_;
};

Result<asio::ip::address> listen_address(const ServerOptions& options) {
  std::string text = options.address == "localhost" ? "127.0.0.1" : options.address;
  ErrorCode ec;
  auto address = asio::ip::make_address(text, ec);
  if (ec)
    return fail("'" + text + "' is not an IP address", {},
                "give one such as 127.0.0.1, 0.0.0.0 or ::1");
  if (!address.is_loopback() && !options.tls && !options.allow_plaintext)
    return fail(
        "refusing to listen on " + text + " without TLS", "http.address",
        "give a certificate and key file, listen on 127.0.0.1, or set http.allow_plaintext = true");
  return address;
}

Error listen_error(const std::string& where, ErrorCode ec) {
  if (ec == asio::error::address_in_use)
    return {"cannot listen: the port is in use", where,
            "stop the program that holds it, or choose another port"};
  if (ec == asio::error::access_denied)
    return {"cannot listen: not allowed", where,
            "ports below 1024 need privileges; choose a higher one"};
  return {"cannot listen: " + ec.message(), where, "choose an address of this machine"};
}

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, Router router, ServerPorts ports, asio::ip::address address,
       TlsContext tls)
      : shared_{.options = std::move(options),
                .router = std::move(router),
                .ports = std::move(ports),
                .stats = {},
                .body_bytes = 0,
                .stopping = false},
        endpoint_(address, shared_.options.port),
        tls_(std::move(tls)) {
    for (size_t i = 0; i < shared_.options.threads; ++i)
      loops_.push_back(std::make_unique<ThreadLoop>(shared_, census_));
    acceptor_.emplace(loops_[0]->io());
    pause_.emplace(loops_[0]->io());
  }

  Status start() {
    CHECK(!started_, "Server::start() twice");
    TRY(listen());
    started_ = true;
    warn_of_few_files();
    accept_next();
    for (auto& loop : loops_) loop->run_thread();
    return {};
  }

  void stop() {
    if (!std::exchange(started_, false)) return;
    shared_.stopping = true;
    asio::post(loops_[0]->io(), [this] {
      ErrorCode ignored;
      acceptor_->close(ignored);
      pause_->cancel();
    });
    for (auto& loop : loops_) asio::post(loop->io(), [&loop = *loop] { loop.begin_stop(); });
    wait_for_connections();
    for (auto& loop : loops_) asio::post(loop->io(), [&loop = *loop] { loop.finish(); });
    for (auto& loop : loops_) loop->join();
  }

  Status reload_tls() {
    if (!shared_.options.tls) return fail("this server has no TLS files to read again");
    TRY_ASSIGN(TlsContext fresh, load_tls(*shared_.options.tls));
    std::lock_guard lock(tls_mutex_);
    tls_ = std::move(fresh);
    return {};
  }

  uint16_t port() const { return endpoint_.port(); }
  const ServerStats& stats() const { return shared_.stats; }
  std::string where() const {
    std::string host = endpoint_.address().to_string();
    if (endpoint_.address().is_v6()) host = "[" + host + "]";
    return host + ":" + std::to_string(endpoint_.port());
  }
  std::string url() const { return (shared_.options.tls ? "https://" : "http://") + where(); }

 private:
  Status listen() {
    ErrorCode ec;
    acceptor_->open(endpoint_.protocol(), ec);
    if (!ec) acceptor_->set_option(Tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor_->bind(endpoint_, ec);
    if (!ec) acceptor_->listen(shared_.options.listen_backlog, ec);
    if (ec) return tl::unexpected(listen_error(where(), ec));
    endpoint_ = acceptor_->local_endpoint(ec);
    return {};
  }

  void warn_of_few_files() {
    rlimit limit{};
    uint64_t wanted = shared_.options.connections_max + kSpareFiles;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    shared_.ports.log.write(
        LogLevel::warning, "open_files_limit_low",
        {{"limit", std::to_string(limit.rlim_cur)}, {"wanted", std::to_string(wanted)}});
  }

  // The first loop's thread, from here down.
  void accept_next() {
    ThreadLoop& home = *loops_[next_loop_++ % loops_.size()];
    acceptor_->async_accept(home.io(), [this, &home](ErrorCode ec, Socket socket) {
      if (!acceptor_->is_open()) return;
      if (ec) return pause_accept(ec);
      accept_failing_ = false;
      admit(home, std::move(socket));
      accept_next();
    });
  }

  void pause_accept(ErrorCode ec) {
    if (!std::exchange(accept_failing_, true))
      shared_.ports.log.write(LogLevel::error, "accept_failed", {{"error", ec.message()}});
    pause_->expires_after(kAcceptPause);
    pause_->async_wait([this](ErrorCode cancelled) {
      if (!cancelled && acceptor_->is_open()) accept_next();
    });
  }

  void admit(ThreadLoop& home, Socket socket) {
    ErrorCode ec;
    auto remote = socket.remote_endpoint(ec);
    if (ec) return;  // gone already
    ServerStats& stats = shared_.stats;
    stats.connections_accepted.fetch_add(1, std::memory_order_relaxed);
    std::string peer = remote.address().to_string();
    const Response* refusal = count_in(peer);
    if (!refusal) return hand_over(home, std::move(socket), std::move(peer), nullptr);
    stats.connections_refused.fetch_add(1, std::memory_order_relaxed);
    if (census_.refusals_open.fetch_add(1) < shared_.options.refusals_lingering_max)
      return hand_over(home, std::move(socket), std::move(peer), refusal);
    census_.refusals_open.fetch_sub(1);
  }

  // Null when there is room, and it is taken.
  const Response* count_in(const std::string& peer) {
    auto& open = shared_.stats.connections_open;
    if (open.fetch_add(1) >= shared_.options.connections_max) {
      open.fetch_sub(1);
      return &full_;
    }
    if (census_.peers.add(peer) <= shared_.options.connections_per_peer_max) return nullptr;
    census_.peers.remove(peer);
    open.fetch_sub(1);
    return &peer_full_;
  }

  void hand_over(ThreadLoop& home, Socket socket, std::string peer, const Response* refusal) {
    TlsContext tls;
    {
      std::lock_guard lock(tls_mutex_);
      tls = tls_;
    }
    if (&home == loops_[0].get())
      return home.adopt(std::move(socket), std::move(tls), std::move(peer), refusal);
    asio::post(home.io(), [&home, socket = std::move(socket), tls = std::move(tls),
                           peer = std::move(peer), refusal]() mutable {
      home.adopt(std::move(socket), std::move(tls), std::move(peer), refusal);
    });
  }

  Response limit_response(int status, std::string_view title, std::string_view detail) {
    return problem(status, title, detail)
        .with("Retry-After", std::to_string(shared_.options.retry_after_seconds));
  }

  void wait_for_connections() {
    std::unique_lock lock(census_.mutex);
    census_.changed.wait_for(lock, std::chrono::milliseconds(shared_.options.stop_grace.ms()),
                             [&] { return shared_.stats.connections_open == 0; });
  }

  ServerShared shared_;
  Census census_;
  Tcp::endpoint endpoint_;
  std::mutex tls_mutex_;
  TlsContext tls_;
  std::vector<std::unique_ptr<ThreadLoop>> loops_;
  std::optional<Acceptor> acceptor_;
  std::optional<Timer> pause_;
  const Response full_ =
      limit_response(503, "Too many connections", "This server has all the connections it takes.");
  const Response peer_full_ = limit_response(429, "Too many connections",
                                             "Your address has all the connections it may have.");
  size_t next_loop_ = 0;
  bool accept_failing_ = false;
  bool started_ = false;
};

Result<std::unique_ptr<Server>> Server::create(ServerOptions options, Router router,
                                               ServerPorts ports) {
  if (options.threads < 1 || options.threads > 64)
    return fail("the number of HTTP threads must be 1 to 64");
  TRY_ASSIGN(asio::ip::address address, listen_address(options));
  TlsContext tls;
  if (options.tls) {
    TRY_ASSIGN(tls, load_tls(*options.tls));
  }
  auto impl = std::make_unique<Impl>(std::move(options), std::move(router), std::move(ports),
                                     address, std::move(tls));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() {
  stop();
}
Status Server::start() {
  return impl_->start();
}
void Server::stop() {
  impl_->stop();
}
Status Server::reload_tls() {
  return impl_->reload_tls();
}
uint16_t Server::port() const {
  return impl_->port();
}
std::string Server::url() const {
  return impl_->url();
}
const ServerStats& Server::stats() const {
  return impl_->stats();
}

}  // namespace paywarden::http
