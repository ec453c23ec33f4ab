#include "app/stream_service.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "base/hash.h"

namespace paywarden {
namespace {

constexpr std::chrono::seconds kTryAgainAfter{1};  // at the start
constexpr std::chrono::seconds kAccountsEvery{1};  // as where a notification center runs

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? std::optional<std::string>(value) : std::nullopt;
}

constexpr const char* kDecide = "decide";  // the only stage
constexpr const char* kIntake = "intake";  // the first of several
constexpr const char* kLabels = "labels";  // beside it, where labels have a topic

}  // namespace

StreamService::StreamService(Config& config, FailureExit& failure_exit, OperatorLog& log,
                             Clock& clock)
    : config_(config),
      failure_exit_(failure_exit),
      log_(log),
      clock_(clock),
      archive_stores_(config.archive, files_, clock) {}

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
  TRY(open_accounts());
  TRY(read_client());
  TRY_ASSIGN(brokers_, BrokerWatch::create(config_.kafka.stream.client, log_));
  if (!config_.model_directory.empty()) {
    TRY_ASSIGN(model_, BundleModel::load(config_.model_directory, config_.features, config_.file));
  }
  if (!config_.shadow_directory.empty()) {
    TRY_ASSIGN(shadow_,
               BundleModel::load(config_.shadow_directory, config_.features, config_.file));
  }
  // What is wrong with rules and lists is said before the start.
  TRY(configured_core(config_, model_));
  open_archive();
  TRY(open_workers());
  TRY(open_intake());
  return open_center();
}

Status StreamService::open_accounts() {
  if (config_.kafka.center) return {};
  TRY_ASSIGN(store_, Store::open({.path = config_.data_directory + "/center.db"}));
  TRY_ASSIGN(accounts_, Accounts::open(store_->database(), {}, clock_));
  return {};
}

Status StreamService::open_intake() {
  const KafkaConfig& k = config_.kafka;
  if (!k.http_payments && !k.center) return {};
  TRY_ASSIGN(rejects_, Rejects::open({.path = config_.data_directory + "/rejects.ndjson"}, clock_));
  TopicIntakeOptions options;
  options.client = k.stream.client;
  options.group = k.stream.group;
  options.instance = k.stream.instance;
  options.topic = k.stages.empty() ? k.stream.topics.input : k.stages.front().topic;
  options.decisions = k.stream.topics.decisions;
  options.replies = k.stream.topics.replies;
  options.others = k.stream.topics.others;
  options.default_outcome = name_of(config_.api.default_outcome);
  intake_ = std::make_unique<TopicIntake>(
      TopicIntakePorts{config_.schema.fields, plan_, feature_hash_, log_}, std::move(options));
  return {};
}

Status StreamService::open_center() {
  if (!config_.kafka.center) return {};
  TRY_ASSIGN(center_,
             TopicCenter::create(config_,
                                 {files_, clock_, log_, *intake_, model_ ? model_->name() : "none",
                                  [this](const Error& error) { fail_with(error); }}));
  return {};
}

void StreamService::open_archive() {
  if (config_.archive.kind == ArchiveKind::none) return;
  KafkaArchiveOptions options;
  options.client = config_.kafka.stream.client;
  options.group = config_.kafka.stream.group + ".archive";
  options.topic = config_.kafka.stream.topics.decisions;
  options.archiver = config_.archive.options;
  archive_ = std::make_unique<KafkaArchive>(
      KafkaArchivePorts{[this] { return archive_stores_.open(); }, clock_, log_},
      std::move(options));
}

Status StreamService::open_workers() {
  const KafkaConfig& k = config_.kafka;
  feature_hash_ = hash64(config_.features.hash());
  if (k.stages.empty()) {
    return add_worker(kDecide, k.stream.topics.input, std::nullopt);
  }
  TRY_ASSIGN(plan_,
             make_stage_plan(k.stages, config_.features, config_.schema.fields, config_.file));
  if (runs(kIntake)) TRY(add_worker(kIntake, k.stream.topics.input, std::nullopt));
  if (!k.labels_topic.empty() && runs(kLabels))
    TRY(add_worker(kLabels, k.labels_topic, std::nullopt));
  for (size_t i = 0; i < plan_.stages.size(); ++i)
    if (runs(k.stages[i].name)) TRY(add_worker(k.stages[i].name, k.stages[i].topic, i));
  return {};
}

bool StreamService::runs(const std::string& stage) const {
  const auto& run = config_.kafka.run;
  return run.empty() || std::find(run.begin(), run.end(), stage) != run.end();
}

