// Random bytes, random mutations of good requests, and random cutting into pieces, over real
// sockets for two seconds. The server must not crash, must stay within its counts, and must answer
// a good request afterwards.
//
//   http_fuzz [SEED]
#include <poll.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/check.h"
#include "base/random.h"
#include "http/fuzz_input.h"
#include "http/server.h"
#include "http/test_client.h"

namespace paywarden::http {
namespace {

using Steady = std::chrono::steady_clock;

class EchoLines : public LineHandler {
 public:
  explicit EchoLines(uint64_t seed) : random_(seed) {}
  bool on_line(std::string_view line, LineReply& reply) override {
    if (random_.below(5) == 0) return false;
    LineReply taken = std::move(reply);
    if (random_.below(8)) taken(std::string(line));
    return true;
  }

 private:
  Random random_;
};

// Sends in pieces, sometimes reads, then leaves; every answer that comes must begin as one.
void visit(uint16_t port, Random& random) {
  TestClient client(port);
  std::string text = fuzz_input(random);
  for (size_t at = 0; at < text.size();) {
    size_t n = random.below(3) ? text.size() : 1 + random.below(20);
    if (!client.send(std::string_view(text).substr(at, n))) break;
    at += n;
  }
  if (random.below(2)) client.shutdown_send();
  if (random.below(4) == 0) return;
  if (auto answer = client.read_answer(true, std::chrono::milliseconds(2)))
    CHECK(answer->head.starts_with("HTTP/1.1 ") && answer->status >= 100 && answer->status < 600,
          "a malformed answer");
}

std::unique_ptr<Server> start_server(Clock& clock, OperatorLog& log, uint64_t seed) {
  Router router;
  router.add(Method::get, "/hello", kOpenToAll,
             [](RequestPtr, Reply reply) { reply(Response::text(200, "hello")); });
  router.add(
      Method::get, "/things/{thing}/{rest*}", kOpenToAll, [](RequestPtr request, Reply reply) {
        reply(Response::text(
            200, std::string(request->param("thing")) + request->query_value("q").value_or("")));
      });
  router.add(Method::post, "/echo", kOpenToAll, [](RequestPtr request, Reply reply) {
    reply(Response::text(200, std::string(request->body)));
  });
  router.add_stream("/lines", kOpenToAll,
                    [seed](RequestPtr) { return std::make_unique<EchoLines>(seed); });
  router.add_events("/events", kOpenToAll,
                    [](RequestPtr, EventStream stream) { stream.send("hello", "greeting"); });
  ServerOptions options;
  options.port = 0;
  options.head_bytes_max = 2000;
  options.body_bytes_max = 5000;
  options.line_bytes_max = 50;
  options.lines_in_flight_max = 4;
  options.stop_grace = Duration(200);
  auto server = Server::create(options, std::move(router), {clock, log, {}, {}});
  CHECK(server && (*server)->start(), "the server does not start");
  return std::move(*server);
}

void fuzz(uint64_t seed, std::chrono::milliseconds time) {
  SystemClock clock;
  SilentLog log;
  auto server = start_server(clock, log, seed);
  Random random(seed);
  int visits = 0;
  for (auto end = Steady::now() + time; Steady::now() < end; ++visits)
    visit(server->port(), random);
  TestClient client(server->port());
  client.request("GET", "/hello");
  auto answer = client.read_answer();
  CHECK(answer && answer->body == "hello", "the server does not answer any more");
  client.close();
  server->stop();
  CHECK(server->stats().connections_open == 0, "connections left open");
  CHECK(server->stats().requests_in_flight == 0, "requests left in flight");
  CHECK(server->stats().line_streams_open == 0 && server->stats().event_streams_open == 0,
        "streams left open");
  std::printf("http_fuzz: %d visits, %lu answers 2xx, %lu 4xx, %lu 5xx\n", visits,
              static_cast<unsigned long>(server->stats().responses_by_class[2]),
              static_cast<unsigned long>(server->stats().responses_by_class[4]),
              static_cast<unsigned long>(server->stats().responses_by_class[5]));
}

}  // namespace
}  // namespace paywarden::http

int main(int argc, char** argv) {
  uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  std::printf("http_fuzz: seed %lu\n", static_cast<unsigned long>(seed));
  std::fflush(stdout);
  paywarden::http::fuzz(seed, std::chrono::milliseconds(2000));
}
