// Answers that come from elsewhere and later: deadlines, late replies, and the server's end while
// they are awaited.
#include <gmock/gmock.h>

#include "base/bounded_queue.h"
#include "base/random.h"
#include "http/test_server.h"

namespace paywarden::http {
namespace {

using std::chrono::milliseconds;

Response too_late() {
  return problem(504, "Too late", "No decision in time.", {{"decided", false}});
}

TEST(HttpReply, TheDeadlineAnswersAndTheLateReplyKnows) {
  TestServer test;
  std::mutex mutex;
  Reply kept;
  test.router.add(Method::post, "/late", kOpenToAll, [&](RequestPtr, Reply reply) {
    reply.expires(Duration(30), too_late);
    std::lock_guard lock(mutex);
    kept = std::move(reply);
  });
  test.start();
  TestClient client = test.client();
  auto start = std::chrono::steady_clock::now();
  client.request("POST", "/late", "body");
  auto answer = client.read_answer();
  auto took = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 504);
  EXPECT_GE(took, milliseconds(30));
  EXPECT_LT(took, std::chrono::seconds(4));
  std::lock_guard lock(mutex);
  EXPECT_TRUE(kept.answered());
  EXPECT_FALSE(kept(Response::text(200, "at last")));
  EXPECT_EQ(test.stats().deadlines_missed, 1u);
  client.request("GET", "/hello");
  EXPECT_EQ(client.read_answer()->body, "hello") << "the late answer is not taken for this one's";
}

TEST(HttpReply, AnAnswerInTimeStopsTheDeadline) {
  TestServer test;
  std::atomic<int> fallbacks{0};
  test.router.add(Method::get, "/fast", kOpenToAll, [&](RequestPtr, Reply reply) {
    reply.expires(Duration(20), [&] {
      ++fallbacks;
      return too_late();
    });
    reply(Response::text(200, "fast"));
  });
  test.start();
  TestClient client = test.client();
  client.request("GET", "/fast");
  EXPECT_EQ(client.read_answer()->body, "fast");
  std::this_thread::sleep_for(milliseconds(60));
  EXPECT_EQ(fallbacks, 0);
}

TEST(HttpReply, ARequestOutlivesItsAnswer) {
  TestServer test;
  std::mutex mutex;
  std::vector<std::pair<std::string, RequestPtr>> kept;
  test.router.add(Method::post, "/keep/{name}", kOpenToAll, [&](RequestPtr request, Reply reply) {
    std::lock_guard lock(mutex);
    kept.emplace_back(std::string(request->body), request);
    reply(Response::text(200, ""));
  });
  test.start();
  TestClient client = test.client();
  for (int i = 0; i < 20; ++i) {
    client.request("POST", "/keep/%41" + std::to_string(i), "body " + std::to_string(i));
    ASSERT_EQ(client.read_answer()->status, 200);
  }
  std::lock_guard lock(mutex);
  for (size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(kept[i].second->body, kept[i].first);
    EXPECT_EQ(kept[i].second->param("name"), "A" + std::to_string(i));
    EXPECT_EQ(kept[i].second->header("host"), "test");
  }
}

// Replies race with their deadlines, with clients that leave, and with each other; every request
// gets one answer, and exactly one of its answerers is told that it won.
TEST(HttpReply, RaceOfDeadlinesAndReplies) {
  struct Work {
    RequestPtr request;
    Reply reply;
  };
  TestServer test;
  test.options.threads = 2;
  BoundedQueue<Work> queue(10'000);
  std::atomic<int> replied{0}, late{0}, fallbacks{0}, handled{0};
  test.router.add(Method::post, "/race", kOpenToAll, [&](RequestPtr request, Reply reply) {
    ++handled;
    reply.expires(Duration(3), [&] {
      ++fallbacks;
      return too_late();
    });
    queue.try_push({std::move(request), std::move(reply)});
  });
  test.start();
  std::vector<std::thread> workers, clients;
  for (uint64_t seed = 0; seed < 2; ++seed)
    workers.emplace_back([&, seed] {
      Random random(seed);
      std::vector<Work> batch;
      while (queue.pop_all(batch, 8)) {
        std::this_thread::sleep_for(std::chrono::microseconds(random.below(3000)));
        for (Work& work : batch)
          work.reply(Response::text(200, std::string(work.request->body))) ? ++replied : ++late;
        batch.clear();
      }
    });
  std::atomic<int> answered{0};
  for (uint64_t seed = 0; seed < 8; ++seed)
    clients.emplace_back([&, seed] {
      Random random(100 + seed);
      std::optional<TestClient> client;
      for (int i = 0; i < 60; ++i) {
        if (!client) client.emplace(test.server->port());
        std::string body = std::to_string(seed) + "-" + std::to_string(i);
        client->request("POST", "/race", body);
        if (random.below(10) == 0) {
          client.reset();  // leaves without its answer
          continue;
        }
        auto answer = client->read_answer();
        ASSERT_TRUE(answer);
        ASSERT_TRUE(answer->status == 504 || answer->body == body)
            << answer->status << " " << answer->body;
        ++answered;
      }
    });
  for (std::thread& client : clients) client.join();
  ASSERT_TRUE(eventually([&] { return replied + fallbacks >= handled; }));
  queue.close();
  for (std::thread& worker : workers) worker.join();
  test.server->stop();
  EXPECT_EQ(replied + fallbacks, handled);
  EXPECT_EQ(late, fallbacks);
  EXPECT_GT(replied, 0);
  EXPECT_GT(fallbacks, 0);
  EXPECT_EQ(test.stats().requests_in_flight, 0u);
}

TEST(HttpStop, LetsRequestsInFlightFinishAndRefusesNewOnes) {
  TestServer test;
  std::mutex mutex;
  Reply kept;
  std::atomic<bool> held{false};
  test.router.add(Method::get, "/slow", kOpenToAll, [&](RequestPtr, Reply reply) {
    std::lock_guard lock(mutex);
    kept = std::move(reply);
    held = true;
  });
  test.start();
  TestClient busy = test.client(), idle = test.client();
  idle.request("GET", "/hello");
  EXPECT_EQ(idle.read_answer()->status, 200);
  busy.request("GET", "/slow");
  ASSERT_TRUE(eventually([&] { return held.load(); }));
  std::thread stopper([&] { test.server->stop(); });
  EXPECT_TRUE(idle.closes());
  EXPECT_TRUE(eventually([&] { return !test.client().connected(); }));
  {
    std::lock_guard lock(mutex);
    EXPECT_TRUE(kept(Response::text(200, "finished")));
  }
  auto answer = busy.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "finished");
  EXPECT_EQ(answer->header("connection"), "close");
  stopper.join();
  EXPECT_EQ(test.stats().connections_open, 0u);
}

TEST(HttpStop, CutsWhatOutlastsTheGrace) {
  TestServer test;
  test.options.stop_grace = Duration(50);
  std::mutex mutex;
  Reply kept;
  std::atomic<int> fallbacks{0};
  std::atomic<bool> held{false};
  test.router.add(Method::get, "/never", kOpenToAll, [&](RequestPtr, Reply reply) {
    reply.expires(Duration(60'000), [&] {
      ++fallbacks;
      return too_late();
    });
    std::lock_guard lock(mutex);
    kept = std::move(reply);
    held = true;
  });
  test.start();
  TestClient client = test.client();
  client.request("GET", "/never");
  ASSERT_TRUE(eventually([&] { return held.load(); }));
  test.server->stop();
  EXPECT_TRUE(client.closes());
  EXPECT_EQ(fallbacks, 1) << "who would answer later must be told that it is over";
  test.server.reset();
  EXPECT_FALSE(kept(Response::text(200, "to nobody")));
  kept = {};
}

TEST(HttpStop, RepliesAfterTheServerIsGone) {
  Reply kept;
  {
    TestServer test;
    test.options.stop_grace = Duration(10);
    std::atomic<bool> held{false};
    test.router.add(Method::get, "/never", kOpenToAll, [&](RequestPtr, Reply reply) {
      kept = std::move(reply);
      held = true;
    });
    test.start();
    TestClient client = test.client();
    client.request("GET", "/never");
    ASSERT_TRUE(eventually([&] { return held.load(); }));
  }
  EXPECT_TRUE(kept(Response::text(200, "to nobody")));
  EXPECT_FALSE(kept(Response::text(200, "again")));
}

TEST(HttpStop, StartsAndStopsManyTimesUnderLoad) {
  for (int round = 0; round < 20; ++round) {
    TestServer test;
    test.options.threads = 1 + static_cast<size_t>(round % 3);
    test.options.stop_grace = Duration(20'000);
    test.start();
    std::atomic<int> served{0};
    std::vector<std::thread> clients;
    for (int c = 0; c < 3; ++c)
      clients.emplace_back([&] {
        TestClient client = test.client();
        while (client.request("POST", "/echo", "x")) {
          auto answer = client.read_answer();
          if (!answer) return;
          EXPECT_EQ(answer->body, "x");
          ++served;
          if (answer->header("connection") == "close") return;
        }
      });
    EXPECT_TRUE(eventually([&] { return served > 20; }));
    auto start = std::chrono::steady_clock::now();
    test.server->stop();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8))
        << "nobody had to be waited for";
    for (std::thread& client : clients) client.join();
  }
}

