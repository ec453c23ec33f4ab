#include "intake/polled_source.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <set>

#include "base/json_writer.h"
#include "intake/test_schema.h"

namespace paywarden {
namespace {

using testing::HasSubstr;

// What the API answers, poll by poll.
class Answers : public HttpGet {
 public:
  Result<HttpReply> get() override {
    if (replies.empty()) return fail("connection refused");
    HttpReply reply = replies.front();
    replies.pop_front();
    return reply;
  }
  void cancel() override {}
  std::deque<HttpReply> replies;
};

// The columns of the seed's API, with more rows than one.
std::string table(std::vector<std::string> rows) {
  return fmt::format(
      R"({{"columns":["current_time","trans_num","cc_num","amt","merchant","first","is_fraud"],"index":[0],)"
      R"("data":[{}]}})",
      fmt::join(rows, ","));
}

std::string row(const std::string& id, const std::string& amount = "4.97",
                int64_t time = 1'592'741'698'123) {
  return fmt::format(R"([{},"{}",4111111111111111,{},"fraud_Kub, \"Mann\"","Ann",0])", time, id,
                     amount);
}

struct Polled {
  Schema schema = test::schema_file("config/cards.toml");
  Tokeniser tokeniser = test::tokeniser();
  Answers answers;
  ManualClock clock{EventTime(1'592'741'700'000)};
  test::RememberedRejects rejects;
  SilentLog log;
  std::set<std::string> ids;
  std::vector<Payment> taken;
  std::string never;  // the id of a payment that is refused for good
  ParserOptions parser;
  PolledSource source{
      {},
      schema,
      tokeniser,
      parser,
      answers,
      clock,
      rejects,
      log,
      [this](const Payment& payment) -> PollAnswer {
        if (payment.id() == never)
          return {PollVerdict::refused,
                  Rejection{RejectReason::not_currency, "currency", "X", "has no rate", ""}};
        if (!ids.insert(std::string(payment.id())).second) return PollVerdict::repeated;
        taken.push_back(payment);
        return PollVerdict::accepted;
      }};
};

TEST(PolledSource, RowsOfASplitTable) {
  Polled p;
  p.answers.replies = {{200, table({row("a"), row("b", "\"0.10\"")})}};
  EXPECT_TRUE(p.source.poll_once());
  ASSERT_EQ(p.taken.size(), 2u);
  EXPECT_EQ(p.taken[0].id(), "a");
  EXPECT_EQ(p.taken[0].event_time.ms(), 1'592'741'698'123);
  EXPECT_EQ(p.taken[0].receipt_time.ms(), 1'592'741'700'000);
  EXPECT_EQ(p.taken[0].amount_minor, 497);
  EXPECT_EQ(p.taken[0].merchant(), "fraud_Kub, \"Mann\"");
  EXPECT_EQ(p.taken[0].card, p.tokeniser.token("4111111111111111"));
  EXPECT_EQ(p.taken[1].amount_minor, 10);
}

TEST(PolledSource, EncodedASecondTime) {
  Polled p;
  std::string text;
  append_json_string(text, table({row("a")}));
  p.answers.replies = {{200, text}, {200, " " + text + "\n"}};
  EXPECT_TRUE(p.source.poll_once());
  EXPECT_TRUE(p.source.poll_once());
  ASSERT_EQ(p.taken.size(), 1u);
  EXPECT_EQ(p.taken[0].merchant(), "fraud_Kub, \"Mann\"");
  EXPECT_EQ(p.source.counts().repeated, 1u);
}

TEST(PolledSource, MembersInAnyOrder) {
  Polled p;
  p.answers.replies = {{200,
                        R"({"data":[[1592741698123,"a",4111111111111111,5,null]],"more":{"x":[1]},)"
                        R"("columns":["current_time","trans_num","cc_num","amt","merchant"]})"}};
  EXPECT_TRUE(p.source.poll_once());
  ASSERT_EQ(p.taken.size(), 1u);
  EXPECT_FALSE(p.taken[0].has(field::merchant));
}

TEST(PolledSource, RepeatsAreCountedAndBadRowsRejected) {
  Polled p;
  p.answers.replies = {{200, table({row("a"), row("a", "4.97", 1'592'741'699'000)})},
                       {200, table({row("b", "-1"), "[1,2]", row("c"), row("a")})}};
  EXPECT_TRUE(p.source.poll_once());
  EXPECT_TRUE(p.source.poll_once());
  PolledCounts counts = p.source.counts();
  EXPECT_EQ(counts.rows, 6u);
  EXPECT_EQ(counts.accepted, 2u);
  EXPECT_EQ(counts.repeated, 2u);
  EXPECT_EQ(counts.rejected, 2u);
  auto entries = p.rejects.entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].source, "polled:api");
  EXPECT_EQ(entries[0].line, 1u);
  EXPECT_EQ(entries[0].rejection.line(), "amt: is negative (value '-1')");
  EXPECT_THAT(entries[1].rejection.line(), HasSubstr("not as many values"));
}

TEST(PolledSource, ARowThatIsNeverTakenIsKeptOnce) {
  Polled p;
  p.never = "b";
  std::string body = table({row("a"), row("b"), row("c", "\"much\"")});
  p.answers.replies = {{200, body}, {200, body}};
  EXPECT_TRUE(p.source.poll_once());
  EXPECT_TRUE(p.source.poll_once());
  EXPECT_EQ(p.source.counts().rejected, 4u);
  EXPECT_EQ(p.rejects.entries().size(), 2u) << "the same rows came again";
}

