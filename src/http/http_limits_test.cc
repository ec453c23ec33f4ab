// What happens at each limit, and at each timeout.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "http/test_server.h"

namespace paywarden::http {
namespace {

using std::chrono::milliseconds;

TEST(HttpLimits, Bodies) {
  TestServer test;
  test.options.body_bytes_max = 1000;
  test.options.body_discard_max = 5000;
  test.router.add(Method::post, "/large", kOpenToAll, echo, {.body_bytes_max = 3000});
  test.start();
  TestClient client = test.client();
  auto status = [&](const char* path, size_t bytes) {
    client.request("POST", path, std::string(bytes, 'x'));
    auto answer = client.read_answer();
    return answer ? answer->status : 0;
  };
  EXPECT_EQ(status("/echo", 1000), 200);
  EXPECT_EQ(status("/echo", 1001), 413) << "and is read past, so the connection lives on";
  EXPECT_EQ(status("/large", 3000), 200);
  EXPECT_EQ(status("/large", 3001), 413);
  EXPECT_EQ(status("/echo", 5001), 413) << "and is not read";
  EXPECT_TRUE(client.closes());
}

TEST(HttpLimits, ChunkedBodies) {
  TestServer test;
  test.options.body_bytes_max = 1000;
  test.start();
  TestClient client = test.client();
  client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 5; ++i) client.send("fa\r\n" + std::string(250, 'x') + "\r\n");
  auto answer = client.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 413);
  EXPECT_TRUE(client.closes());
}

// The client sees the answer although it was still sending when the server closed.
TEST(HttpLimits, AnEarlyAnswerIsNotLostToAReset) {
  TestServer test;
  test.start();
  for (int i = 0; i < 20; ++i) {
    TestClient client = test.client();
    client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4000000\r\n\r\n");
    client.send(std::string(2'000'000, 'x'));
    auto answer = client.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 413);
  }
}

TEST(HttpLimits, Heads) {
  TestServer test;
  test.options.head_bytes_max = 2000;
  test.options.head_fields_max = 10;
  test.start();
  auto status = [&](const std::string& bytes, size_t piece = 100'000) {
    TestClient client = test.client();
    for (size_t at = 0; at < bytes.size(); at += piece)
      if (!client.send(std::string_view(bytes).substr(at, piece))) break;
    auto answer = client.read_answer();
    return answer ? answer->status : 0;
  };
  std::string start = "GET /hello HTTP/1.1\r\nHost: t\r\n", many;
  for (int i = 0; i < 9; ++i) many += "X: y\r\n";
  EXPECT_EQ(status(start + many + "\r\n"), 200);
  EXPECT_EQ(status(start + many + "X: y\r\n\r\n"), 431);
  std::string fill(2000 - start.size() - 7, 'x');
  EXPECT_EQ(status(start + "X: " + fill + "\r\n\r\n"), 200);
  EXPECT_EQ(status(start + "X: " + fill + "x\r\n\r\n"), 431);
  EXPECT_EQ(status(start + "X: " + fill + "x\r\n\r\n", 50), 431) << "also in pieces";
  EXPECT_EQ(status(start + "X: " + std::string(5000, 'x')), 431) << "and without an end";
  std::string short_lines = start;
  while (short_lines.size() < 20'000) short_lines += "X: y\r\n";
  EXPECT_EQ(status(short_lines, 6), 431);
  EXPECT_EQ(status("GET /" + std::string(5000, 'x')), 414);
}

TEST(HttpLimits, RequestsInFlight) {
  TestServer test;
  test.options.requests_in_flight_max = 2;
  test.options.retry_after_seconds = 3;
  std::mutex mutex;
  std::vector<Reply> waiting;
  test.router.add(Method::post, "/slow", kOpenToAll, [&](RequestPtr, Reply reply) {
    std::lock_guard lock(mutex);
    waiting.push_back(std::move(reply));
  });
  test.start();
  TestClient a = test.client(), b = test.client(), c = test.client();
  a.request("POST", "/slow");
  b.request("POST", "/slow");
  ASSERT_TRUE(eventually([&] { return test.stats().requests_in_flight == 2; }));
  c.request("POST", "/slow");
  auto refused = c.read_answer();
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->header("retry-after"), "3");
  {
    std::lock_guard lock(mutex);
    for (Reply& reply : waiting) EXPECT_TRUE(reply(Response::text(200, "done")));
  }
  EXPECT_EQ(a.read_answer()->status, 200);
  EXPECT_EQ(b.read_answer()->status, 200);
  c.request("GET", "/hello");
  EXPECT_EQ(c.read_answer()->status, 200);
  EXPECT_TRUE(eventually([&] { return test.stats().requests_in_flight == 0; }));
  EXPECT_EQ(test.stats().requests_overloaded, 1u);
}

