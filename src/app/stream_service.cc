#include "app/stream_service.h"

#include <algorithm>
#include <cstdlib>

#include "app/families.h"

namespace paywarden {
namespace {

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? std::optional<std::string>(value) : std::nullopt;
}

}  // namespace

StreamService::StreamService(Config& config, FailureExit& failure_exit, OperatorLog& log,
                             Clock& clock)
    : config_(config), failure_exit_(failure_exit), log_(log), clock_(clock) {}

StreamService::~StreamService() {
  stop();
}

Result<std::unique_ptr<StreamService>> StreamService::create(Config& config,
                                                             FailureExit& failure_exit,
                                                             OperatorLog& log, Clock& clock) {
  std::unique_ptr<StreamService> service(new StreamService(config, failure_exit, log, clock));
  TRY(service->open());
  return service;
}

Status StreamService::open() {
  TRY(files_.make_directory(config_.data_directory));
  TRY(files_.make_directory(config_.kafka.stream.snapshot_directory));
  TRY_ASSIGN(tokeniser_, load_card_key(config_, CardKeyFor::log));
  TRY_ASSIGN(store_, Store::open({.path = config_.data_directory + "/center.db"}));
  TRY_ASSIGN(accounts_, Accounts::open(store_->database(), {}, clock_));
  TRY(read_client());
  if (!config_.model_directory.empty()) {
    TRY_ASSIGN(model_, BundleModel::load(config_.model_directory, config_.features, config_.file));
  }
  TRY(configured_core(config_,
                      model_));  // what is wrong with rules and lists is said before the start
  StreamPorts ports{
      config_.schema, *tokeniser_,
      [this] {
        return Core::create(config_.schema.fields, config_.features, config_.core_options());
      },
      // A snapshot may name the model of an earlier time; the configured one is put in its place below.
      [this](const std::string&) -> Result<std::shared_ptr<const Model>> {
        if (model_) return model_;
        return fail("the snapshot has a model and the configuration has none");
      },
      [this](Core& core) -> Status {
        TRY_ASSIGN(auto changes, read_changes(config_, model_.get(), EventTime()));
        for (const Change& change : changes)
          if (is_new(change, core))
            TRY(core.apply(change, change.kind == ChangeKind::model ? model_ : nullptr));
        return {};
      },
      [this](const TopicFound& input) { return check_input(input); }, files_, clock_, log_,
      [this](Duration took) {
        latency_.add(static_cast<uint64_t>(std::max<int64_t>(took.ms(), 0)) * 1000);
      }};
  worker_ = std::make_unique<StreamWorker>(std::move(ports), config_.kafka.stream);
  worker_->on_failure([this](const Error& error) {
    failure_exit_.arm(error);
    std::lock_guard lock(mutex_);
    failure_ = error;
    wake_.notify_all();
  });
  return {};
}

// State is kept a partition: what a feature counts together must stand in one.
Status StreamService::check_input(const TopicFound& input) const {
  const std::string& topic = config_.kafka.stream.topics.input;
  const FieldTable& fields = config_.schema.fields;
  if (input.compacted)
    return fail("the topic is compacted: it forgets payments that state is restored from", topic,
                "set its cleanup.policy to delete");
  auto together = [&](FieldIndex field) { return fields[field].name == config_.kafka.keyed_by; };
  for (const FeatureSpec& feature : config_.features.specs()) {
    const auto& by = feature.by;
    if (input.partitions == 1 || by.empty() || std::any_of(by.begin(), by.end(), together))
      continue;
    return fail("the feature '" + feature.name + "' counts by " + fields[by.front()].name +
                    ", whose payments stand in several of the " + std::to_string(input.partitions) +
                    " partitions of '" + topic + "'",
                config_.file,
                config_.kafka.keyed_by.empty()
                    ? "say in kafka.keyed_by which field the topic is keyed by"
                    : "leave the feature out, or use a topic with one partition");
  }
  TRY_ASSIGN(auto core, Core::create(fields, config_.features, config_.core_options()));
  Duration needed = core->windows().retention() + config_.features.options().label_delay;
  if (input.retention && *input.retention < needed)
    log_.write(
        LogLevel::warning, "topic_forgets_early",
        {{"topic", topic},
         {"retention_ms", std::to_string(input.retention->ms())},
         {"needed_ms", std::to_string(needed.ms())},
         {"remedy", "raise its retention.ms: without a snapshot, state cannot be restored"}});
  return {};
}

Status StreamService::read_client() {
  KafkaConfig& k = config_.kafka;
  TRY_ASSIGN(std::string text, read_text_file(k.properties_file, "the properties file"));
  TRY_ASSIGN(k.stream.client.properties, read_properties(text, k.properties_file, environment));
  k.stream.client.client_id = "paywarden-" + k.stream.instance;
  for (const std::string& key : k.stream.client.properties.left_aside)
    log_.write(LogLevel::info, "property_left_aside", {{"key", key}, {"file", k.properties_file}});
  return {};
}

Status StreamService::start() {
  TRY(worker_->start());
  TRY(start_server());
  log_.write(LogLevel::info, "ready",
             {{"url", server_->url()}, {"model", model_ ? model_->name() : "none"}});
  return {};
}

