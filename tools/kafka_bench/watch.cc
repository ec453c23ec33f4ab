#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "handles.h"
#include "processor_use.h"

namespace paywarden::kafka_bench {
namespace {

using Steady = std::chrono::steady_clock;

struct Visible {
  uint64_t records = 0, key_bytes = 0, value_bytes = 0, header_bytes = 0, transactions = 0;
};

size_t header_bytes(const rd_kafka_message_t* message) {
  rd_kafka_headers_t* headers = nullptr;
  const char* name = nullptr;
  const void* data = nullptr;
  size_t size = 0, sum = 0;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return 0;
  for (size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &data, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
    sum += std::string_view(name).size() + size;
  return sum;
}

// All that is committed in a topic. What is neither seen nor aborted is a transaction's mark.
Result<Visible> read_all(const Bench& bench, const std::string& topic, uint64_t expected) {
  Visible out;
  TRY_ASSIGN(auto client,
             read_partition(bench, topic, 0,
                            {{"group.id", "bench-reader"}, {"isolation.level", "read_committed"}}));
  TRY_ASSIGN(auto range, range_of(*client, topic));
  for (auto last = Steady::now(); Steady::now() - last < std::chrono::seconds(2);) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client->handle(), 100);
    if (!message) {
      if (out.records >= expected) break;
      continue;
    }
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      ++out.records;
      out.key_bytes += message->key_len;
      out.value_bytes += message->len;
      out.header_bytes += header_bytes(message);
      last = Steady::now();
    }
    rd_kafka_message_destroy(message);
  }
  out.transactions = static_cast<uint64_t>(range.second) - out.records;
  rd_kafka_consumer_close(client->handle());
  return out;
}

Result<int64_t> committed(const KafkaClient& client, const std::string& topic) {
  List list = list_of(topic);
  auto code = rd_kafka_committed(client.handle(), list.get(), 10'000);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::unexpected(client.error("the committed offset is not told", code));
  return list->elems[0].offset;
}

Result<Span> follow(const KafkaClient& client, const WatchOptions& options) {
  Span span;
  Steady::time_point begun, limit = Steady::now() + std::chrono::seconds(options.timeout_s);
  int64_t first = 0, all = static_cast<int64_t>(options.payments);
  while (Steady::now() < limit) {
    TRY_ASSIGN(int64_t now, committed(client, options.topic));
    if (first == 0 && now > 0) {
      first = now;
      begun = Steady::now();
      span.begin = ProcessorUse::of(options.pid);
    }
    if (now >= all) {
      span.end = ProcessorUse::of(options.pid);
      span.seconds = std::chrono::duration<double>(Steady::now() - begun).count();
      span.payments = static_cast<uint64_t>(now - first);
      if (span.payments == 0)
        return fail("one look saw all of it", options.topic, "give it more payments");
      return span;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return fail("it is not worked off in time", options.topic, "look at what its consumer says");
}

}  // namespace

std::string Span::text() const {
  double n = static_cast<double>(payments);
  return fmt::format("payments_s={:.0f} cpu_ns={:.0f} client_ns={:.0f}", n / seconds,
                     (end.all_ns - begin.all_ns) / n, (end.client_ns - begin.client_ns) / n);
}

// The group's offsets are asked for as they are: a reader of committed ones alone would wait for transactions under way.
Status watch(const Bench& bench, const WatchOptions& options) {
  TRY_ASSIGN(auto client, KafkaClient::create(RD_KAFKA_CONSUMER, bench.client,
                                              {{"group.id", options.group},
                                               {"isolation.level", "read_uncommitted"}},
                                              bench.log));
  TRY_ASSIGN(Span span, follow(*client, options));
  TRY_ASSIGN(Visible seen, read_all(bench, options.decisions, options.payments));
  if (seen.records != options.payments)
    return fail(
        fmt::format("{} records are visible for {} payments", seen.records, options.payments),
        options.decisions);
  fmt::print("{} batch={} key_bytes={} value_bytes={} header_bytes={}\n", span.text(),
             seen.records / std::max<uint64_t>(seen.transactions, 1), seen.key_bytes / seen.records,
             seen.value_bytes / seen.records, seen.header_bytes / seen.records);
  return {};
}

}  // namespace paywarden::kafka_bench
