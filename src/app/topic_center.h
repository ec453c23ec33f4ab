// The notification center over Kafka: a copy of the decisions topic in a journal, and the same center as on one machine over it.
// Of one instance of a group.
//
//   TRY_ASSIGN(auto center, TopicCenter::create(config, {files, clock, log, intake, "model", on_failure}));
//   TRY(center->start());              // behind the workers, who make the topics
//   center->center().add_routes(router);
//   center->stop_requests();           // behind the server, before the intake
//   center->stop();
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "app/center_figures.h"
#include "app/config.h"
#include "app/disk_watch.h"
#include "app/families.h"
#include "app/notification_center.h"
#include "app/topic_labels.h"
#include "log/journal.h"
#include "stream/decisions_copy.h"

namespace paywarden {

struct TopicCenterPorts {
  Files& files;
  Clock& clock;
  OperatorLog& log;
  PaymentIntake& intake;                         // takes labels; started and stopped elsewhere
  std::string model;                             // its name, for the page
  std::function<void(const Error&)> on_failure;  // the journal failed
};

class TopicCenter {
 public:
  static Result<std::unique_ptr<TopicCenter>> create(const Config& config, TopicCenterPorts ports);
  ~TopicCenter() { stop(); }
  Status start();
  void stop_requests();
  void stop();

  NotificationCenter& center() { return *center_; }
  http::Response find_decision(const std::string& payment_id) const;
  bool has_room() const { return !paused_; }  // else nothing is copied
  void add_figures(Families& out) const;

 private:
  TopicCenter(const Config& config, TopicCenterPorts ports);
  Status open();
  Status open_copy();
  StatusReport report() const;
  void watch();
  void watch_disk();
  void watch_guard();
  void keep_retention();

  const Config& config_;
  const TopicCenterPorts ports_;
  LatencyHistogram latency_;  // from a payment's receipt to its decision's arrival here
  DiskWatch disk_;
  std::atomic<bool> paused_{false};
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<DecisionsCopy> copy_;
  std::unique_ptr<TopicLabels> labels_;
  std::unique_ptr<CenterFigures> figures_;
  std::unique_ptr<NotificationCenter> center_;
  bool alerting_ = false;  // it has started; a start that failed behind it is tried again
  uint64_t guarded_before_ = 0;
  std::atomic<int> looks_guarded_{0};  // at the guard, until it counts as let go

  std::mutex mutex_;  // stopping_
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread watcher_;
};

}  // namespace paywarden
