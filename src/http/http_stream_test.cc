// Streams of lines, and server-sent events.
#include <gmock/gmock.h>

#include <sstream>

#include "base/bounded_queue.h"
#include "base/random.h"
#include "http/line_stream.h"
#include "http/test_server.h"

namespace paywarden::http {
namespace {

using std::chrono::milliseconds;

struct LineWork {
  std::string line;
  LineReply reply;
};

// Hands lines to a queue; the test, or a worker, answers them.
class QueueLines : public LineHandler {
 public:
  QueueLines(BoundedQueue<LineWork>& queue, std::atomic<int>* ended = nullptr)
      : queue_(queue), ended_(ended) {}
  bool on_line(std::string_view line, LineReply& reply) override {
    if (queue_.size() == queue_.limit()) return false;
    return queue_.try_push({std::string(line), std::move(reply)});
  }
  void on_end(bool complete) override {
    if (ended_) *ended_ += complete ? 1 : 100;
  }

 private:
  BoundedQueue<LineWork>& queue_;
  std::atomic<int>* ended_;
};

// Answers "number:line" from a thread of its own, a batch at a time and within the batch in any
// order.
class Answerer {
 public:
  explicit Answerer(BoundedQueue<LineWork>& queue, uint64_t seed = 1)
      : queue_(queue), thread_([this, seed] { run(seed); }) {}
  ~Answerer() {
    queue_.close();
    thread_.join();
  }

