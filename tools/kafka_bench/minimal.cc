#include <fmt/format.h>

#include <chrono>

#include "handles.h"
#include "kafka/topics.h"
#include "processor_use.h"

namespace paywarden::kafka_bench {
namespace {

constexpr int kTimeoutMs = 20'000;
const char* const kGroup = "minimal";

using Metadata = std::unique_ptr<rd_kafka_consumer_group_metadata_t,
                                 void (*)(rd_kafka_consumer_group_metadata_t*)>;

class Loop {
 public:
  Loop(const MinimalOptions& options, KafkaClient& consumer, KafkaClient& producer)
      : options_(options),
        consumer_(consumer),
        producer_(producer),
        key_(options.key_bytes, 'k'),
        value_(options.value_bytes, 'v'),
        metadata_(rd_kafka_consumer_group_metadata_new(kGroup),
                  rd_kafka_consumer_group_metadata_destroy) {}

  Status run() {
    Span span;
    TRY(transaction());
    auto begun = std::chrono::steady_clock::now();
    span.begin = ProcessorUse::of(0);
    uint64_t first = next_;
    while (next_ < options_.payments) TRY(transaction());
    span.end = ProcessorUse::of(0);
    span.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    span.payments = next_ - first;
    if (span.payments == 0)
      return fail("one transaction held all of it", options_.topic, "give it more payments");
    fmt::print("{} batch={}\n", span.text(), options_.batch);
    return {};
  }

 private:
  Status done(const char* what, rd_kafka_error_t* error) const {
    return producer_.status(what, error);
  }

  Status transaction() {
    TRY(done("begin", rd_kafka_begin_transaction(producer_.handle())));
    uint64_t end = std::min(next_ + options_.batch, options_.payments);
    while (next_ < end) TRY(copy());
    List list = list_of(options_.topic, static_cast<int64_t>(next_));
    TRY(done("offsets", rd_kafka_send_offsets_to_transaction(producer_.handle(), list.get(),
                                                             metadata_.get(), kTimeoutMs)));
    return done("commit", rd_kafka_commit_transaction(producer_.handle(), kTimeoutMs));
  }

  Status copy() {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer_.handle(), kTimeoutMs);
    if (!message) return fail("no payment comes", options_.topic);
    auto code = message->err;
    rd_kafka_message_destroy(message);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return tl::unexpected(consumer_.error("the topic cannot be read", code));
    ++next_;
    code = rd_kafka_producev(producer_.handle(), RD_KAFKA_V_TOPIC(options_.out.c_str()),
                             RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                             RD_KAFKA_V_KEY(key_.data(), key_.size()),
                             RD_KAFKA_V_VALUE(value_.data(), value_.size()), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    return tl::unexpected(producer_.error("a record is not taken", code));
  }

  const MinimalOptions& options_;
  KafkaClient& consumer_;
  KafkaClient& producer_;
  std::string key_, value_;
  Metadata metadata_;
  uint64_t next_ = 0;
};

}  // namespace

Status minimal(const Bench& bench, const MinimalOptions& options) {
  TRY_ASSIGN(
      auto producer,
      KafkaClient::create(RD_KAFKA_PRODUCER, bench.client,
                          {{"transactional.id", "minimal"},
                           {"linger.ms", "20"},  // as Paywarden does, and why: kafka/producer.cc
                           {"batch.num.messages", "100000"},
                           {"queue.buffering.max.messages", "1000000"}},
                          bench.log));
  TRY(ensure_topics(*producer, {{options.out, 1, days(60)}}, {}, seconds(30)));
  TRY(producer->status("no transactions",
                       rd_kafka_init_transactions(producer->handle(), kTimeoutMs)));
  TRY_ASSIGN(auto consumer, read_partition(bench, options.topic, 0,
                                           {{"group.id", kGroup},
                                            {"isolation.level", "read_committed"},
                                            {"enable.auto.commit", "false"},
                                            {"enable.auto.offset.store", "false"},
                                            {"queued.max.messages.kbytes", "65536"}}));
  return Loop(options, *consumer, *producer).run();
}

}  // namespace paywarden::kafka_bench
