// Holds the load generator to its word against a small server: arrivals that never wait, latency
// from the intended time, every failure counted under its name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <set>
#include <sstream>

#include "command.h"
#include "http_response.h"
#include "latency.h"
#include "load_generator.h"
#include "tiny_server.h"

namespace paywarden {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;

LoadOptions options_for(const TinyServer& server, double rate, Duration duration) {
  return {
      .target = *parse_target(server.url()), .rate = rate, .duration = duration, .connections = 4};
}

Result<LoadReport> load(const LoadOptions& options) {
  return run_load(
      options,
      [](EventTime time, std::string& body) {
        body += "{\"at\":" + std::to_string(time.ms()) + "}";
      },
      [](const std::string&) {});
}

TEST(LoadGenerator, SendsAtTheRateAndCountsDecisions) {
  TinyServer server({});
  auto report = load(options_for(server, 500, milliseconds(600)));
  ASSERT_TRUE(report) << report.error().line();
  EXPECT_EQ(report->sent, 300u);
  EXPECT_EQ(report->decided, 300u);
  EXPECT_TRUE(report->clean());
  EXPECT_GE(report->seconds, 0.6);
  EXPECT_GT(report->latency_ms.p50, 0);
  EXPECT_LE(report->latency_ms.p50, report->latency_ms.p99);
  EXPECT_LE(report->latency_ms.p99, report->latency_ms.max);
}

TEST(LoadGenerator, RequestsCarryKeyPathAndEventTime) {
  TinyServer server({});
  LoadOptions options = options_for(server, 100, milliseconds(50));
  options.key = "k-123";
  options.start_time = EventTime(1'000'000);
  ASSERT_TRUE(load(options));
  auto requests = server.requests();
  ASSERT_EQ(requests.size(), 5u);
  EXPECT_THAT(requests, Each(HasSubstr("POST /v1/payments HTTP/1.1\r\n")));
  EXPECT_THAT(requests, Each(HasSubstr("Authorization: Bearer k-123\r\n")));
  // Over several connections they may arrive in any order.
  EXPECT_THAT(requests, Contains(HasSubstr("\r\n\r\n{\"at\":1000000}")));
  EXPECT_THAT(requests, Contains(HasSubstr("\r\n\r\n{\"at\":1000040}")));
}

// 4 connections: a closed loop would have measured 4 slow answers of 600 and a p99 of well under a
// millisecond.
TEST(LoadGenerator, AStallIsSeenByEveryPaymentThatWasDueMeanwhile) {
  TinyServer server({.stall_from = milliseconds(300), .stall = milliseconds(400)});
  auto report = load(options_for(server, 500, milliseconds(1'200)));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->decided, 600u);
  EXPECT_GE(report->latency_ms.p99, 300);
  EXPECT_GE(report->latency_ms.p90, 100);  // a third of the payments were due during the stall
  EXPECT_GE(report->send_lag_ms.p90, 100);
  EXPECT_LE(report->latency_ms.p50, 100);
}

TEST(LoadGenerator, APaymentIsGivenUpAtItsDeadline) {
  TinyServer server({.stall_from = milliseconds(0), .stall = milliseconds(500)});
  LoadOptions options = options_for(server, 200, milliseconds(300));
  options.deadline = milliseconds(100);
  auto report = load(options);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sent, 60u);
  EXPECT_GE(report->errors.at("timeout"), 50u);
  EXPECT_GE(report->latency_ms.p99, 100);
  EXPECT_LE(report->latency_ms.p99, 400);
  EXPECT_FALSE(report->clean());
}

TEST(LoadGenerator, CountsEveryKindOfFailure) {
  struct Row {
    std::string answer;
    const char* counted;
    bool is_error;
  };
  for (const Row& row :
       {Row{http_answer("503 Service Unavailable", "{}"), "status 503", true},
        Row{http_answer("422 Unprocessable Content", "{\"title\":\"no\"}"), "status 422", true},
        Row{http_answer("200 OK", "{\"decided\": false, \"outcome\": \"approve\"}"), "default",
            false},
        Row{http_answer("504 Gateway Timeout", "{\"decided\":false}"), "status 504", true},
        Row{"", "connection lost", true}, Row{"SSH-2.0-OpenSSH_9.2\r\n", "broken answer", true},
        Row{"HTTP/1.1 200 OK\r\n\r\n", "broken answer", true}}) {
    TinyServer server({.answer = [&](uint64_t n) {
      return n % 10 == 3 ? row.answer : http_answer("200 OK", "{\"decided\":true}");
    }});
    auto report = load(options_for(server, 400, milliseconds(100)));
    ASSERT_TRUE(report) << row.counted;
    EXPECT_EQ(report->decided, 36u) << row.counted;
    bool is_default = row.answer.find("decided") != std::string::npos;
    EXPECT_EQ(report->default_answers, is_default ? 4u : 0u) << row.counted;
    EXPECT_EQ(report->errors.size(), row.is_error ? 1u : 0u) << row.counted;
    EXPECT_EQ(row.is_error ? report->errors[row.counted] : 4u, 4u);
    EXPECT_FALSE(report->clean());
  }
}

TEST(LoadGenerator, ConnectsAnewWhenTheServerCloses) {
  TinyServer server({.answer = [](uint64_t) {
    return std::string("HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 2\r\n\r\n{}");
  }});
  auto report = load(options_for(server, 100, milliseconds(300)));
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->clean()) << report->text();
}

TEST(LoadGenerator, PoissonArrivalsHaveTheRateAndAreUneven) {
  TinyServer server({});
  LoadOptions options = options_for(server, 1'000, milliseconds(1'000));
  options.arrivals = Arrivals::poisson;
  auto report = load(options);
  ASSERT_TRUE(report);
  EXPECT_NEAR(static_cast<double>(report->sent), 1'000, 130);  // four deviations
  std::set<long> gaps;
  long last = 0;
  for (const std::string& request : server.requests()) {
    long at = std::stol(request.substr(request.find("{\"at\":") + 6));
    gaps.insert(at - last);
    last = at;
  }
  EXPECT_GE(gaps.size(), 5u);
}

TEST(LoadGenerator, SaysWhatIsWrong) {
  int closed_port;
  {
    TinyServer server({});
    closed_port = server.port();
  }
  LoadOptions options{.target = *parse_target("http://127.0.0.1:" + std::to_string(closed_port))};
  auto refused = load(options);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().line(), HasSubstr("cannot connect"));
  TinyServer server({});
  for (double rate : {0.0, -1.0, 1e9}) EXPECT_FALSE(load(options_for(server, rate, seconds(1))));
  options = options_for(server, 1, seconds(1));
  options.connections = 0;
  EXPECT_FALSE(load(options));
  for (const char* url : {"", "127.0.0.1:80", "https://h:1", "http://", "http://h:x", "http://:80"})
    EXPECT_FALSE(parse_target(url)) << url;
  EXPECT_EQ(parse_target("http://h:81/x/y")->path, "/x/y");
  EXPECT_EQ(parse_target("http://h/")->path, "/v1/payments");
  EXPECT_EQ(parse_target("http://h")->port, "80");
}

TEST(HttpResponse, ReadsWholeAnswersOnly) {
  std::string answer = "HTTP/1.1 201 Created\r\nX: y\r\nCONTENT-LENGTH:  5 \r\n\r\nhello";
  HttpResponse response;
  for (size_t size = 0; size < answer.size(); ++size)
    EXPECT_EQ(parse_http_response(std::string_view(answer).substr(0, size), response),
              ParseState::incomplete)
        << size;
  ASSERT_EQ(parse_http_response(answer, response), ParseState::complete);
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "hello");
  EXPECT_TRUE(response.keep_alive);
  for (const char* bad :
       {"HTTX", "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1\r\n\r\n"})
    EXPECT_EQ(parse_http_response(bad, response), ParseState::broken) << bad;
}