TEST(HttpLimits, BodyBytesOfAllConnections) {
  TestServer test;
  test.options.body_bytes_total_max = 2500;
  test.start();
  TestClient a = test.client(), b = test.client(), c = test.client();
  std::string head = "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\n";
  a.send(head);
  b.send(head);
  ASSERT_TRUE(eventually([&] { return test.stats().bytes_received == 2 * head.size(); }));
  std::this_thread::sleep_for(milliseconds(5));  // from received to counted
  c.request("POST", "/echo", std::string(1000, 'x'));
  EXPECT_EQ(c.read_answer()->status, 503);
  a.send(std::string(1000, 'x'));
  EXPECT_EQ(a.read_answer()->status, 200);
  c.request("POST", "/echo", std::string(1000, 'x'));
  EXPECT_EQ(c.read_answer()->status, 200);
}

TEST(HttpLimits, Connections) {
  TestServer test;
  test.options.connections_max = 3;
  test.start();
  {
    std::vector<TestClient> clients;
    for (int i = 0; i < 3; ++i) {
      clients.push_back(test.client());
      clients.back().request("GET", "/hello");
      EXPECT_EQ(clients.back().read_answer()->status, 200);
    }
    TestClient refused = test.client();
    auto answer = refused.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 503);
    EXPECT_EQ(answer->header("retry-after"), "1");
    EXPECT_TRUE(refused.closes());
  }
  EXPECT_TRUE(eventually([&] { return test.stats().connections_open == 0; }));
  TestClient again = test.client();
  again.request("GET", "/hello");
  EXPECT_EQ(again.read_answer()->status, 200);
}

TEST(HttpLimits, ConnectionsOfOnePeer) {
  TestServer test;
  test.options.connections_per_peer_max = 1;
  test.options.refusals_lingering_max = 2;
  test.start();
  TestClient first = test.client();
  first.request("GET", "/hello");
  EXPECT_EQ(first.read_answer()->status, 200);
  TestClient second = test.client(), third = test.client(), fourth = test.client();
  EXPECT_EQ(second.read_answer()->status, 429);
  EXPECT_EQ(third.read_answer()->status, 429);
  EXPECT_TRUE(fourth.closes()) << "no more than two are told why";
}

TEST(HttpLimits, SlowHeadsAreCutHoweverTheyDrip) {
  TestServer test;
  test.options.head_timeout = Duration(200);
  test.start();
  TestClient client = test.client();
  client.send("GET /hello HTTP/1.1\r\n");
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 100 && test.stats().head_timeouts == 0; ++i) {
    client.send("X: y\r\n");
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(client.read_answer()->status, 408);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
  EXPECT_TRUE(client.closes());
}

TEST(HttpLimits, SlowBodiesAndIdleConnections) {
  TestServer test;
  test.options.body_timeout = test.options.idle_timeout = Duration(500);
  test.start();
  TestClient slow = test.client(), idle = test.client(), fresh = test.client();
  slow.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n12345");
  idle.request("GET", "/hello");
  EXPECT_EQ(idle.read_answer()->status, 200);
  EXPECT_EQ(slow.read_answer()->status, 408);
  EXPECT_TRUE(idle.closes());
  EXPECT_TRUE(fresh.closes());
  EXPECT_EQ(test.stats().body_timeouts, 1u);
  EXPECT_EQ(test.stats().idle_timeouts, 2u);
}

TEST(HttpLimits, AClientThatDoesNotReadIsCut) {
  TestServer test;
  test.options.write_timeout = Duration(200);
  static const std::string large(64 << 20, 'x');
  test.router.add_static("/large", kOpenToAll, {.content_type = "text/plain", .bytes = large});
  test.start();
  TestClient client(test.server->port(), 4096);
  client.request("GET", "/large");
  EXPECT_TRUE(eventually([&] { return test.stats().write_timeouts == 1; }));
  EXPECT_TRUE(eventually([&] { return test.stats().connections_open == 0; }));
}

TEST(HttpLimits, AThousandConnections) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::max(files.rlim_cur, std::min<rlim_t>(files.rlim_max, 4096));
  setrlimit(RLIMIT_NOFILE, &files);
  ASSERT_GE(files.rlim_cur, 2100u) << "raise the limit of open files to run this test";
  TestServer test;
  test.start();
  std::vector<TestClient> clients;
  for (int i = 0; i < 1000; ++i) clients.push_back(test.client());
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 1000; ++i) clients[i].request("POST", "/echo", std::to_string(i));
    for (int i = 0; i < 1000; ++i) {
      auto answer = clients[i].read_answer();
      ASSERT_TRUE(answer);
      ASSERT_EQ(answer->body, std::to_string(i));
    }
  }
  EXPECT_EQ(test.stats().connections_open, 1000u);
  clients.clear();
  EXPECT_TRUE(eventually([&] { return test.stats().connections_open == 0; }));
}

}  // namespace
}  // namespace paywarden::http
