// A server on a free port with the routes that most tests want.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http/server.h"
#include "http/test_client.h"

namespace paywarden::http {

// Keeps the names of what was logged.
class MemoryLog : public OperatorLog {
 public:
  void write(LogLevel, std::string_view event, std::initializer_list<LogField>) override {
    std::lock_guard lock(mutex_);
    events_.emplace_back(event);
  }
  std::vector<std::string> events() {
    std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> events_;
};

inline Handler answer_with(Response response) {
  return [response](RequestPtr, Reply reply) { reply(response); };
}

inline void echo(RequestPtr request, Reply reply) {
  reply(Response::text(200, std::string(request->body)));
}

// Waits for `holds` without a fixed sleep.
template <typename Condition>
bool eventually(Condition holds, std::chrono::milliseconds within = std::chrono::seconds(5)) {
  auto end = std::chrono::steady_clock::now() + within;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

struct TestServer {
  ManualClock clock{
      EventTime(784'111'777'000)};  // RFC 9110's example: Sun, 06 Nov 1994 08:49:37 GMT
  MemoryLog log;
  ServerOptions options;
  Router router;
  Authorise authorise;
  Observe observe;
  std::unique_ptr<Server> server;

  TestServer() {
    options.port = 0;
    router.add(Method::get, "/hello", kOpenToAll, answer_with(Response::text(200, "hello")));
    router.add(Method::post, "/echo", kOpenToAll, echo);
  }
  TestServer& start() {
    auto made = Server::create(options, std::move(router), {clock, log, authorise, observe});
    EXPECT_TRUE(made) << made.error().line();
    server = std::move(*made);
    Status started = server->start();
    EXPECT_TRUE(started) << started.error().line();
    return *this;
  }
  TestClient client() { return TestClient(server->port()); }
  const ServerStats& stats() { return server->stats(); }
};

}  // namespace paywarden::http
