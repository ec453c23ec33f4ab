// One instance of a group on Kafka: a stream worker a stage, and HTTP for those who watch it.
//
//   TRY_ASSIGN(auto service, StreamService::create(config, failure_exit, operator_log, clock));
//   TRY(service->start());      // reaches the brokers, or says why not
//   service->wait(run_for);     // until stop is asked for, the time is over, or the worker fails
//   service->stop();
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "app/archive_setup.h"
#include "app/broker_watch.h"
#include "app/config.h"
#include "app/failure_exit.h"
#include "app/latency.h"
#include "app/payment_api.h"
#include "app/setup.h"
#include "app/topic_center.h"
#include "archive/kafka_archive.h"
#include "base/files.h"
#include "center/accounts.h"
#include "http/server.h"
#include "intake/rejects.h"
#include "notify/store.h"
#include "stream/group_agreement.h"
#include "stream/intake_stage.h"
#include "stream/topic_intake.h"
#include "stream/worker.h"

namespace paywarden {

class Families;

class StreamService {
 public:
  static Result<std::unique_ptr<StreamService>> create(Config& config, FailureExit& failure_exit,
                                                       OperatorLog& log, Clock& clock);
  ~StreamService();

  Status start();
  Status wait(std::optional<Duration> run_for);
  void ask_to_stop();  // any thread
  bool stop_asked();   // also while it starts: then start() has come back early
  void stop();
  std::string url() const { return server_->url(); }
  // Of the notification center, where it has just made its first user.
  std::optional<std::string> first_password() const;

 private:
  StreamService(Config& config, FailureExit& failure_exit, OperatorLog& log, Clock& clock);
  Status open();
  Status read_client();
  Status open_workers();
  void open_archive();
  Status open_accounts();
  void keep_accounts();
  Status open_intake();
  Status open_center();
  Status join_group();
  Status in_step(const std::function<Status()>& step);
  GroupAgreement agreement() const;
  void fail_with(const Error& error);
  bool runs(const std::string& stage) const;
  Status add_worker(const std::string& name, const std::string& topic, std::optional<size_t> stage);
  std::unique_ptr<Stage> make_stage(const std::string& name, std::optional<size_t> stage,
                                    FindPayment find, StageFigures& figures);
  Result<std::unique_ptr<Core>> make_core(std::optional<size_t> stage) const;
  Status configure(Core& core, std::optional<size_t> stage) const;
  Status check_input(const std::string& topic, const TopicFound& input, bool direct) const;
  Status check_sent(const std::string& topic, int32_t partitions) const;
  Status check_together(const std::string& topic, int32_t partitions) const;
  Status start_server();
  void add_routes(http::Router& router);
  void add_payment_api(http::Router& router);
  tl::expected<http::PrincipalPtr, http::Response> authorise(const http::Request& request,
                                                             std::string_view role) const;
  std::string metrics() const;
  void add_request_figures(Families& out) const;
  void add_standby_figures(Families& out) const;
  uint64_t sum(std::atomic<uint64_t> StreamFigures::*figure) const;
  uint64_t sum(std::atomic<uint64_t> StageFigures::*figure) const;

  Config& config_;
  FailureExit& failure_exit_;
  OperatorLog& log_;
  Clock& clock_;
  PosixFiles files_;
  std::optional<Tokeniser> tokeniser_;
  std::shared_ptr<const Model> model_, shadow_;
  std::unique_ptr<Store> store_;        // null, as the next: the notification center has them
  std::unique_ptr<Accounts> accounts_;  // for API keys alone
  LatencyHistogram latency_;            // from a record's timestamp to its decision's commit
  StagePlan plan_;
  uint64_t feature_hash_ = 0;
  std::unique_ptr<BrokerWatch> brokers_;
  std::vector<std::unique_ptr<StreamWorker>> workers_;
  ArchiveStores archive_stores_;
  std::unique_ptr<KafkaArchive> archive_;  // null: no archive
  std::unique_ptr<Rejects>
      rejects_;  // of HTTP; the next five are null without it and without the center
  std::unique_ptr<TopicIntake> intake_;
  std::unique_ptr<Workers> requests_;
  std::unique_ptr<PaymentApi> api_;
  std::unique_ptr<TopicCenter> center_;  // null: another instance has it, or none
  LatencyHistogram request_latency_;
  std::atomic<bool> intake_closed_{false};
  std::unique_ptr<http::Server> server_;

  std::mutex mutex_;  // the next two
  std::condition_variable wake_;
  bool stop_asked_ = false;
  std::optional<Error> failure_;
};

}  // namespace paywarden