TEST(PolledSource, RubbishIsCountedAndTheNextPollGoesOn) {
  const char* rubbish[] = {"",
                           "null",
                           "7",
                           "[]",
                           "{}",
                           "<html>down</html>",
                           "\"text\"",
                           R"({"columns":[],"data":7})",
                           R"({"columns":["trans_num"],"data":[["a"]]})",
                           R"({"columns":[1],"data":[]})",
                           R"({"columns":["current_time","trans_num","cc_num","amt"],"data":[1]})",
                           R"({"columns":["current_time","trans_num","cc_num","amt"],"data":[[1,2)",
                           "\"\\\"{}\\\"\"",
                           "{\"columns\":[\"\xff\"]}"};
  Polled p;
  for (const char* body : rubbish) {
    p.answers.replies.push_back({200, body});
    EXPECT_FALSE(p.source.poll_once()) << body;
  }
  p.answers.replies = {{503, "busy"}, {301, ""}, {200, table({row("a")})}};
  EXPECT_FALSE(p.source.poll_once());
  EXPECT_FALSE(p.source.poll_once());
  EXPECT_TRUE(p.source.poll_once());
  EXPECT_FALSE(p.source.poll_once());
  PolledCounts counts = p.source.counts();
  EXPECT_EQ(counts.bad_body, std::size(rubbish));
  EXPECT_EQ(counts.bad_status, 2u);
  EXPECT_EQ(counts.unreachable, 1u);
  EXPECT_EQ(counts.accepted, 1u);
}

TEST(PolledSource, WaitsLongerAfterEachFailureAndShorterAfterASuccess) {
  Polled p;
  int64_t longest[] = {1'000,  2'000,   4'000,   8'000,   16'000, 32'000,
                       64'000, 128'000, 256'000, 300'000, 300'000};
  for (int64_t most : longest) {
    p.source.poll_once();
    int64_t wait = p.source.next_wait().ms();
    EXPECT_LE(wait, most);
    EXPECT_GE(wait, most / 2);
  }
  p.answers.replies = {{200, table({})}};
  p.source.poll_once();
  EXPECT_LE(p.source.next_wait().ms(), 10'000);
  EXPECT_GE(p.source.next_wait().ms(), 5'000);
}

// A server on the loopback that sends one prepared answer a connection.
class LoopbackServer {
 public:
  explicit LoopbackServer(std::vector<std::string> answers) : answers_(std::move(answers)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(socket_, 4);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~LoopbackServer() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  std::string url() const { return fmt::format("http://127.0.0.1:{}/payments", port_); }
  std::string request() const { return request_; }  // of the last connection; after get() returned

 private:
  void run() {
    for (const std::string& answer : answers_) {
      int connection = ::accept(socket_, nullptr, nullptr);
      if (connection < 0) return;
      char buffer[4096];
      ssize_t n = ::recv(connection, buffer, sizeof buffer, 0);
      request_.assign(buffer, n > 0 ? static_cast<size_t>(n) : 0);
      if (answer.empty()) {  // says nothing until the client gives up
        while (::recv(connection, buffer, sizeof buffer, 0) > 0) continue;
      }
      ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
      ::close(connection);
    }
  }
  std::vector<std::string> answers_;
  int socket_;
  uint16_t port_ = 0;
  std::string request_;
  std::thread thread_;
};

std::string http(const std::string& status, const std::string& body) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", status,
                     body.size(), body);
}

TEST(CurlGet, OverARealConnection) {
  std::string body = table({row("a")});
  LoopbackServer server(
      {http("200 OK", body), http("404 Not Found", "none"),
       "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
       http("200 OK", std::string(5'000, 'x')), "no HTTP at all\r\n\r\n", ""});
  HttpGetOptions options;
  options.url = server.url();
  options.headers = {"Authorization: Bearer t"};
  options.timeout = milliseconds(300);
  options.body_bytes_max = 4'000;
  CurlGet get(options);
  Result<HttpReply> reply = get.get();
  ASSERT_TRUE(reply) << reply.error().line();
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->body, body);
  EXPECT_THAT(server.request(), testing::AllOf(HasSubstr("GET /payments HTTP/1.1"),
                                               HasSubstr("Authorization: Bearer t")));
  EXPECT_EQ(get.get()->status, 404);
  EXPECT_EQ(get.get()->status, 302);  // not followed
  EXPECT_THAT(get.get().error().line(), HasSubstr("the answer is longer than 4000 bytes"));
  EXPECT_FALSE(get.get());
  auto started = std::chrono::steady_clock::now();
  EXPECT_FALSE(get.get());  // times out
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(5));
}

TEST(CurlGet, OnlyWebAddresses) {
  HttpGetOptions options;
  options.url = "file:///etc/passwd";
  EXPECT_FALSE(CurlGet(options).get());
}

TEST(PolledSource, StartsAndStops) {
  std::vector<std::string> answers;
  for (int i = 0; i < 3; ++i)
    answers.push_back(http("200 OK", table({row("a" + std::to_string(i))})));
  answers.push_back("");  // no answer: stop() must not wait for the timeout
  LoopbackServer server(answers);
  HttpGetOptions options;
  options.url = server.url();
  CurlGet get(options);
  Polled p;
  PolledSourceOptions polled;
  polled.interval = milliseconds(1);
  std::atomic<int> taken = 0;
  PolledSource source(polled, p.schema, p.tokeniser, p.parser, get, p.clock, p.rejects, p.log,
                      [&](const Payment&) { return ++taken, PollVerdict::accepted; });
  source.start();
  while (source.counts().polls < 4) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  auto started = std::chrono::steady_clock::now();
  source.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(5));
  EXPECT_GE(source.counts().accepted, 3u);
}

}  // namespace
}  // namespace paywarden
