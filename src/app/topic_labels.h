// Verdicts of the notification center over Kafka: labels on their way into the topic of the first stage, each with its payment, as
// the copy of the decisions has it.
//
//   TopicLabels labels({topic_intake, journal, fields, true, notice, log});
//   labels.stop();      // before what it uses
//
// With stages a label is routed by its payment. Where the copy has forgotten that, the label cannot be made: this is said in the log
// and to people, and the verdict counts as done, since trying again would not help. Any thread; looks payments up on one of its own.
#pragma once

#include <atomic>
#include <functional>

#include "base/clock.h"
#include "base/operator_log.h"
#include "center/ports.h"
#include "center/workers.h"
#include "engine/work.h"
#include "log/log.h"
#include "notify/alerting_options.h"
#include "payment/fields.h"

namespace paywarden {

struct TopicLabelsPorts {
  PaymentIntake& intake;
  const Log& journal;
  const FieldTable& fields;
  bool payment_needed = false;  // there are stages
  Clock& clock;
  std::function<void(const SystemEvent&)> notice;
  OperatorLog& log;
};

class TopicLabels : public LabelSink {
 public:
  explicit TopicLabels(TopicLabelsPorts ports);
  void label(std::vector<Label> labels, std::function<void(Status)> done) override;
  void stop() { worker_.stop(); }
  uint64_t lost() const { return lost_; }  // since the start

 private:
  void send(std::vector<Label> labels, std::function<void(Status)> done);
  void say_lost(const Label& label);

  const TopicLabelsPorts ports_;
  std::atomic<uint64_t> lost_{0};
  Workers worker_;
};

}  // namespace paywarden
