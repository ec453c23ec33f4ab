#include "app/service.h"

#include <cstdlib>

#include "decision/change.h"
#include "objects/folder_store.h"

namespace paywarden {
namespace {

std::optional<SystemEvent> event_of_change(std::string_view bytes) {
  auto change = decode_change(bytes);
  if (!change || change->kind != ChangeKind::guard_engaged) return std::nullopt;
  return SystemEvent{
      AlertKind::guard,
      "guard",
      Outcome::decline,
      "The decline guard engaged: the model's declines are reviews now",
      change->reason +
          ". Look at the latest declines; then reset the guard with a change of kind guard_reset.",
      change->event_time};
}

}  // namespace

Service::Service(const Config& config, FailureExit& failure_exit, OperatorLog& log, Clock& clock)
    : config_(config),
      failure_exit_(failure_exit),
      log_(log),
      clock_(clock),
      retention_(config.schema.fields),
      archive_stores_(config.archive, files_, clock),
      disk_(files_, config.data_directory, config.disk_free_min, log) {}

Service::~Service() {
  stop();
}

Result<std::unique_ptr<Service>> Service::create(const Config& config, FailureExit& failure_exit,
                                                 OperatorLog& log, Clock& clock) {
  auto service = std::unique_ptr<Service>(new Service(config, failure_exit, log, clock));
  TRY(service->files_.make_directory(config.data_directory));
  TRY_ASSIGN(service->tokeniser_, load_card_key(config, CardKeyFor::log));
  TRY_ASSIGN(service->rejects_,
             Rejects::open({.path = config.data_directory + "/rejects.ndjson"}, clock));
  TRY(service->open_log());
  TRY(service->open_center());
  TRY(service->open_archive());
  return service;
}

Status Service::open_log() {
  JournalOptions options{.directory = config_.data_directory + "/journal",
                         .segment_bytes = config_.segment_bytes};
  TRY_ASSIGN(journal_, Journal::open(files_, log_, options));
  snapshots_ = std::make_unique<Snapshots>(files_, config_.data_directory + "/snapshots");
  models_ = std::make_unique<ModelLibrary>(config_.data_directory + "/models", config_.features,
                                           config_.file);
  auto finder = [this](const std::string& hash) { return models_->find(hash); };
  auto maker = [this] {
    return Core::create(config_.schema.fields, config_.features, config_.core_options());
  };
  TRY_ASSIGN(engine_, Engine::recover(*journal_, *snapshots_, maker, finder, config_.engine, log_));
  if (!config_.shadow_directory.empty()) {
    TRY_ASSIGN(auto shadow,
               BundleModel::load(config_.shadow_directory, config_.features, config_.file));
    engine_->core().set_shadow(std::move(shadow));
  }
  drift_ = std::make_unique<DriftWatch>(files_, config_, log_);
  drift_->load(journal_->durable_end());
  engine_->watch_drift(drift_->book());
  const RecoveryFigures& r = engine_->recovery();
  log_.write(LogLevel::info, "recovered",
             {{"snapshot", std::to_string(r.snapshot_sequence)},
              {"records_replayed", std::to_string(r.records)},
              {"end", std::to_string(journal_->durable_end())},
              {"decided_otherwise", std::to_string(r.mismatches)}});
  return {};
}

// What the configuration says and the log does not yet: logged as changes, each once.
Status Service::apply_configured_changes() {
  std::shared_ptr<const Model> model;
  if (!config_.model_directory.empty()) {
    TRY_ASSIGN(model, models_->add(config_.model_directory));
  }
  TRY_ASSIGN(auto changes, read_changes(config_, model.get(), clock_.now()));
  for (Change& change : changes) {
    if (!is_new(change, engine_->core())) continue;
    std::string name(name_of(change.kind));
    auto done =
        submit_and_wait(*engine_, Work::of(std::move(change), nullptr), Answer::Kind::changed);
    if (!done)
      return fail(name + ": " + done.error().what,
                  done.error().where.empty() ? config_.file : done.error().where,
                  done.error().remedy);
  }
  return {};
}

Status Service::open_center() {
  const EngineFigures& f = engine_->figures();
  labels_ = std::make_unique<IntakeLabels>(*engine_);
  figures_ = std::make_unique<CenterFigures>(CenterFiguresSources{
      f.outcomes, f.scores, f.payments, decision_latency_, [this] { return engine_->queued(); },
      [this] { return report(); }, clock_});
  TRY_ASSIGN(center_, NotificationCenter::open(config_, {clock_, log_, *journal_, *labels_,
                                                         *figures_, *figures_, event_of_change}));
  return {};
}

StatusReport Service::report() const {
  StatusReport report;
  report.mode = std::string(name_of(engine_->mode()));
  report.model = engine_->model_name();
  report.guard = engine_->figures().guard_engaged;
  report.journal_sequence = journal_->durable_end() - 1;
  report.journal_bytes = journal_->figures().bytes;
  return report;
}

Status Service::open_archive() {
  TRY_ASSIGN(archive_store_, archive_stores_.open());
  if (!archive_store_) return {};
  archive_source_ = std::make_unique<LogSource>(*journal_);
  archive_plans_ =
      std::make_unique<FilePlanStore>(files_, config_.data_directory + "/archive.json");
  archiver_ = std::make_unique<Archiver>(
      ArchivePorts{*archive_source_, *archive_store_, *archive_plans_, clock_, log_},
      config_.archive.options);
  return {};
}

Status Service::start() {
  engine_->on_failure([this](const Error& error) {
    failure_exit_.arm(error);
    std::lock_guard lock(mutex_);
    failure_ = error;
    wake_.notify_all();
  });
  engine_->on_decided([this](std::chrono::microseconds took) {
    decision_latency_.add(static_cast<uint64_t>(took.count()));
  });
  uint64_t log_end = journal_->durable_end();  // of what was there before this start
  engine_->start();
  TRY(apply_configured_changes());
  TRY(center_->start(log_end));
  if (archiver_) TRY(archiver_->start(log_end));
  watch_disk();
  TRY(start_server());
  watcher_ = std::thread([this] { watch(); });
  TRY(start_sources());
  ready_ = true;
  log_.write(LogLevel::info, "ready",
             {{"url", server_->url()},
              {"model", engine_->model_name()},
              {"mode", std::string(name_of(engine_->mode()))}});
  return {};
}

Status Service::wait(std::optional<Duration> run_for) {
  std::unique_lock lock(mutex_);
  auto done = [this] { return stop_asked_ || failure_; };
  if (run_for)
    wake_.wait_for(lock, std::chrono::milliseconds(run_for->ms()), done);
  else
    wake_.wait(lock, done);
  if (failure_) return tl::unexpected(*failure_);
  return {};
}

void Service::ask_to_stop() {
  std::lock_guard lock(mutex_);
  stop_asked_ = true;
  wake_.notify_all();
}

void Service::reload() {
  if (!ready_) return;
  if (!config_.http.tls)
    return log_.write(LogLevel::info, "nothing_to_reload", {{"reason", "there are no TLS files"}});
  if (auto read = server_->reload_tls(); !read)
    return log_.write(LogLevel::error, "tls_not_reloaded",
                      {{"error", read.error().line()}, {"in_use", "the certificate read before"}});
  log_.write(LogLevel::info, "tls_reloaded", {{"certificate", config_.http.tls->certificate_file}});
}

// First what brings work, then what does it: everything accepted is decided, durable and answered before the end.
void Service::stop() {
  if (std::exchange(stopped_, true)) return;
  ready_ = false;
  ask_to_stop();
  intake_closed_ = true;  // behind ask_to_stop(): watch_disk() does not open it any more
  if (watcher_.joinable()) watcher_.join();
  for (auto& poll : polls_) poll->stop();
  for (auto& follow : follows_) follow->stop();
  for (std::thread& thread : follow_threads_) thread.join();
  if (simulation_) simulation_->stop();
  if (server_) server_->stop();
  if (center_) center_->stop_requests();
  if (workers_) workers_->stop();
  if (engine_) engine_->stop();
  if (drift_) drift_->save();
  save_follow_places();
  if (archiver_) archiver_->stop();
  if (center_) center_->stop();
}

Result<std::string> Service::make_key(const std::string& name, Role role) {
  TRY_ASSIGN(NewKey key, center_->accounts().create_key(name, role));
  return key.text;
}

}  // namespace paywarden