TEST(HttpStart, ABusyPortIsOneLine) {
  TestServer first;
  first.start();
  ServerOptions options;
  options.port = first.server->port();
  auto second = Server::create(options, Router(), {first.clock, first.log, {}, {}});
  ASSERT_TRUE(second);
  Status started = (*second)->start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().line(),
            "127.0.0.1:" + std::to_string(options.port) +
                ": cannot listen: the port is in use; stop the program that holds it, or "
                "choose another port");
}

TEST(HttpStart, PlainTextBeyondLoopbackIsRefused) {
  TestServer test;
  auto create = [&](const char* address, bool allow) {
    ServerOptions options;
    options.address = address;
    options.port = 0;
    options.allow_plaintext = allow;
    auto made = Server::create(options, Router(), {test.clock, test.log, {}, {}});
    return made ? std::string() : made.error().line();
  };
  for (const char* loopback : {"127.0.0.1", "127.1.2.3", "localhost", "::1"})
    EXPECT_EQ(create(loopback, false), "");
  for (const char* open : {"0.0.0.0", "::", "192.0.2.1"}) {
    EXPECT_THAT(create(open, false), testing::HasSubstr("without TLS; give a certificate"));
    EXPECT_EQ(create(open, true), "");
  }
  EXPECT_THAT(create("example.com", false),
              testing::HasSubstr("'example.com' is not an IP address"));
}

}  // namespace
}  // namespace paywarden::http
