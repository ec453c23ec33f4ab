// What a worker does when a transaction fails: over librdkafka's broker of one process, with a stage that only passes records on.
#include "stream/worker.h"

#include <gtest/gtest.h>

#include "base/simulated_files.h"
#include "kafka/mock_broker.h"
#include "kafka/sender.h"

namespace paywarden {
namespace {

constexpr int16_t kProduce = 0, kAddPartitionsToTxn = 24;

class Echo : public Stage {
 public:
  bool has_state() const override { return false; }
  Status process(PartitionState& state, std::span<const InputRecord> records,
                 Outcomes* out) override {
    for (const InputRecord& record : records) {
      state.next = record.offset + 1;
      if (!out) continue;
      out->add(OutcomeTopic::decisions, "key", state.partition, record.offset,
               [&](std::string& value) { value += record.value; });
      out->took(state.partition, record.offset);
    }
    return {};
  }
};

class StreamWorkerTest : public ::testing::Test {
 protected:
  // Records that are there before the worker starts: what is told to fail then is the worker's.
  void send(const std::vector<std::string>& values) {
    auto sender = RecordSender::create(broker_.client(), {}, log_,
                                       [](uint64_t, const Error& e) { ADD_FAILURE() << e.line(); });
    ASSERT_TRUE(sender);
    for (const std::string& value : values)
      ASSERT_TRUE((*sender)->send({"payments", "key", value, {}}, 0));
    (*sender)->finish(seconds(20));
  }
  void start(StreamOptions options = {}) {
    options.client = broker_.client();
    options.instance = "1";
    options.reach_timeout = milliseconds(500);  // that broker tells no topic's settings
    worker_ = std::make_unique<StreamWorker>(
        StreamPorts{[](FindPayment, StageFigures&) { return std::make_unique<Echo>(); },
                    {},
                    {},
                    {},
                    [](const TopicFound&) { return Status(); },
                    nullptr,
                    files_,
                    clock_,
                    log_,
                    {}},
        options);
    worker_->on_failure([this](const Error& error) {
      std::lock_guard lock(mutex_);
      failure_ = error;
    });
    auto started = worker_->start();
    ASSERT_TRUE(started) << started.error().line();
  }
  void wait_for_a_commit() {
    for (int i = 0; i < 6000 && worker_->figures().batches == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_EQ(worker_->figures().batches, 1u);
    worker_->stop();
  }
  std::optional<Error> failure() {
    std::lock_guard lock(mutex_);
    return failure_;
  }
  // Another process with the same name takes the transactional id again and again: that broker knows no epochs and is told to say so.
  void take_the_name_until(const std::function<bool()>& enough) {
    for (int i = 0; i < 300 && !enough(); ++i) {
      rd_kafka_mock_push_request_errors(broker_.cluster(), kAddPartitionsToTxn, 1,
                                        RD_KAFKA_RESP_ERR_PRODUCER_FENCED);
      send({"one more"});
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    rd_kafka_mock_clear_request_errors(broker_.cluster(), kAddPartitionsToTxn);
  }
  // That broker shows what was aborted, too.
  int64_t decisions_written() {
    auto reader =
        KafkaClient::create(RD_KAFKA_CONSUMER, broker_.client(), {{"group.id", "test"}}, log_);
    if (!reader) return -1;
    auto range = offsets_range(**reader, "paywarden.decisions", 0, seconds(10));
    return range ? range->second : -1;
  }

  SimulatedFiles files_{1};
  SystemClock clock_;
  class CountingLog : public OperatorLog {
   public:
    void write(LogLevel, std::string_view event, std::initializer_list<LogField>) override {
      if (event == "name_taken") ++name_taken;
    }
    std::atomic<int> name_taken{0};
  };
  CountingLog log_;
  std::mutex mutex_;  // failure_
  std::optional<Error> failure_;
  MockBroker broker_{{{"payments", 1},
                      {"paywarden.decisions", 1},
                      {"paywarden.rejects", 1},
                      {"paywarden.others", 1},
                      {"paywarden.alerts", 1},
                      {"paywarden.replies", 1}}};
  std::unique_ptr<StreamWorker> worker_;
};

TEST_F(StreamWorkerTest, ARecordIsDecidedOnce) {
  send({"one", "two"});
  start();
  wait_for_a_commit();
  EXPECT_EQ(decisions_written(), 2);
}

// Brokers that come back may have forgotten the end of a transaction (docs/decisions/0005): what of it may be there is written to the
// same partitions once more, and aborted.
TEST_F(StreamWorkerTest, WhatWasNotCommittedIsAbortedAgainBeforeTheNextTransaction) {
  send({"one", "two"});
  rd_kafka_mock_push_request_errors(broker_.cluster(), kProduce, 1,
                                    RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
  start();
  wait_for_a_commit();
  EXPECT_EQ(worker_->figures().commits_failed, 1u);
  EXPECT_EQ(decisions_written(), 2 + 2) << "aborted, and then committed";
}

TEST_F(StreamWorkerTest, OfTwoOfOneNameTheNewcomerEnds) {
  start();
  take_the_name_until([this] { return failure().has_value(); });
  ASSERT_TRUE(failure());
  EXPECT_EQ(failure()->what, "another instance has the same name '1'");
  EXPECT_EQ(log_.name_taken, 0);
}

TEST_F(StreamWorkerTest, OfTwoOfOneNameTheOneThatWasThereGoesOn) {
  StreamOptions options;
  options.newcomer_for = Duration();
  start(options);
  take_the_name_until([this] { return log_.name_taken > 0; });
  EXPECT_GT(log_.name_taken, 0);
  uint64_t before = worker_->figures().batches;
  send({"afterwards"});
  for (int i = 0; i < 3000 && worker_->figures().batches == before; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_GT(worker_->figures().batches, before);
  EXPECT_FALSE(failure());
}

}  // namespace
}  // namespace paywarden
