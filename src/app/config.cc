#include "app/config.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "app/section.h"

namespace paywarden {
namespace {

constexpr std::array<std::string_view, 20> kTables = {
    "schema",  "features", "feature", "currency", "model", "decision", "guard",
    "drift",   "data",     "intake",  "engine",   "http",  "api",      "notify",
    "archive", "simulate", "source",  "training", "log",   "kafka"};

constexpr const char* kIntakeStage = "intake";
constexpr const char* kLabelsStage = "labels";

class Loader {
 public:
  Loader(const toml::table& root, Config& config) : root_(root), config_(config) {}

  Status load() {
    TRY(check_tables());
    TRY(read_currency());
    TRY_ASSIGN(config_.schema, read_schema(root_, config_.file));
    TRY_ASSIGN(config_.features, FeatureSet::parse(root_, config_.schema.fields, config_.file,
                                                   config_.base_currency.exponent()));
    for (auto read :
         {&Loader::read_model, &Loader::read_decision, &Loader::read_guard, &Loader::read_drift,
          &Loader::read_data, &Loader::read_intake, &Loader::read_engine, &Loader::read_http,
          &Loader::read_api, &Loader::read_notify, &Loader::read_archive, &Loader::read_simulate,
          &Loader::read_sources, &Loader::read_training, &Loader::read_log, &Loader::read_kafka})
      TRY((this->*read)());
    return {};
  }

 private:
  Section section(std::string path) const { return Section(root_, std::move(path), config_.file); }
  std::string beside_file(const std::string& path) const {
    if (path.empty() || path.front() == '/') return path;
    return (std::filesystem::path(config_.file).parent_path() / path).lexically_normal().string();
  }

  Status check_tables() const {
    Section top(&root_, "", config_.file);
    for (std::string_view table : kTables) top.ignore(table);
    return top.finish();
  }

  Status read_currency() {
    Section s = section("currency");
    std::string base = "EUR";
    std::map<std::string, std::string> rates;
    s.text("base", base);
    s.text_map("rates", rates);
    auto currency = Currency::parse(base);
    if (!currency) s.problem("base", currency.error().what);
    for (const auto& [code, rate] : rates)
      config_.rates += (config_.rates.empty() ? "" : " ") + code + "=" + rate;
    TRY(s.finish());
    config_.base_currency = *currency;
    auto parsed = CurrencyRates::parse(config_.rates, *currency);
    if (!parsed)
      return fail("currency.rates: " + parsed.error().what, s.where("rates"),
                  parsed.error().remedy);
    config_.rates = parsed->text();
    return {};
  }

  Status read_model() {
    Section s = section("model");
    s.text("directory", config_.model_directory);
    config_.model_directory = beside_file(config_.model_directory);
    s.text("shadow", config_.shadow_directory);
    config_.shadow_directory = beside_file(config_.shadow_directory);
    return s.finish();
  }

  Status read_decision() {
    Section s = section("decision");
    DecisionConfig& d = config_.decision;
    size_t mode = 0;
    s.choice("mode", mode, {"decide", "observe"});
    d.observe = mode == 1;
    s.text("rules", d.rules_file);
    d.rules_file = beside_file(d.rules_file);
    s.text_map("lists", d.lists);
    for (auto& [name, file] : d.lists) file = beside_file(file);
    Thresholds t;
    double review = 2, decline = 2;
    s.number("review_at", review, 0, 2);
    s.number("decline_at", decline, 0, 2);
    if (s.has("review_at") != s.has("decline_at"))
      s.problem("review_at", "and decline_at go together");
    if (review > decline) s.problem("review_at", "must not be above decline_at");
    if (s.has("review_at"))
      d.thresholds = Thresholds{static_cast<float>(review), static_cast<float>(decline)};
    return s.finish();
  }

  Status read_guard() {
    Section s = section("guard");
    s.whole("window", config_.guard.window, 10, 1'000'000);
    s.whole("seen_min", config_.guard.seen_min, 1, 1'000'000);
    s.number("share_max", config_.guard.share_max, 0, 1);
    TRY(s.finish());
    return check_guard(config_.guard);
  }

  Status read_drift() {
    Section s = section("drift");
    DriftLevels& d = config_.drift;
    s.number("look", d.look, 0, 100);
    s.number("alarm", d.alarm, 0, 100);
    s.whole("payments_min", d.payments_min, 100, int64_t{1} << 40);
    if (d.alarm > 0 && d.look > d.alarm) s.problem("look", "must not be above alarm");
    return s.finish();
  }