 private:
  void run(uint64_t seed) {
    Random random(seed);
    std::vector<LineWork> batch;
    while (queue_.pop_all(batch, 1 + random.below(50))) {
      while (!batch.empty()) {
        size_t i = random.below(batch.size());
        LineWork work = std::move(batch[i]);
        batch.erase(batch.begin() + static_cast<std::ptrdiff_t>(i));
        work.reply(std::to_string(work.reply.number()) + ":" + work.line);
      }
    }
  }
  BoundedQueue<LineWork>& queue_;
  std::thread thread_;
};

struct StreamServer : TestServer {
  BoundedQueue<LineWork> queue;
  std::atomic<int> ended{0};
  ~StreamServer() { server.reset(); }  // before what its handlers use
  explicit StreamServer(size_t queue_limit = 1000) : queue(queue_limit) {
    router.add_stream(
        "/lines", kOpenToAll,
        [this](RequestPtr request) -> tl::expected<std::unique_ptr<LineHandler>, Response> {
          if (request->query == "closed") return tl::unexpected(problem(503, "Closed"));
          return std::make_unique<QueueLines>(queue, &ended);
        });
  }
};

TEST(HttpLines, AnsweredInOrderWhateverTheOrderOfAnswers) {
  StreamServer test;
  Answerer answerer(test.queue);
  test.start();
  TestClient client = test.client();
  std::string body, expected;
  for (int i = 1; i <= 5000; ++i) {
    body += "line " + std::to_string(i) + (i % 3 ? "\n" : "\r\n");
    expected += std::to_string(i) + ":line " + std::to_string(i) + "\n";
  }
  for (int round = 0; round < 2; ++round) {
    std::thread sender([&] { client.request("POST", "/lines", body); });
    auto answer = client.read_answer();
    sender.join();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->header("content-type"), "application/x-ndjson");
    EXPECT_EQ(answer->body, expected);
    EXPECT_TRUE(answer->whole);
  }
  EXPECT_EQ(test.ended, 2);
  EXPECT_EQ(test.stats().lines_received, 10'000u);
  EXPECT_TRUE(eventually([&] { return test.stats().line_streams_open == 0; }));
}

TEST(HttpLines, AnswersLeaveWhileTheBodyStillArrives) {
  StreamServer test;
  Answerer answerer(test.queue);
  test.start();
  TestClient client = test.client();
  client.send("POST /lines HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.send("4\r\none\n\r\n");
  auto head = client.read_answer(true);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->header("transfer-encoding"), "chunked");
  EXPECT_EQ(client.read_chunk(), "1:one\n");
  client.send("6\r\ntwo\n\nt\r\n5\r\nhree\n\r\n");
  std::string answers;
  while (answers.size() < 14) {
    auto chunk = client.read_chunk();
    ASSERT_TRUE(chunk);
    answers += *chunk;
  }
  EXPECT_EQ(answers, "2:two\n4:three\n") << "an empty line counts and is not answered";
  client.send("4\r\nlast\r\n0\r\n\r\n");
  EXPECT_EQ(client.read_chunk(), "5:last\n");
  EXPECT_FALSE(client.read_chunk());
  client.request("GET", "/hello");
  EXPECT_EQ(client.read_answer()->body, "hello");
}

TEST(HttpLines, AFullHandlerHoldsTheClientBack) {
  StreamServer test(10);
  test.options.lines_in_flight_max = 50;
  test.start();
  TestClient client = test.client();
  std::atomic<bool> sent{false};
  std::string body, expected;
  for (int i = 1; i <= 4000; ++i) {
    std::string line = std::string(2000, 'x') + std::to_string(i);
    body += line + "\n";
    expected += std::to_string(i) + ":" + line + "\n";
  }
  std::thread sender([&] {
    client.request("POST", "/lines", body);
    sent = true;
  });
  EXPECT_TRUE(eventually([&] { return test.queue.size() == 10; }));
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_FALSE(sent) << "8 MB do not fit the socket's buffers";
  EXPECT_EQ(test.queue.size(), 10u);
  EXPECT_LE(test.stats().lines_received, 12u);
  std::optional<TestAnswer> answer;
  {
    Answerer answerer(test.queue);
    answer = client.read_answer();
    sender.join();
  }
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->body == expected) << answer->body.size();
}

TEST(HttpLines, AClientThatDoesNotReadIsBoundedAndCut) {
  StreamServer test(100'000);
  test.options.lines_in_flight_max = 100'000;
  test.options.stream_answer_bytes_max = 100'000;
  test.options.stream_idle_timeout = Duration(300);
  Answerer answerer(test.queue);
  test.start();
  TestClient lines(test.server->port(), 4096);
  std::string body;
  for (int i = 0; i < 40'000; ++i) body += std::string(999, 'y') + "\n";
  std::thread writer([&] { lines.request("POST", "/lines", body); });
  EXPECT_TRUE(eventually([&] { return test.stats().idle_timeouts >= 1; }));
  writer.join();
  EXPECT_LT(test.stats().lines_received, 30'000u)
      << "reading went on although no answer could be sent";
  EXPECT_TRUE(eventually([&] { return test.ended == 100; }))
      << "the handler is told that the body broke off";
}

TEST(HttpLines, ALineBeyondTheLimitLeavesItsNeighboursAlone) {
  StreamServer test;
  test.options.line_bytes_max = 100;
  Answerer answerer(test.queue);
  test.start();
  TestClient client = test.client();
  std::string fits(100, 'a'), beyond(101, 'b'), far(300'000, 'c');
  client.request("POST", "/lines",
                 "one\n" + beyond + "\n" + fits + "\n" + far + "\nfive\n" + beyond);
  auto answer = client.read_answer();
  ASSERT_TRUE(answer);
  std::istringstream lines(answer->body);
  std::vector<std::string> list;
  for (std::string line; std::getline(lines, line);) list.push_back(line);
  using testing::HasSubstr;
  EXPECT_THAT(list, testing::ElementsAre("1:one", HasSubstr(R"("line":2,"status":413)"),
                                         "3:" + fits, HasSubstr(R"("line":4,"status":413)"),
                                         "5:five", HasSubstr(R"("line":6,"status":413)")));
}

TEST(HttpLines, ADroppedLineSaysSo) {
  TestServer test;
  struct Forgetful : LineHandler {
    bool on_line(std::string_view line, LineReply& reply) override {
      if (line == "keep") reply("kept");
      return true;
    }
  };
  test.router.add_stream("/lines", kOpenToAll,
                         [](RequestPtr) { return std::make_unique<Forgetful>(); });
  test.start();
  TestClient client = test.client();
  client.request("POST", "/lines", "drop\nkeep\n");
  auto answer = client.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->body, testing::StartsWith(R"({"line":1,"status":500,)"));
  EXPECT_THAT(answer->body, testing::EndsWith("\nkept\n"));
}

TEST(HttpLines, BrokenFramingEndsTheAnswerWithoutItsEnd) {
  StreamServer test;
  Answerer answerer(test.queue);
  test.start();
  TestClient early = test.client();
  early.send("POST /lines HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nrubbish\r\n");
  EXPECT_EQ(early.read_answer()->status, 400);
  TestClient late = test.client();
  late.send(
      "POST /lines HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: "
      "chunked\r\n\r\n4\r\none\n\r\nrubbish\r\n");
  auto answer = late.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "1:one\n") << "what was accepted is answered";
  EXPECT_FALSE(answer->whole);
  EXPECT_TRUE(eventually([&] { return test.ended == 200; }));
}

TEST(HttpLines, RefusedByItsHandlerAndEmpty) {
  StreamServer test;
  Answerer answerer(test.queue);
  test.start();
  TestClient client = test.client();
  client.request("POST", "/lines?closed", "one\n");
  EXPECT_EQ(client.read_answer()->status, 503);
  client.request("POST", "/lines", "");
  auto empty = client.read_answer();
  EXPECT_EQ(empty->status, 200);
  EXPECT_EQ(empty->body, "");
  client.send(
      "POST /lines HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_answer()->status, 100);
  client.send("abc");
  EXPECT_EQ(client.read_answer()->body, "1:abc\n");
}

TEST(HttpLines, AClientThatLeavesEndsTheStream) {
  StreamServer test;
  test.start();
  {
    TestClient client = test.client();
    client.send("POST /lines HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\none\ntwo\nthr");
    ASSERT_TRUE(eventually([&] { return test.queue.size() == 2; }));
  }
  EXPECT_TRUE(eventually([&] { return test.ended == 100; }));
  std::vector<LineWork> taken;
  test.queue.pop_all(taken, 10);
  for (LineWork& work : taken) EXPECT_FALSE(work.reply("nobody reads this"));
}

// Any cutting of a body into pieces gives the lines of a plain splitter.
TEST(LineSession, EqualsAPlainSplitter) {
  struct Collector : LineHandler {
    std::vector<std::string>& lines;
    Random& random;
    Collector(std::vector<std::string>& l, Random& r) : lines(l), random(r) {}
    bool on_line(std::string_view line, LineReply& reply) override {
      if (random.below(4) == 0) return false;
      lines.push_back(std::to_string(reply.number()) + ":" + std::string(line));
      reply("");
      reply = {};
      return true;
    }
  };
  Random random(11);
  LineLimits limits{
      .line_bytes_max = 12, .lines_in_flight_max = 1'000'000, .answer_bytes_max = 1'000'000};
  for (int round = 0; round < 3000; ++round) {
    std::string body;
    for (uint64_t n = random.below(80); n > 0; --n) body.push_back("\n\r\nabc"[random.below(6)]);
    std::vector<std::string> expected, taken;
    std::istringstream plain(body);
    uint64_t number = 0;
    for (std::string line; std::getline(plain, line);) {
      ++number;
      if (line.size() > 12) continue;
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty()) expected.push_back(std::to_string(number) + ":" + line);
    }
    Home home{std::make_shared<Mailbox>([] {}), nullptr, {}};
    home.mailbox->close();
    LineSession session(std::make_unique<Collector>(taken, random),
                        RefPtr<LineAnswers>(new LineAnswers(home, limits)), limits);
    for (size_t at = 0; at < body.size();) {
      size_t n = std::min(body.size() - at, size_t{1} + random.below(20));
      std::string copy = body.substr(at, n);
      std::string_view piece = copy;
      while (session.take(piece) != LineSession::Taken::all) {
      }
      at += n;
    }
    while (session.take_rest() != LineSession::Taken::all) {
    }
    ASSERT_EQ(taken, expected) << testing::PrintToString(body);
    ASSERT_EQ(session.lines(), number);
  }
}

struct EventServer : TestServer {
  std::mutex mutex;
  std::vector<EventStream> streams;
  EventServer() {
    router.add_events("/events", kOpenToAll, [this](RequestPtr, EventStream stream) {
      std::lock_guard lock(mutex);
      streams.push_back(std::move(stream));
    });
  }
  ~EventServer() { server.reset(); }  // before what its handlers use
  EventStream stream(size_t i) {
    EXPECT_TRUE(eventually([&] {
      std::lock_guard lock(mutex);
      return streams.size() > i;
    }));
    std::lock_guard lock(mutex);
    return streams.at(i);
  }
};

TEST(HttpEvents, ArriveAsTheyAreSent) {
  EventServer test;
  test.start();
  TestClient page = test.client();
  page.request("GET", "/events");
  auto head = page.read_answer(true);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->header("content-type"), "text/event-stream");
  EXPECT_EQ(head->header("cache-control"), "no-store");
  EXPECT_EQ(page.read_chunk(), "retry: 2000\n\n");
  EventStream stream = test.stream(0);
  EXPECT_TRUE(stream.send("{\"a\":1}", "alert", "7"));
  EXPECT_EQ(page.read_chunk(), "event: alert\nid: 7\ndata: {\"a\":1}\n\n");
  EXPECT_TRUE(stream.send("two\nlines\r\nhere", "x\ndata: forged"));
  EXPECT_EQ(page.read_chunk(), "event: x\ndata: two\ndata: lines\ndata: here\n\n");
  EXPECT_TRUE(stream.send(""));
  EXPECT_EQ(page.read_chunk(), "data: \n\n");
  stream.send("last");
  stream.close();
  EXPECT_FALSE(stream.send("too late"));
  EXPECT_EQ(page.read_chunk(), "data: last\n\n");
  EXPECT_FALSE(page.read_chunk());
  EXPECT_TRUE(page.closes());
}

TEST(HttpEvents, ManyThreadsSendWhole) {
  EventServer test;
  test.options.event_buffer_bytes = 10 << 20;
  test.start();
  TestClient page = test.client();
  page.request("GET", "/events");
  page.read_answer(true);
  EventStream stream = test.stream(0);
  std::vector<std::thread> senders;
  for (int t = 0; t < 3; ++t)
    senders.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i)
        EXPECT_TRUE(stream.send(std::to_string(t) + "." + std::to_string(i)));
    });
  for (std::thread& sender : senders) sender.join();
  stream.close();
  std::string text;
  while (auto chunk = page.read_chunk()) text += *chunk;
  int next[3] = {}, count = 0;
  for (size_t at = text.find("data: "); at != std::string::npos;
       at = text.find("data: ", at + 1), ++count) {
    int t = text[at + 6] - '0';
    EXPECT_EQ(std::atoi(text.c_str() + at + 8), next[t]++);
  }
  EXPECT_EQ(count, 1500);
}

