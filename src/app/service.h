// The program as a whole: log, engine, notification center, HTTP, sources, in one object that starts and stops them in
// order.
//
//   TRY_ASSIGN(auto service, Service::create(*config, failure_exit, operator_log, clock));
//   TRY(service->start());
//   service->url(); service->first_password();
//   service->wait(run_for);     // until stop is asked for, the time is over, or the log fails
//   TRY(service->stop());
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "app/archive_setup.h"
#include "app/center_figures.h"
#include "app/config.h"
#include "app/disk_watch.h"
#include "app/drift_watch.h"
#include "app/failure_exit.h"
#include "app/follow_places.h"
#include "app/intake_labels.h"
#include "app/latency.h"
#include "app/live_simulation.h"
#include "app/metrics.h"
#include "app/notification_center.h"
#include "app/payment_api.h"
#include "app/retention.h"
#include "app/setup.h"
#include "archive/archiver.h"
#include "archive/log_source.h"
#include "base/files.h"
#include "engine/engine.h"
#include "http/server.h"
#include "intake/polled_source.h"
#include "log/journal.h"

namespace paywarden {

class Service {
 public:
  static Result<std::unique_ptr<Service>> create(const Config& config, FailureExit& failure_exit,
                                                 OperatorLog& log, Clock& clock);
  ~Service();

  Status start();
  // Returns when ask_to_stop() was called, `run_for` is over, or the log failed (that is an error).
  Status wait(std::optional<Duration> run_for);
  void ask_to_stop();  // any thread
  // Reads the TLS files again: new connections get the new certificate, or the old one where the new is wrong. Any thread.
  void reload();
  void stop();

  std::string url() const { return server_->url(); }
  const std::optional<std::string>& first_password() const { return center_->first_password(); }
  Engine& engine() { return *engine_; }
  uint64_t alerts_open() const { return center_->alerts_open(); }
  // Makes a key of its own for a client on this machine; the text is shown once.
  Result<std::string> make_key(const std::string& name, Role role);

 private:
  Service(const Config& config, FailureExit& failure_exit, OperatorLog& log, Clock& clock);
  Status open_log();
  Status apply_configured_changes();
  Status open_center();
  StatusReport report() const;
  Status open_archive();
  void add_routes(http::Router& router);
  Status start_server();
  Status start_sources();
  Status start_follow(const std::string& path);
  void run_follow(const std::string& path, FileSource& source);
  void save_follow_places();
  PollAnswer take_polled(const Payment& payment);
  bool asked_to_stop();
  bool close_intake(bool closed);
  void watch();  // disk space and retention, a thread
  void watch_disk();
  void keep_retention();

  const Config& config_;
  FailureExit& failure_exit_;  // told when the log fails
  OperatorLog& log_;
  Clock& clock_;
  PosixFiles files_;
  std::optional<Tokeniser> tokeniser_;
  std::unique_ptr<Rejects> rejects_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Snapshots> snapshots_;
  Retention retention_;
  std::unique_ptr<ModelLibrary> models_;
  std::unique_ptr<DriftWatch> drift_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<LogSource> archive_source_;
  ArchiveStores archive_stores_;
  std::unique_ptr<ObjectStore> archive_store_;
  std::unique_ptr<ArchivePlanStore> archive_plans_;
  std::unique_ptr<Archiver> archiver_;      // null: no archive
  std::unique_ptr<IntakeLabels> labels_;    // verdicts into the engine
  std::unique_ptr<CenterFigures> figures_;  // stats and status for the page
  std::unique_ptr<NotificationCenter> center_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<PaymentApi> api_;
  std::unique_ptr<MetricsText> metrics_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<LiveSimulation> simulation_;
  std::vector<std::unique_ptr<HttpGet>> http_gets_;
  std::vector<std::unique_ptr<PolledSource>> polls_;
  std::unique_ptr<FollowPlaces> follow_places_;
  std::vector<std::unique_ptr<FileSource>> follows_;
  std::vector<std::thread> follow_threads_;
  LatencyHistogram latency_;           // of single payments over HTTP
  LatencyHistogram decision_latency_;  // of all payments
  std::atomic<bool> intake_closed_{false};
  DiskWatch disk_;
  std::atomic<bool> ready_{false};

  std::mutex mutex_;  // the next two
  std::condition_variable wake_;
  bool stop_asked_ = false;
  std::optional<Error> failure_;
  std::thread watcher_;
  bool stopped_ = false;
};

}  // namespace paywarden