Status StreamService::start_server() {
  http::Router router;
  add_routes(router);
  TRY_ASSIGN(server_, http::Server::create(config_.http, std::move(router),
                                           {clock_,
                                            log_,
                                            [this](const http::Request& q, std::string_view role) {
                                              return authorise(q, role);
                                            },
                                            {}}));
  return server_->start();
}

void StreamService::add_routes(http::Router& router) {
  using http::Method;
  using http::Reply;
  using http::RequestPtr;
  using http::Response;
  router.add(Method::get, "/healthz", http::kOpenToAll,
             [](RequestPtr, Reply reply) { reply(Response::text(200, "alive\n")); });
  router.add(Method::get, "/readyz", http::kOpenToAll, [this](RequestPtr, Reply reply) {
    bool ready = worker_->figures().joined;
    reply(Response::text(ready ? 200 : 503,
                         ready ? "ready\n" : "not ready: not in the consumer group yet\n"));
  });
  router.add(Method::get, "/metrics", "observer", [this](RequestPtr, Reply reply) {
    Response response = Response::text(200, metrics());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    reply(std::move(response));
  });
}

// By API key: there are no sessions here.
tl::expected<http::PrincipalPtr, http::Response> StreamService::authorise(
    const http::Request& request, std::string_view role) const {
  constexpr std::string_view kBearer = "Bearer ";
  std::string_view header = request.header("authorization");
  auto need = role_of(role);
  if (!header.starts_with(kBearer))
    return tl::unexpected(http::problem(401, "Not signed in", "Send an API key."));
  auto who = accounts_->by_key(header.substr(kBearer.size()));
  if (!who) return tl::unexpected(http::problem(401, "Not signed in", "The API key is not valid."));
  if (!need || !allows(who->role, *need))
    return tl::unexpected(
        http::problem(403, "Not allowed", "This needs the role " + std::string(role) + "."));
  auto principal = std::make_shared<http::Principal>();
  principal->name = who->name;
  principal->role = name_of(who->role);
  return principal;
}

std::string StreamService::metrics() const {
  const StreamFigures& f = worker_->figures();
  Families out;
  auto& outcomes = out.family("paywarden_decisions_total", "Decisions by outcome.",
                              prometheus::MetricType::Counter);
  for (Outcome outcome : {Outcome::approve, Outcome::review, Outcome::decline})
    Families::add(outcomes, "outcome", name_of(outcome),
                  d(f.stage.outcomes[static_cast<size_t>(outcome)]));
  out.counter("paywarden_repeats_total", "Payments that were sent again with the same body.",
              d(f.stage.repeats));
  out.counter("paywarden_conflicts_total", "Payments whose id stands for another body.",
              d(f.stage.conflicts));
  out.counter("paywarden_rejected_total", "Records that did not become payments.",
              d(f.stage.rejects));
  out.counter("paywarden_labels_total", "Labels that found their payment.", d(f.stage.labels));
  out.counter("paywarden_labels_unknown_total", "Labels whose payment was unknown.",
              d(f.stage.labels_waiting));
  out.counter("paywarden_kafka_replayed_total", "Records replayed to restore state.",
              d(f.stage.replayed));
  out.counter("paywarden_kafka_transactions_total", "Transactions committed.", d(f.batches));
  out.counter("paywarden_kafka_transactions_failed_total",
              "Attempts to commit whose end was unknown or bad.", d(f.commits_failed));
  out.counter("paywarden_kafka_restores_total", "Partitions taken over.", d(f.restores));
  out.counter("paywarden_snapshots_total", "Snapshots written.", d(f.snapshots));
  out.counter("paywarden_snapshots_failed_total", "Snapshots that could not be written.",
              d(f.snapshots_failed));
  out.gauge("paywarden_kafka_partitions", "Partitions of this instance.", d(f.partitions));
  out.gauge("paywarden_kafka_lag_records", "Records that wait to be decided.",
            static_cast<double>(f.lag.load()));
  LatencyCounts counts = latency_.counts();
  out.histogram("paywarden_kafka_visible_seconds",
                "From a record's timestamp to its decision's commit.", counts,
                static_cast<double>(latency_.sum_us()) * 1e-6);
  return out.text();
}

Status StreamService::wait(std::optional<Duration> run_for) {
  std::unique_lock lock(mutex_);
  auto done = [this] { return stop_asked_ || failure_; };
  if (run_for)
    wake_.wait_for(lock, std::chrono::milliseconds(run_for->ms()), done);
  else
    wake_.wait(lock, done);
  if (failure_) return tl::unexpected(*failure_);
  return {};
}

void StreamService::ask_to_stop() {
  std::lock_guard lock(mutex_);
  stop_asked_ = true;
  wake_.notify_all();
}

void StreamService::stop() {
  if (server_) server_->stop();
  if (worker_) worker_->stop();
  if (accounts_)
    if (auto stored = accounts_->maintain(); !stored)
      log_.write(LogLevel::error, "accounts_failed", {{"error", stored.error().line()}});
}

}  // namespace paywarden