TEST(HttpResponse, FindsDefaultAnswers) {
  for (const char* body : {"{\"decided\":false}", "{\"outcome\":\"approve\",\"decided\" : false}"})
    EXPECT_TRUE(is_default_answer(body)) << body;
  for (const char* body : {"", "{}", "{\"decided\":true}", "{\"decided\":", "{\"a\":false}"})
    EXPECT_FALSE(is_default_answer(body)) << body;
}

TEST(LatencyRecorder, NearestRanks) {
  LatencyRecorder recorder;
  EXPECT_EQ(recorder.summary().max, 0);
  for (int64_t ms = 1'000; ms >= 1; --ms) recorder.add(ms * 1'000'000);
  LatencySummary summary = recorder.summary();
  EXPECT_EQ(summary.p50, 500);
  EXPECT_EQ(summary.p90, 900);
  EXPECT_EQ(summary.p99, 990);
  EXPECT_EQ(summary.p999, 999);
  EXPECT_EQ(summary.max, 1'000);
}

class Command : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/loadgen-test-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    std::ofstream(folder_ + "/key") << "secret-1\n";
  }
  void TearDown() override {
    for (const char* name : {"/key", "/report.json"}) ::unlink((folder_ + name).c_str());
    ::rmdir(folder_.c_str());
  }
  int run(std::vector<std::string> arguments) {
    out_.str("");
    err_.str("");
    return run_loadgen(std::move(arguments), out_, err_);
  }
  std::string folder_;
  std::ostringstream out_, err_;
};