  Status read_data() {
    Section s = section("data");
    config_.data_directory = "var/" + config_.schema.name;
    s.text("directory", config_.data_directory);
    s.bytes("disk_free_min", config_.disk_free_min, 0, uint64_t{1} << 50);
    s.bytes("segment_bytes", config_.segment_bytes, uint64_t{1} << 20, uint64_t{4} << 30);
    return s.finish();
  }

  Status read_intake() {
    Section s = section("intake");
    s.text("card_key_file", config_.card_key_file);
    config_.card_key_file = beside_file(config_.card_key_file);
    s.span("future_max", config_.future_max, seconds(0), days(1));
    s.span("idempotency_horizon", config_.idempotency_horizon, hours(1), days(400));
    s.span("label_horizon", config_.label_horizon, days(1), days(1000));
    return s.finish();
  }

  Status read_engine() {
    Section s = section("engine");
    s.whole("queue_max", config_.engine.queue_max, 16, 1'000'000);
    s.whole("batch_max", config_.engine.batch_max, 1, 4096);
    s.whole("snapshot_every", config_.engine.snapshot_every, 1'000, int64_t{1} << 40);
    s.whole("snapshots_kept", config_.engine.snapshots_kept, 2, 100);
    return s.finish();
  }

  Status read_http() {
    Section s = section("http");
    http::ServerOptions& o = config_.http;
    s.text("address", o.address);
    s.whole("port", o.port, 0, 65535);
    http::TlsFiles tls;
    s.text("tls_certificate_file", tls.certificate_file);
    s.text("tls_key_file", tls.key_file);
    if (tls.certificate_file.empty() != tls.key_file.empty())
      s.problem("tls_certificate_file", "and tls_key_file go together");
    if (!tls.key_file.empty())
      o.tls = http::TlsFiles{beside_file(tls.certificate_file), beside_file(tls.key_file)};
    s.flag("allow_plaintext", o.allow_plaintext);
    s.whole("threads", o.threads, 1, 64);
    s.whole("connections_max", o.connections_max, 1, 1'000'000);
    s.whole("connections_per_peer_max", o.connections_per_peer_max, 1, 1'000'000);
    s.whole("requests_in_flight_max", o.requests_in_flight_max, 1, 1'000'000);
    s.bytes("body_bytes_max", o.body_bytes_max, 1024, uint64_t{1} << 30);
    s.span("idle_timeout", o.idle_timeout, seconds(1), hours(1));
    s.span("stop_grace", o.stop_grace, milliseconds(0), minutes(5));
    return s.finish();
  }

  Status read_api() {
    Section s = section("api");
    size_t outcome = 0;
    s.span("deadline", config_.api.deadline, milliseconds(1), minutes(1));
    s.choice("default_outcome", outcome, {"approve", "review", "decline"});
    config_.api.default_outcome = static_cast<Outcome>(outcome);
    return s.finish();
  }

  Status read_notify() {
    Section s = section("notify");
    std::string& url = config_.notify.page_url;
    s.span("group_within", config_.notify.group_within, seconds(0), days(7));
    s.text("page_url", url);
    while (url.ends_with('/')) url.pop_back();
    bool is_address = url.starts_with("https://") || url.starts_with("http://");
    bool is_plain =
        std::all_of(url.begin(), url.end(), [](unsigned char c) { return c > 32 && c < 127; }) &&
        url.find_first_of("\"<>#?@") == std::string::npos;
    if (!url.empty() && !(is_address && is_plain))
      s.problem("page_url", "must be an address as \"https://paywarden.bank.example\"",
                "give what people type to reach the page");
    s.ignore("email");
    s.ignore("webhook");
    TRY(s.finish());
    TRY(each("notify.email", &Loader::read_email));
    return each("notify.webhook", &Loader::read_webhook);
  }

  Status each(const std::string& path, Status (Loader::*read)(Section&)) {
    auto node = root_.at_path(path);
    const toml::array* list = node.as_array();
    bool tables = list && std::all_of(list->begin(), list->end(),
                                      [](const toml::node& n) { return n.is_table(); });
    if (node && !tables)
      return fail(path + " must be a list of tables",
                  config_.file + ":" + std::to_string(node.node()->source().begin.line),
                  "begin each with [[" + path + "]]");
    for (size_t i = 0; list && i < list->size(); ++i) {
      Section s((*list)[i].as_table(), path, config_.file);
      TRY((this->*read)(s));
    }
    return {};
  }

  // A message is known by its alert, its channel's name and how bad it is; a reject by its source's: two of one name would be one.
  static void take_name(Section& s, std::set<std::string>& taken, const std::string& name) {
    if (name.empty()) s.problem("name", "is empty", "give it a name");
    if (!taken.insert(name).second)
      s.problem("name", "'" + name + "' is taken already", "give each a name of its own");
  }

  Status read_email(Section& s) {
    EmailConfig& e = config_.notify.emails.emplace_back();
    s.text("name", e.name);
    take_name(s, channel_names_, e.name);
    s.text("host", e.host);
    s.whole("port", e.port, 1, 65535);
    s.choice("tls", e.tls, {"none", "starttls", "tls"});
    s.text("user", e.user);
    s.text("password_file", e.password_file);
    s.text("ca_file", e.ca_file);
    s.text("from", e.from);
    s.texts("to", e.to);
    e.password_file = beside_file(e.password_file);
    e.ca_file = beside_file(e.ca_file);
    return s.finish();
  }

  Status read_webhook(Section& s) {
    WebhookConfig& w = config_.notify.webhooks.emplace_back();
    s.text("name", w.name);
    take_name(s, channel_names_, w.name);
    s.text("url", w.url);
    s.text("secret_file", w.secret_file);
    s.text("ca_file", w.ca_file);
    s.flag("allow_private", w.allow_private);
    s.texts("allowed_hosts", w.allowed_hosts);
    w.secret_file = beside_file(w.secret_file);
    w.ca_file = beside_file(w.ca_file);
    return s.finish();
  }

  Status read_archive() {
    Section s = section("archive");
    ArchiveConfig& a = config_.archive;
    ArchiverOptions& o = a.options;
    size_t kind = 0, sse = 0, format = 0, compression = 1;
    s.choice("kind", kind, {"none", "folder", "s3"});
    s.text("directory", a.directory);
    s.text("bucket", a.s3.bucket);
    s.text("prefix", a.s3.prefix);
    s.text("region", a.s3.region);
    s.text("endpoint", a.s3.endpoint);
    a.s3.path_style = !a.s3.endpoint.empty();
    s.flag("path_style", a.s3.path_style);
    s.choice("sse", sse, {"none", "AES256", "aws:kms"});
    s.text("kms_key", a.s3.kms_key);
    s.text("profile", a.profile);
    s.text("ca_file", a.ca_file);
    s.choice("format", format, {"ndjson", "avro"});
    s.choice("compression", compression, {"none", "gzip", "zstd"});
    s.bytes("batch_bytes", o.batch_bytes, 1024, uint64_t{1} << 30);
    s.whole("batch_records", o.batch_records, 1, 100'000'000);
    s.span("batch_time", o.batch_time, seconds(1), days(1));
    s.text("topic", o.naming.topic);
    s.whole("partition", o.naming.partition, 0, 999'999);
    a.kind = static_cast<ArchiveKind>(kind);
    a.directory = beside_file(a.directory);
    a.ca_file = beside_file(a.ca_file);
    a.s3.encryption = static_cast<S3Encryption>(sse);
    o.encoding = {static_cast<ArchiveFormat>(format), static_cast<ArchiveCompression>(compression)};
    if (a.kind == ArchiveKind::folder && a.directory.empty())
      s.problem("directory", "is missing", "name the folder that the objects go to");
    if (a.kind == ArchiveKind::s3)
      if (auto fine = check_options(a.s3); !fine)
        s.problem(fine.error().where, fine.error().what, fine.error().remedy);
    if (!is_topic(o.naming.topic))
      s.problem("topic", "must be 1 to 249 letters, digits, '.', '_' or '-'");
    return s.finish();
  }

  // As Kafka takes them: it is part of file names too.
  static bool is_topic(std::string_view topic) {
    bool plain = topic.find_first_not_of(
                     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
                 std::string_view::npos;
    return plain && !topic.empty() && topic.size() <= 249 && topic != "." && topic != "..";
  }

  Status read_simulate() {
    Section s = section("simulate");
    s.number("rate", config_.simulate.rate, 0, 100'000);
    s.whole("seed", config_.simulate.seed, 0, INT64_MAX);
    s.whole("customers", config_.simulate.customers, 1, 5'000'000);
    s.whole("merchants", config_.simulate.merchants, 100, 1'000'000);
    return s.finish();
  }

  Status read_sources() {
    Section s = section("source");
    s.texts("follow", config_.follows);
    for (std::string& file : config_.follows) file = beside_file(file);
    s.ignore("poll");
    TRY(s.finish());
    return each("source.poll", &Loader::read_poll);
  }

  Status read_poll(Section& s) {
    PollConfig& p = config_.polls.emplace_back();
    s.text("name", p.name);
    s.text("url", p.url);
    s.span("every", p.every, milliseconds(100), days(1));
    s.text("time_column", p.time_column);
    take_name(s, poll_names_, p.name);
    if (!p.url.starts_with("http://") && !p.url.starts_with("https://"))
      s.problem("url", "must begin with http:// or https://");
    return s.finish();
  }

  Status read_log() {
    Section s = section("log");
    size_t kind = 0;
    s.choice("kind", kind, {"journal", "kafka"});
    config_.log = static_cast<LogKind>(kind);
    return s.finish();
  }

  Status read_kafka() {
    Section s = section("kafka");
    KafkaConfig& k = config_.kafka;
    StreamOptions& o = k.stream;
    s.text("properties_file", k.properties_file);
    k.properties_file = beside_file(k.properties_file);
    s.text("group", o.group);
    s.text("instance", o.instance);
    s.text("payments_topic", o.topics.input);
    s.text("decisions_topic", o.topics.decisions);
    s.text("rejects_topic", o.topics.rejects);
    s.text("others_topic", o.topics.others);
    s.text("alerts_topic", o.topics.alerts);
    s.text("replies_topic", o.topics.replies);
    s.text("labels_topic", k.labels_topic);
    s.text("groups_topic", k.groups_topic);
    s.flag("http_payments", k.http_payments);
    s.flag("center", k.center);
    s.text("keyed_by", k.keyed_by);
    s.flag("create_topics", o.topic_options.create);
    s.whole("replication", o.topic_options.replication, -1, 100);
    s.whole("partitions", o.partitions, 1, 10'000);
    s.span("retention", o.retention, hours(1), days(3650));
    s.span("batch_every", o.batch_every, milliseconds(1), seconds(1));
    s.whole("batch_max", o.batch_max, 1, 100'000);
    s.span("transaction_timeout", o.producer.transaction_timeout, seconds(1), minutes(15));
    o.snapshot_directory = config_.data_directory + "/snapshots";
    s.text("snapshot_directory", o.snapshot_directory);
    s.whole("snapshot_every", o.snapshot_every, 1'000, int64_t{1} << 40);
    s.whole("state_hash_every", k.decide.hash_every, 0, int64_t{1} << 40);
    s.flag("share_snapshots", k.share_snapshots);
    int64_t standby = 0;
    s.whole("standby", standby, 0, 1);
    o.standby = standby == 1;
    if (k.share_snapshots && config_.archive.kind == ArchiveKind::none)
      s.problem("share_snapshots", "needs an archive", "set archive.kind to \"s3\" or \"folder\"");
    s.texts("run", k.run);
    s.ignore("stage");
    o.producer.call_timeout = o.producer.transaction_timeout + seconds(5);
    o.snapshots_kept = config_.engine.snapshots_kept;
    k.decide.parser.reject_future = true;
    k.decide.parser.future_max = config_.future_max;
    if (config_.log == LogKind::kafka && k.properties_file.empty())
      s.problem("properties_file", "is missing",
                "name the file with bootstrap.servers and what signing in takes");
    if (config_.log == LogKind::kafka && o.instance.empty())
      s.problem("instance", "is missing", "give each instance a name of its own, as \"1\"");
    TRY(s.finish());
    TRY(each("kafka.stage", &Loader::read_stage));
    for (const std::string& name : k.run)
      if (name != kIntakeStage && name != kLabelsStage && !stage_names_.count(name))
        return fail("kafka.run: there is no stage '" + name + "'", s.where("run"),
                    "name \"intake\", \"labels\" or a [[kafka.stage]]");
    if (!k.labels_topic.empty() && k.stages.empty())
      return fail(
          "kafka.labels_topic needs stages: two topics have no order that could be repeated",
          s.where("labels_topic"), "send labels to the payments topic, or add a [[kafka.stage]]");
    return {};
  }

  Status read_stage(Section& s) {
    StageSpec& stage = config_.kafka.stages.emplace_back();
    s.text("name", stage.name);
    s.text("keyed_by", stage.keyed_by);
    s.text("topic", stage.topic);
    take_name(s, stage_names_, stage.name);
    if (stage.name == kIntakeStage)
      s.problem("name", "'intake' is the stage that reads the payments topic");
    if (stage.name == kLabelsStage)
      s.problem("name", "'labels' is the stage that reads the labels topic");
    if (stage.topic.empty()) stage.topic = "paywarden.by-" + stage.name;
    return s.finish();
  }

  Status read_training() {
    Section s = section("training");
    TrainingOptions& t = config_.training;
    s.whole("trees", t.booster.trees, 1, 5'000);
    s.whole("depth", t.booster.depth, 1, 16);
    s.number("learning_rate", t.booster.learning_rate, 0.001, 1);
    s.whole("bins", t.booster.max_bin, 16, 65'535);
    s.number("min_child_weight", t.booster.min_child_weight, 0, 1e6);
    s.number("subsample", t.booster.subsample, 0.01, 1);
    s.number("colsample", t.booster.colsample, 0.01, 1);
    s.number("lambda", t.booster.lambda, 0, 1e6);
    s.whole("seed", t.booster.seed, 0, INT32_MAX);
    s.whole("threads", t.booster.threads, 0, 256);
    s.whole("early_stopping_rounds", t.booster.early_stopping_rounds, 0, 5'000);
    s.span("warm_up", t.warm_up, seconds(0), days(400));
    s.number("slice", t.slice, 0.02, 0.5);
    s.whole("search_trials", t.search_trials, 0, 10'000);
    size_t calibration = static_cast<size_t>(t.calibration);
    s.choice("calibration", calibration, {"none", "platt", "isotonic", "auto"});
    t.calibration = static_cast<CalibrationKind>(calibration);
    size_t goal = static_cast<size_t>(t.thresholds);
    s.choice("thresholds", goal, {"precision", "alerts", "cost"});
    t.thresholds = static_cast<ThresholdGoal>(goal);
    s.number("decline_precision", t.decline_precision, 0, 1);
    s.number("review_precision", t.review_precision, 0, 1);
    s.whole("alerts_a_day", t.alerts.alerts_a_day, 0, 1'000'000'000);
    s.whole("declines_a_day", t.alerts.declines_a_day, 0, 1'000'000'000);
    s.number("missed_fraud_share", t.cost.fraud_share, 0, 100);
    s.number("review_cost", t.cost.review_cost, 0, 1e9);
    s.number("review_misses", t.cost.review_misses, 0, 1);
    s.number("decline_cost", t.cost.decline_cost, 0, 1e9);
    s.number("decline_share", t.cost.decline_share, 0, 100);
    if (t.review_precision > t.decline_precision)
      s.problem("review_precision", "must not be above decline_precision");
    const std::pair<ThresholdGoal, std::vector<const char*>> goals[] = {
        {ThresholdGoal::precision, {"decline_precision", "review_precision"}},
        {ThresholdGoal::alerts, {"alerts_a_day", "declines_a_day"}},
        {ThresholdGoal::cost,
         {"missed_fraud_share", "review_cost", "review_misses", "decline_cost", "decline_share"}}};
    for (const auto& [its, keys] : goals)
      for (const char* key : keys)
        if (its != t.thresholds && s.has(key))
          s.problem(key, "counts for another kind of thresholds",
                    "set training.thresholds, or remove it");
    if (t.alerts.declines_a_day > t.alerts.alerts_a_day)
      s.problem("declines_a_day", "must not be above alerts_a_day");
    return s.finish();
  }

  const toml::table& root_;
  Config& config_;
  std::set<std::string> channel_names_, poll_names_, stage_names_;
};

}  // namespace

SimulatorOptions SimulateConfig::world() const {
  SimulatorOptions options;
  options.seed = seed;
  options.customers = customers;
  options.merchants = merchants;
  return options;
}

CoreOptions Config::core_options() const {
  CoreOptions options;
  options.idempotency_horizon = idempotency_horizon;
  options.labels.horizon = label_horizon;
  options.base_currency = base_currency;
  options.policy.guard = guard;
  return options;
}

Result<std::unique_ptr<Config>> load_config(const std::string& file) {
  if (!std::filesystem::exists(file))
    return fail("the configuration file is not there", file, "name one with --config");
  auto config = std::make_unique<Config>();
  config->file = file;
  try {
    toml::table root = toml::parse_file(file);
    TRY(Loader(root, *config).load());
  } catch (const toml::parse_error& error) {
    return fail(std::string(error.description()),
                file + ":" + std::to_string(error.source().begin.line), "see https://toml.io");
  }
  return config;
}

}  // namespace paywarden
