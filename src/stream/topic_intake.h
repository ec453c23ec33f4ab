// Payments and labels of this instance's own callers: PAN-free into the topic of the first stage, whichever instance decides them
// there, and what became of them back through the replies topic, once it is committed.
//
//   TRY_ASSIGN(auto intake, TopicIntake::create(ports, options));
//   TRY(intake->start());
//   intake->submit(Work::of(std::move(payment), std::move(reply)));     // false: too many wait
//   intake->stop();                                                     // who still waits is told that it failed
//
// Each instance reads one partition of the replies topic: its name's. Two whose names fall on the same read each other's replies
// and pass over them. A payment that was sent before is answered with the decision of that time (decision_lookup.h). An answer
// that nobody waits for any more, since the deadline has passed, is noted in the others topic with what was said instead.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/bounded_queue.h"
#include "base/operator_log.h"
#include "engine/work.h"
#include "kafka/reader.h"
#include "kafka/sender.h"
#include "stream/decision_lookup.h"
#include "stream/stage_plan.h"

namespace paywarden {

struct TopicIntakeOptions {
  KafkaClientOptions client;
  std::string group = "paywarden";  // its readers are named after it
  std::string instance;
  std::string topic;  // of the first stage, or the payments topic where there is one stage
  std::string decisions = "paywarden.decisions", replies = "paywarden.replies",
              others = "paywarden.others";
  std::string default_outcome = "approve";  // what was said at the deadline
  size_t waiting_max = 10'000;              // works that are not answered
  // A reply that comes later finds nobody: longer than a takeover, so that what was said at the deadline is noted.
  Duration waits_max = minutes(1);
  size_t lookups_max = 1'000;  // repeated payments whose decisions are looked for; beyond: failed
  Duration call_timeout = seconds(10);
  SenderLimits sender;
};

struct TopicIntakePorts {
  const FieldTable& fields;
  const StagePlan& plan;  // without stages: one reads the payments topic
  uint64_t feature_hash = 0;
  OperatorLog& log;
};

struct TopicIntakeFigures {
  std::atomic<uint64_t> sent{0}, answered{0}, repeated{0}, failed{0}, answered_by_default{0};
};

class TopicIntake : public PaymentIntake {
 public:
  TopicIntake(TopicIntakePorts ports, TopicIntakeOptions options);
  ~TopicIntake() override;
  Status start();
  void stop();
  bool submit(Work&& work) override;  // payments, and labels; with stages a label needs its payment
  size_t queued() const override;
  size_t queue_limit() const override { return options_.waiting_max; }
  const TopicIntakeFigures& figures() const { return figures_; }

 private:
  using Steady = std::chrono::steady_clock;
  struct Waiting {
    std::unique_ptr<ReplyTo> reply;
    std::string payment_id;
    CardToken card;
    Steady::time_point until;
  };
  struct Lookup {
    Waiting waiting;
    EarlierPayment earlier;
    std::optional<Steady::time_point> looked_until = {};
  };
  Status make_sender();
  bool send(const Work& work, uint64_t ticket);
  bool send_to(const std::string& topic, std::string_view key, std::string_view value,
               uint64_t ticket);
  void run();
  Status read_replies();
  void give_up_old();
  std::optional<Waiting> take(uint64_t ticket);
  void answered(const ConsumedRecord& record);
  void answer_other(Waiting waiting, std::string_view json);
  void answer(Waiting& waiting, const Answer& answer);
  void fail_one(Waiting& waiting, const Error& error);
  void fail_all(const Error& error);
  void note_default(const Waiting& waiting);
  void look_up();
  bool look_up_one(DecisionLookup& lookup, Lookup& wanted);

  const TopicIntakePorts ports_;
  const TopicIntakeOptions options_;
  const std::string nonce_;  // of this start, in every ticket
  int32_t partition_ = 0;    // of the replies that come here
  TopicIntakeFigures figures_;
  std::mutex sender_mutex_;  // making it anew
  std::shared_ptr<RecordSender> sender_;
  std::unique_ptr<KafkaReader> replies_;

  mutable std::mutex mutex_;  // the next two
  std::unordered_map<uint64_t, Waiting> waiting_;
  uint64_t last_ticket_ = 0;

  BoundedQueue<Lookup> lookups_;
  std::atomic<bool> stopping_{false};
  std::thread thread_, lookup_thread_;
};

}  // namespace paywarden