// `stage`: of those that count; nothing: the one that reads the payments topic.
Status StreamService::add_worker(const std::string& name, const std::string& topic,
                                 std::optional<size_t> stage) {
  StreamOptions options = config_.kafka.stream;
  options.name = name;
  if (name != kDecide) options.group += "." + name;
  options.topics.input = topic;
  // Where payments come over HTTP, nobody else need have a topic; one that is named, somebody has.
  bool own = config_.kafka.http_payments && topic == StreamTopics().input;
  options.input_is_others = name == kLabels || ((name == kIntake || name == kDecide) && !own);
  for (const PlannedStage& planned : plan_.stages)
    options.topics.stages.push_back(planned.spec.topic);
  std::unique_ptr<SharedSnapshots> shared;
  if (config_.kafka.share_snapshots && name != kIntake && name != kLabels) {
    shared = std::make_unique<SharedSnapshots>([this] { return archive_stores_.open(); }, files_,
                                               options.group, log_);
  }
  StreamPorts ports{
      [this, name, stage](FindPayment find, StageFigures& figures) {
        return make_stage(name, stage, std::move(find), figures);
      },
      [this, stage] { return make_core(stage); },
      // A snapshot may name the model of an earlier time; configure() puts the present one there.
      [this](const std::string&) -> Result<std::shared_ptr<const Model>> {
        if (model_) return model_;
        return fail("the snapshot has a model and the configuration has none");
      },
      [this, stage](Core& core) { return configure(core, stage); },
      [this, topic](const TopicFound& input) {
        return check_input(topic, input, plan_.stages.empty());
      },
      std::move(shared), files_, clock_, log_,
      [this](Duration took) {
        latency_.add(static_cast<uint64_t>(std::max<int64_t>(took.ms(), 0)) * 1000);
      }};
  auto worker = std::make_unique<StreamWorker>(std::move(ports), std::move(options));
  worker->on_failure([this](const Error& error) { fail_with(error); });
  workers_.push_back(std::move(worker));
  return {};
}

void StreamService::fail_with(const Error& error) {
  failure_exit_.arm(error);
  std::lock_guard lock(mutex_);
  failure_ = error;
  wake_.notify_all();
}

std::unique_ptr<Stage> StreamService::make_stage(const std::string& name,
                                                 std::optional<size_t> stage, FindPayment find,
                                                 StageFigures& figures) {
  DecideOptions options = config_.kafka.decide;
  if (name == kIntake || name == kLabels)
    return std::make_unique<IntakeStage>(
        config_.schema, *tokeniser_, options.parser, plan_, feature_hash_, figures,
        name == kLabels ? IntakeOf::labels : IntakeOf::payments_and_labels);
  if (stage) {
    options.plan = &plan_;
    options.stage = *stage;
    options.feature_hash = feature_hash_;
  }
  return std::make_unique<DecideStage>(config_.schema, *tokeniser_, options, std::move(find),
                                       figures, log_);
}

Result<std::unique_ptr<Core>> StreamService::make_core(std::optional<size_t> stage) const {
  return Core::create(config_.schema.fields, config_.features, config_.core_options(),
                      stage ? &plan_.stages[*stage].features : nullptr);
}

// Only the last stage scores; all of them count amounts in the base currency.
Status StreamService::configure(Core& core, std::optional<size_t> stage) const {
  bool last = !stage || *stage + 1 == plan_.stages.size();
  if (last && shadow_) core.set_shadow(shadow_);
  TRY_ASSIGN(auto changes, read_changes(config_, model_.get(), EventTime()));
  for (const Change& change : changes)
    if (is_new(change, core) && (last || change.kind == ChangeKind::rates))
      TRY(core.apply(change, change.kind == ChangeKind::model ? model_ : nullptr));
  return {};
}