TEST_F(Command, SendsSimulatedPaymentsAndWritesTheReport) {
  TinyServer server({});
  int code = run({"--url", server.url(), "--key", folder_ + "/key", "--rate", "200", "--seconds",
                  "1.1", "--connections", "3", "--json", folder_ + "/report.json"});
  EXPECT_EQ(code, 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("   1 s  "));
  EXPECT_THAT(out_.str(), HasSubstr("220 payments in"));
  std::string json;
  std::getline(std::ifstream(folder_ + "/report.json"), json);
  EXPECT_THAT(json, HasSubstr("\"sent\":220,\"decided\":220,\"default_answers\":0,\"errors\":{}"));
  std::string request = server.requests().at(0);
  EXPECT_THAT(request, HasSubstr("Bearer secret-1\r\n"));
  EXPECT_THAT(request, HasSubstr("\"card\":\"9999"));
  EXPECT_THAT(request, ::testing::Not(HasSubstr("fraud")));
}

size_t distinct_cards(const std::vector<std::string>& requests) {
  std::set<std::string> cards;
  for (const std::string& request : requests)
    cards.insert(request.substr(request.find("\"card\":"), 25));
  return cards.size();
}

TEST_F(Command, SimulatesAsManyCustomersAsAreAsked) {
  TinyServer few({}), many({});
  EXPECT_EQ(run({"--url", few.url(), "--rate", "200", "--seconds", "0.5", "--customers", "2"}), 0);
  EXPECT_EQ(run({"--url", many.url(), "--rate", "200", "--seconds", "0.5", "--customers", "50000"}),
            0);
  EXPECT_LE(distinct_cards(few.requests()), 4u) << "a stolen card is replaced";
  EXPECT_GT(distinct_cards(many.requests()), 60u);
}

TEST_F(Command, ExitsWithOneOnErrors) {
  TinyServer server(
      {.answer = [](uint64_t) { return http_answer("429 Too Many Requests", "{}"); }});
  EXPECT_EQ(run({"--url", server.url(), "--rate", "50", "--seconds", "0.1", "--connections", "1"}),
            1);
  EXPECT_THAT(out_.str(), HasSubstr("error: status 429 x 5"));
}

TEST_F(Command, ExitsWithTwoWhenItCannotBegin) {
  EXPECT_EQ(run({"--url", "ftp://x"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("'ftp://x' is no address"));
  EXPECT_EQ(run({"--url", "http://127.0.0.1:1", "--key", folder_ + "/nothing"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr(folder_ + "/nothing: holds no API key"));
  EXPECT_EQ(run({}), 2);
  EXPECT_EQ(run({"--help"}), 0);
}

}  // namespace
}  // namespace paywarden
