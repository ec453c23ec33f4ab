#include "app/service.h"

#include <cstdlib>

#include "app/service_ports.h"
#include "decision/change.h"
#include "intake/pan.h"
#include "notify/email.h"
#include "notify/webhook.h"
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
      archive_stores_(config.archive, files_, clock) {}

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
  TRY_ASSIGN(store_, Store::open({.path = config_.data_directory + "/center.db"}));
  TRY(open_channels());
  AlertingOptions options;
  options.group_within = config_.notify.group_within;
  options.page_url = config_.notify.page_url;
  for (const EmailConfig& e : config_.notify.emails)
    options.channels.push_back({e.name, Outcome::review, true});
  for (const WebhookConfig& w : config_.notify.webhooks)
    options.channels.push_back({w.name, Outcome::review, true});
  AlertingPorts ports{clock_, log_,
                      [this](std::span<const int64_t> ids) {
                        if (center_) center_->alerts_changed(ids);
                        if (dispatcher_) dispatcher_->wake();
                      },
                      event_of_change};
  alerting_ = std::make_unique<Alerting>(*store_, config_.schema.fields, options, std::move(ports));
  follower_ = std::make_unique<LogFollower>(*journal_, *alerting_, FollowerOptions{}, log_);
  labels_ = std::make_unique<Labels>(*engine_);
  figures_ = std::make_unique<Figures>(*engine_, *journal_, decision_latency_, clock_);
  CenterPorts center{clock_,
                     log_,
                     *labels_,
                     *figures_,
                     *figures_,
                     [](std::string_view text) { return mask_pans(text); },
                     [this] {
                       if (dispatcher_) dispatcher_->wake();
                     }};
  TRY_ASSIGN(center_, Center::create(*store_, {}, std::move(center)));
  return {};
}

Status Service::open_channels() {
  std::vector<ChannelSetup> channels;
  for (const EmailConfig& e : config_.notify.emails) {
    EmailOptions options{.name = e.name,
                         .host = e.host,
                         .port = e.port,
                         .tls = static_cast<SmtpTls>(e.tls),
                         .user = e.user,
                         .from = e.from,
                         .to = e.to,
                         .ca_file = e.ca_file};
    if (!e.password_file.empty()) {
      TRY_ASSIGN(options.password, read_text_file(e.password_file, "the mail password"));
      while (!options.password.empty() && options.password.back() == '\n')
        options.password.pop_back();
    }
    TRY_ASSIGN(auto channel, Email::create(std::move(options)));
    channels.push_back({std::move(channel), {}});
  }
  for (const WebhookConfig& w : config_.notify.webhooks) {
    WebhookOptions options{.name = w.name,
                           .url = w.url,
                           .allow_private = w.allow_private,
                           .allowed_hosts = w.allowed_hosts,
                           .ca_file = w.ca_file};
    TRY_ASSIGN(options.secret, read_text_file(w.secret_file, "the webhook secret"));
    while (!options.secret.empty() && options.secret.back() == '\n') options.secret.pop_back();
    TRY_ASSIGN(auto channel, Webhook::create(std::move(options)));
    channels.push_back({std::move(channel), {}});
  }
  if (channels.empty()) return {};
  dispatcher_ = std::make_unique<Dispatcher>(
      *store_, std::move(channels), DispatcherOptions{},
      DispatcherPorts{
          clock_, log_, static_cast<uint64_t>(clock_.now().ms()),
          [this](const std::string& channel, const Delivery& row, const std::string& error) {
            if (auto told =
                    alerting_->notice(dead_delivery_event(channel, row, error, clock_.now()));
                !told)
              log_.write(LogLevel::error, "alert_failed", {{"error", told.error().line()}});
          }});
  return {};
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
  TRY(follower_->start(log_end));
  if (archiver_) TRY(archiver_->start(log_end));
  if (dispatcher_) dispatcher_->start();
  center_->start();
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
  if (center_) center_->stop();
  if (workers_) workers_->stop();
  if (engine_) engine_->stop();
  save_follow_places();
  if (archiver_) archiver_->stop();
  if (follower_) follower_->stop();
  if (dispatcher_) dispatcher_->stop();
}

uint64_t Service::alerts_open() const {
  auto counts = store_->counts();
  return counts ? static_cast<uint64_t>(counts->open) : 0;
}

Result<std::string> Service::make_key(const std::string& name, Role role) {
  TRY_ASSIGN(NewKey key, center_->accounts().create_key(name, role));
  return key.text;
}

}  // namespace paywarden