Status StreamService::check_input(const std::string& topic, const TopicFound& input,
                                  bool direct) const {
  if (input.compacted)
    return fail("the topic is compacted: it forgets payments that state is restored from", topic,
                "set its cleanup.policy to delete");
  if (direct && input.partitions > 1) TRY(check_sent(topic, input.partitions));
  if (direct && input.partitions > 1) TRY(check_together(topic, input.partitions));
  TRY_ASSIGN(auto core, make_core(std::nullopt));
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

// What is sent from here is keyed by the card's token.
Status StreamService::check_sent(const std::string& topic, int32_t partitions) const {
  const KafkaConfig& k = config_.kafka;
  if (!k.http_payments && !k.center) return {};
  return fail(std::string(k.http_payments ? "payments that come over HTTP"
                                          : "labels, which verdicts become,") +
                  " are keyed by the card's token, and those of '" + topic +
                  "' by something else: a card's would stand in several of its " +
                  std::to_string(partitions) + " partitions",
              config_.file + (k.http_payments ? ": kafka.http_payments" : ": kafka.center"),
              "give it a [[kafka.stage]] keyed by \"card\"");
}

// State is kept a partition: what a feature counts together must stand in one.
Status StreamService::check_together(const std::string& topic, int32_t partitions) const {
  const FieldTable& fields = config_.schema.fields;
  auto together = [&](FieldIndex field) { return fields[field].name == config_.kafka.keyed_by; };
  for (const FeatureSpec& feature : config_.features.specs()) {
    const auto& by = feature.by;
    if (by.empty() || std::any_of(by.begin(), by.end(), together)) continue;
    return fail("the feature '" + feature.name + "' counts by " + fields[by.front()].name +
                    ", whose payments stand in several of the " + std::to_string(partitions) +
                    " partitions of '" + topic + "'",
                config_.file,
                "give it a [[kafka.stage]], or say in kafka.keyed_by what the topic is keyed by");
  }
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

// With what the others of the group do, before anything is read or written.
GroupAgreement StreamService::agreement() const {
  const KafkaConfig& k = config_.kafka;
  const StreamTopics& topics = k.stream.topics;
  GroupAgreement out{k.stream.group,
                     {topics.decisions, topics.rejects, topics.others, topics.alerts},
                     card_key_fingerprint(*tokeniser_),
                     k.center ? k.stream.instance : ""};
  if (k.http_payments) out.writes.push_back(topics.replies);
  bool routes = runs(kIntake) || runs(kLabels) || intake_;  // into all of them
  for (size_t i = 0; i < k.stages.size(); ++i)
    if (routes || (i > 0 && runs(k.stages[i - 1].name))) out.writes.push_back(k.stages[i].topic);
  return out;
}

Status StreamService::join_group() {
  const KafkaConfig& k = config_.kafka;
  TRY_ASSIGN(Agreed agreed, agree(k.stream.client, k.groups_topic, agreement(),
                                  k.stream.topic_options, k.stream.reach_timeout, log_));
  if (!agreed.center_was_on) return {};
  log_.write(LogLevel::warning, "center_moved",
             {{"from", *agreed.center_was_on},
              {"to", k.stream.instance},
              {"remedy",
               "make sure that instance has kafka.center = false: two centers are two "
               "lists of alerts, and all mail twice"}});
  return {};
}

// Brokers that come and go while this one starts are waited for.
Status StreamService::in_step(const std::function<Status()>& step) {
  bool told = false;
  while (!stop_asked()) {
    Status done = step();
    if (done || !done.error().passes) return done;
    if (!std::exchange(told, true))
      log_.write(LogLevel::warning, "start_waits", {{"error", done.error().line()}});
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kTryAgainAfter, [this] { return stop_asked_; });
  }
  return {};
}

Status StreamService::start() {
  TRY(brokers_->wait([this] { return stop_asked(); }));
  TRY(in_step([this] { return join_group(); }));
  for (auto& worker : workers_) TRY(in_step([&worker] { return worker->start(); }));
  if (archive_) TRY(archive_->start());
  if (intake_) TRY(in_step([this] { return intake_->start(); }));
  if (center_) TRY(in_step([this] { return center_->start(); }));
  if (stop_asked()) return {};
  TRY(start_server());
  log_.write(LogLevel::info, "ready",
             {{"url", server_->url()}, {"model", model_ ? model_->name() : "none"}});
  return {};
}

std::optional<std::string> StreamService::first_password() const {
  return center_ ? center_->center().first_password() : std::nullopt;
}

uint64_t StreamService::sum(std::atomic<uint64_t> StreamFigures::*figure) const {
  uint64_t total = 0;
  for (const auto& worker : workers_) total += worker->figures().*figure;
  return total;
}

uint64_t StreamService::sum(std::atomic<uint64_t> StageFigures::*figure) const {
  uint64_t total = 0;
  for (const auto& worker : workers_) total += worker->figures().stage.*figure;
  return total;
}

Status StreamService::wait(std::optional<Duration> run_for) {
  using Steady = std::chrono::steady_clock;
  auto end = run_for ? Steady::now() + std::chrono::milliseconds(run_for->ms())
                     : Steady::time_point::max();
  auto done = [this] { return stop_asked_ || failure_; };
  std::unique_lock lock(mutex_);
  while (!done() && Steady::now() < end) {
    wake_.wait_until(lock, std::min(end, Steady::now() + kAccountsEvery), done);
    lock.unlock();
    keep_accounts();
    brokers_->look();
    lock.lock();
  }
  if (failure_) return tl::unexpected(*failure_);
  return {};
}

// Keys that the command line has made or ended since count from here on.
void StreamService::keep_accounts() {
  if (!accounts_) return;
  if (auto kept = accounts_->maintain(); !kept)
    log_.write(LogLevel::error, "accounts_failed", {{"error", kept.error().line()}});
}

bool StreamService::stop_asked() {
  std::lock_guard lock(mutex_);
  return stop_asked_;
}

void StreamService::ask_to_stop() {
  std::lock_guard lock(mutex_);
  stop_asked_ = true;
  wake_.notify_all();
}

void StreamService::stop() {
  intake_closed_ = true;
  if (server_) server_->stop();  // who waits is answered first
  if (requests_) requests_->stop();
  if (center_) center_->stop_requests();
  if (intake_) intake_->stop();
  if (archive_) archive_->stop();
  for (auto& worker : workers_) worker->ask_to_stop();
  for (auto& worker : workers_) worker->stop();
  if (center_) center_->stop();
  keep_accounts();
}

}  // namespace paywarden
