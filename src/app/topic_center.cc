#include "app/topic_center.h"

#include "app/find_decision.h"
#include "app/metrics.h"

namespace paywarden {
namespace {

constexpr int kRetentionEvery = 12;  // looks at the disk between looks at what is old
// The guard's state is its partition's; here it shows by what it does. So many looks without that, a minute, and it has let go.
constexpr int kGuardLooks = 12;

}  // namespace

TopicCenter::TopicCenter(const Config& config, TopicCenterPorts ports)
    : config_(config),
      ports_(std::move(ports)),
      disk_(ports_.files, config.data_directory, config.disk_free_min, ports_.log) {}

Result<std::unique_ptr<TopicCenter>> TopicCenter::create(const Config& config,
                                                         TopicCenterPorts ports) {
  std::unique_ptr<TopicCenter> center(new TopicCenter(config, std::move(ports)));
  TRY(center->open());
  return center;
}

Status TopicCenter::open() {
  TRY(open_copy());
  const CopyFigures& f = copy_->figures();
  labels_ = std::make_unique<TopicLabels>(TopicLabelsPorts{
      ports_.intake, *journal_, config_.schema.fields, !config_.kafka.stages.empty(), ports_.clock,
      [this](const SystemEvent& event) { center_->notice(event); }, ports_.log});
  figures_ = std::make_unique<CenterFigures>(
      CenterFiguresSources{f.outcomes, f.scores, f.decided, latency_, [&f] { return f.lag.load(); },
                           [this] { return report(); }, ports_.clock});
  TRY_ASSIGN(
      center_,
      NotificationCenter::open(
          config_, {ports_.clock, ports_.log, *journal_, *labels_, *figures_, *figures_, {}}));
  return {};
}

Status TopicCenter::open_copy() {
  TRY_ASSIGN(journal_, Journal::open(ports_.files, ports_.log,
                                     {.directory = config_.data_directory + "/journal",
                                      .segment_bytes = config_.segment_bytes}));
  DecisionsCopyOptions options;
  options.client = config_.kafka.stream.client;
  options.name = config_.kafka.stream.group + "-center";
  options.topic = config_.kafka.stream.topics.decisions;
  DecisionsCopyPorts ports{*journal_,
                           config_.schema.fields,
                           ports_.clock,
                           ports_.log,
                           paused_,
                           [this](Duration took) {
                             int64_t ms = std::max<int64_t>(took.ms(), 0);
                             latency_.add(static_cast<uint64_t>(ms) * 1000);
                           },
                           ports_.on_failure};
  TRY_ASSIGN(copy_, DecisionsCopy::create(std::move(ports), std::move(options)));
  return {};
}

StatusReport TopicCenter::report() const {
  StatusReport report;
  report.mode = config_.decision.observe ? "observe" : "decide";
  report.model = ports_.model;
  report.guard = looks_guarded_ > 0;
  report.journal_sequence = journal_->durable_end() - 1;
  report.journal_bytes = journal_->figures().bytes;
  return report;
}

// Alerting first: it must see where the journal ends before anything comes behind that.
Status TopicCenter::start() {
  if (!alerting_) TRY(center_->start(journal_->durable_end()));
  alerting_ = true;
  watch_disk();
  TRY(copy_->start());
  watcher_ = std::thread([this] { watch(); });
  return {};
}

void TopicCenter::stop_requests() {
  if (center_) center_->stop_requests();
  if (labels_) labels_->stop();
}

void TopicCenter::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (watcher_.joinable()) watcher_.join();
  stop_requests();
  if (copy_) copy_->stop();
  if (center_) center_->stop();
}

void TopicCenter::watch() {
  for (int round = 1;; ++round) {
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, DiskWatch::kEvery, [this] { return stopping_; })) return;
    }
    watch_disk();
    watch_guard();
    if (round % kRetentionEvery == 0) keep_retention();
  }
}

void TopicCenter::watch_disk() {
  auto scarce = disk_.look();
  if (!scarce || paused_.exchange(*scarce) == *scarce) return;
  ports_.log.write(*scarce ? LogLevel::error : LogLevel::info,
                   *scarce ? "copy_paused" : "copy_goes_on",
                   {{"disk_free", std::to_string(disk_.free_bytes())},
                    {"disk_free_min", std::to_string(config_.disk_free_min)}});
  if (*scarce)
    center_->notice({AlertKind::system, "disk", Outcome::decline,
                     "The disk is nearly full: new decisions become no alerts",
                     "Payments are decided all the same, and their topic keeps what waits. Make "
                     "room in " +
                         config_.data_directory + " or lower data.disk_free_min.",
                     ports_.clock.now()});
}

// On one machine the log notes when the guard engages; here its decisions say so.
void TopicCenter::watch_guard() {
  uint64_t guarded = copy_->figures().guarded;
  bool more = guarded != guarded_before_;
  guarded_before_ = guarded;
  if (!more) {
    if (looks_guarded_ > 0) --looks_guarded_;
    return;
  }
  bool engaged = looks_guarded_ == 0;
  looks_guarded_ = kGuardLooks;
  if (engaged)
    center_->notice({AlertKind::guard, "guard", Outcome::decline,
                     "The decline guard engaged: the model's declines are reviews now",
                     "Too many of the last payments would have been declined by the model. Look at "
                     "the latest alerts and their reasons: is it an attack, or is a feed or the "
                     "model broken?",
                     ports_.clock.now()});
}

void TopicCenter::keep_retention() {
  EventTime old = ports_.clock.now() - config_.idempotency_horizon;
  if (auto dropped = copy_->drop_older(old, center_->needed_from()); !dropped)
    ports_.log.write(LogLevel::warning, "retention_failed", {{"error", dropped.error().line()}});
}

http::Response TopicCenter::find_decision(const std::string& payment_id) const {
  return paywarden::find_decision(*journal_, config_.schema.fields, payment_id);
}

void TopicCenter::add_figures(Families& out) const {
  const CopyFigures& f = copy_->figures();
  out.counter("paywarden_copied_total", "Decisions copied for the notification center.",
              d(f.decided));
  out.counter("paywarden_copy_passed_over_total",
              "Records of the decisions topic that are no decision with its payment.",
              d(f.passed_over));
  out.histogram("paywarden_copy_latency_seconds",
                "From a payment's receipt to its decision's arrival in the copy, all instances.",
                latency_.counts(), d(latency_.sum_us()) * 1e-6);
  out.counter("paywarden_labels_lost_total",
              "Verdicts that could not become labels: their payments were gone.",
              d(labels_->lost()));
  add_consumer_lags(out, {{"copy", f.lag}, {"notify", center_->lag()}});
  add_journal(out, *journal_);
  add_disk(out, disk_);
  center_->add_figures(out);
}

}  // namespace paywarden
