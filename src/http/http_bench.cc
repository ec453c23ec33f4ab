// What a request costs the server, in processor time with all system calls: the whole process less
// the client's thread.
#include <benchmark/benchmark.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/bounded_queue.h"
#include "http/server.h"
#include "http/test_client.h"

namespace paywarden::http {
namespace {

const bool kTiny = std::getenv("PAYWARDEN_BENCH_TINY") != nullptr;

double cpu_seconds(clockid_t which) {
  timespec time{};
  clock_gettime(which, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Processor time of everything but the calling thread.
double others_cpu_seconds() {
  return cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
}

struct Work {
  RequestPtr request;
  Reply reply;
};

// Stands for the engine: takes whatever is queued, answers it.
class Worker {
 public:
  Worker() : thread_([this] { run(); }) {}
  ~Worker() {
    queue_.close();
    thread_.join();
  }
  bool push(Work work) { return queue_.try_push(std::move(work)); }

 private:
  void run() {
    std::vector<Work> batch;
    while (queue_.pop_all(batch, 256)) {
      for (Work& work : batch) work.reply(Response::json(200, std::string(300, 'a')));
      batch.clear();
    }
  }
  BoundedQueue<Work> queue_{4096};
  std::thread thread_;
};

class EchoLines : public LineHandler {
 public:
  bool on_line(std::string_view line, LineReply& reply) override {
    reply(std::string(line.substr(0, 60)));
    reply = {};
    return true;
  }
};

struct BenchServer {
  SystemClock clock;
  SilentLog log;
  Worker worker;
  std::unique_ptr<Server> server;

  BenchServer() {
    Router router;
    router.add(Method::post, "/inline", kOpenToAll,
               [](RequestPtr, Reply reply) { reply(Response::json(200, std::string(300, 'a'))); });
    router.add(Method::post, "/worker", kOpenToAll, [this](RequestPtr request, Reply reply) {
      reply.expires(milliseconds(50), [] { return problem(504, "Too late"); });
      worker.push({std::move(request), std::move(reply)});
    });
    router.add_stream("/lines", kOpenToAll,
                      [](RequestPtr) { return std::make_unique<EchoLines>(); });
    ServerOptions options;
    options.port = 0;
    auto made = Server::create(options, std::move(router), {clock, log, {}, {}});
    if (!made || !(*made)->start()) std::abort();
    server = std::move(*made);
  }
};

std::string post(const char* path) {
  std::string body(500, 'p');
  return std::string("POST ") + path +
         " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\nAuthorization: Bearer "
         "0123456789abcdef\r\n"
         "Content-Type: application/json\r\nAccept: */*\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Reads until `count` answers of the size of the first have come.
class AnswerCounter {
 public:
  bool read(int fd, size_t count) {
    char bytes[64 * 1024];
    for (size_t left = count * size_; left > 0 || size_ == 0;) {
      ssize_t n = ::recv(fd, bytes, sizeof bytes, 0);
      if (n <= 0) return false;
      if (size_ == 0) {
        size_ = static_cast<size_t>(n);
        return true;
      }
      left -= std::min(left, static_cast<size_t>(n));
    }
    return true;
  }

 private:
  size_t size_ = 0;
};

// `connections` requests are under way at a time, one on each connection.
void requests(benchmark::State& state, const char* path) {
  BenchServer bench;
  std::vector<TestClient> clients;
  for (int64_t i = 0; i < state.range(0); ++i) clients.emplace_back(bench.server->port());
  std::string request = post(path);
  AnswerCounter counter;
  clients[0].send(request);
  counter.read(clients[0].fd(), 1);
  double before = others_cpu_seconds();
  for (auto _ : state) {
    for (TestClient& client : clients) client.send(request);
    for (TestClient& client : clients)
      if (!counter.read(client.fd(), 1)) state.SkipWithError("the connection ended");
  }
  double count = static_cast<double>(state.iterations() * state.range(0));
  state.counters["server_us_per_request"] = (others_cpu_seconds() - before) * 1e6 / count;
  state.counters["requests_per_s"] = benchmark::Counter(count, benchmark::Counter::kIsRate);
  if (bench.server->stats().responses_by_class[2] < static_cast<uint64_t>(count))
    state.SkipWithError("not all were 200");
}

void inline_answer(benchmark::State& state) {
  requests(state, "/inline");
}
void worker_answer(benchmark::State& state) {
  requests(state, "/worker");
}
BENCHMARK(inline_answer)->Arg(1)->Arg(64)->UseRealTime();
BENCHMARK(worker_answer)->Arg(1)->Arg(64)->UseRealTime();

// A stream of 500-byte lines, each answered with 60 bytes.
void lines(benchmark::State& state) {
  BenchServer bench;
  const size_t block_lines = kTiny ? 10 : 1000;
  std::string block;
  for (size_t i = 0; i < block_lines; ++i) block += std::string(499, 'p') + "\n";
  TestClient client(bench.server->port());
  client.send("POST /lines HTTP/1.1\r\nHost: t\r\nContent-Length: 999999999999999\r\n\r\n");
  char bytes[64 * 1024];
  double before = others_cpu_seconds();
  uint64_t answered = 0, sent = 0;
  for (auto _ : state) {
    client.send(block);
    sent += block_lines;
    while (answered / 61 + 4 * block_lines < sent) {
      ssize_t n = ::recv(client.fd(), bytes, sizeof bytes, 0);
      if (n <= 0) return state.SkipWithError("the connection ended");
      answered += static_cast<uint64_t>(n);
    }
  }
  state.counters["server_ns_per_line"] =
      (others_cpu_seconds() - before) * 1e9 / static_cast<double>(sent);
  state.counters["lines_per_s"] =
      benchmark::Counter(static_cast<double>(sent), benchmark::Counter::kIsRate);
}
BENCHMARK(lines)->UseRealTime();

}  // namespace
}  // namespace paywarden::http

BENCHMARK_MAIN();