TEST(HttpEvents, ASlowPageIsDropped) {
  EventServer test;
  test.options.event_buffer_bytes = 50'000;
  test.start();
  TestClient page(test.server->port(), 4096), good = test.client();
  page.request("GET", "/events");
  EventStream slow = test.stream(0);
  good.request("GET", "/events");
  EventStream other = test.stream(1);
  int sent = 0;
  while (slow.send(std::string(1000, 'x')) && sent < 100'000) {
    if (++sent % 30 == 0) std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_LT(sent, 20'000);
  EXPECT_TRUE(eventually([&] { return test.stats().event_streams_dropped == 1; }));
  EXPECT_FALSE(slow.is_open());
  EXPECT_TRUE(other.send("still here"));
}

TEST(HttpEvents, GoneAndTooManyPages) {
  EventServer test;
  test.options.event_streams_max = 1;
  test.start();
  std::optional<TestClient> page(test.client());
  page->request("GET", "/events");
  EventStream stream = test.stream(0);
  TestClient second = test.client();
  second.request("GET", "/events");
  EXPECT_EQ(second.read_answer()->status, 503);
  page.reset();
  EXPECT_TRUE(eventually([&] { return !stream.is_open(); }));
  EXPECT_FALSE(stream.send("to nobody"));
  EXPECT_EQ(test.stats().event_streams_open, 0u);
  second.request("GET", "/events");
  EXPECT_EQ(second.read_answer(true)->status, 200);
}

TEST(HttpEvents, PingsAndEndsAtStop) {
  EventServer test;
  test.options.event_ping = Duration(50);
  test.start();
  TestClient page = test.client();
  page.request("GET", "/events");
  page.read_answer(true);
  page.read_chunk();
  EXPECT_EQ(page.read_chunk(), ": ping\n\n");
  auto start = std::chrono::steady_clock::now();
  test.server->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
  while (page.read_chunk()) {
  }
  EXPECT_TRUE(page.closes());
  EXPECT_FALSE(test.stream(0).is_open());
}

}  // namespace
}  // namespace paywarden::http
