// Service: where payments come from besides HTTP, and the watch over disk and log.
#include <future>

#include "app/service.h"
#include "intake/http_get.h"

namespace paywarden {
namespace {

constexpr int kRetentionEvery = 12;   // looks at the disk between looks at the log
constexpr int kDriftSavedEvery = 12;  // what a crash leaves uncounted: a minute

// What the engine refuses is a payment whose currency has no rate there: kept like what intake would not take.
class PollReply : public ReplyTo {
 public:
  PollReply(std::promise<PollAnswer>& told, const Payment& payment)
      : told_(told), payment_(payment) {}
  bool answer(const Answer& answer) override {
    told_.set_value(verdict_of(answer));
    return true;
  }

 private:
  PollAnswer verdict_of(const Answer& answer) const {
    switch (answer.kind) {
      case Answer::Kind::decided:
        return PollVerdict::accepted;
      case Answer::Kind::repeated:
      case Answer::Kind::conflict:
      case Answer::Kind::recorded:
        return PollVerdict::repeated;
      case Answer::Kind::refused:
        return {PollVerdict::refused, no_rate_of(payment_.currency.code(), payment_.id())};
      default:
        return PollVerdict::refused;
    }
  }
  std::promise<PollAnswer>& told_;
  const Payment& payment_;  // of whoever waits for the promise
};

// One for each row of a followed file. That of a batch's last row has the place behind it: groups become durable in order, so its
// answer says that the rows before it are kept too.
class FollowReply : public ReplyTo {
 public:
  FollowReply(RejectSink& rejects, const Schema& schema, const std::string& path,
              const FileRow& row)
      : rejects_(rejects),
        schema_(schema),
        path_(path),
        line_(row.line),
        id_(row.payment.id()),
        currency_(row.payment.currency) {}
  void then(FollowPlaces& places, const FilePlace& end) {
    places_ = &places;
    end_ = end;
  }
  bool answer(const Answer& answer) override {
    if (answer.kind == Answer::Kind::refused)
      rejects_.add({path_, line_, no_rate_of(currency_.code(), id_)});
    if (answer.kind == Answer::Kind::conflict)
      rejects_.add({path_, line_, conflict_of(schema_.binding_of(field::payment_id)->source, id_)});
    if (places_ && answer.kind != Answer::Kind::failed) places_->durable(path_, end_);
    return true;
  }

 private:
  RejectSink& rejects_;
  const Schema& schema_;
  const std::string path_;
  const uint64_t line_;
  const std::string id_;
  const Currency currency_;
  FollowPlaces* places_ = nullptr;
  FilePlace end_;
};

}  // namespace

PollAnswer Service::take_polled(const Payment& payment) {
  if (intake_closed_) return PollVerdict::refused;
  std::promise<PollAnswer> told;
  if (!engine_->submit_waiting(Work::of(payment, std::make_unique<PollReply>(told, payment))))
    return PollVerdict::refused;
  return told.get_future().get();
}

Status Service::start_sources() {
  for (const PollConfig& poll : config_.polls) {
    HttpGetOptions get;
    get.url = poll.url;
    http_gets_.push_back(std::make_unique<CurlGet>(std::move(get)));
    PolledSourceOptions options;
    options.name = poll.name;
    options.time_column = poll.time_column;
    options.interval = poll.every;
    ParserOptions parser;
    parser.reject_future = true;
    parser.future_max = config_.future_max;
    polls_.push_back(std::make_unique<PolledSource>(
        options, config_.schema, *tokeniser_, parser, *http_gets_.back(), clock_, *rejects_, log_,
        [this](const Payment& p) { return take_polled(p); }));
    polls_.back()->start();
  }
  TRY_ASSIGN(follow_places_, FollowPlaces::load(files_, config_.data_directory + "/followed.json"));
  for (const std::string& path : config_.follows) TRY(start_follow(path));
  if (config_.simulate.rate <= 0) return {};
  LiveSimulationOptions options;
  options.world = config_.simulate.world();
  options.per_second = config_.simulate.rate;
  options.label_delay = config_.features.options().label_delay;
  TRY_ASSIGN(simulation_, LiveSimulation::create(options, {*engine_, config_.schema, *tokeniser_,
                                                           clock_, *rejects_, intake_closed_}));
  simulation_->start();
  return {};
}

Status Service::start_follow(const std::string& path) {
  FileSourceOptions options;
  options.follow = true;
  options.resume = follow_places_->of(path);
  TRY_ASSIGN(auto source,
             FileSource::open({path}, config_.schema, *tokeniser_, {}, options, *rejects_));
  std::string from = std::to_string(options.resume ? options.resume->bytes : 0);
  if (options.resume && !source->resumed())
    log_.write(LogLevel::warning, "followed_file_replaced", {{"file", path}, {"read_to", from}});
  else
    log_.write(LogLevel::info, "following", {{"file", path}, {"from", from}});
  follows_.push_back(std::move(source));
  follow_threads_.emplace_back(
      [this, path, source = follows_.back().get()] { run_follow(path, *source); });
  return {};
}

void Service::save_follow_places() {
  if (!follow_places_) return;
  if (auto saved = follow_places_->save(); !saved)
    log_.write(LogLevel::warning, "follow_place_not_saved", {{"error", saved.error().line()}});
}

// Payments of a file as it grows; what is read again after a crash is dropped by its id.
void Service::run_follow(const std::string& path, FileSource& source) {
  FileBatch batch;
  for (;;) {
    auto more = source.next(batch);
    if (!more)
      log_.write(LogLevel::error, "followed_file_failed",
                 {{"file", path}, {"error", more.error().line()}});
    if (!more || !*more) return;
    for (size_t i = 0; i < batch.count; ++i) {
      while (intake_closed_ && !asked_to_stop())
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
      if (asked_to_stop()) return;
      Payment payment = batch.rows[i].payment;
      payment.receipt_time = clock_.now();
      auto reply = std::make_unique<FollowReply>(*rejects_, config_.schema, path, batch.rows[i]);
      if (i + 1 == batch.count) reply->then(*follow_places_, batch.end);
      if (!engine_->submit_waiting(Work::of(std::move(payment), std::move(reply)))) return;
    }
  }
}

bool Service::asked_to_stop() {
  std::lock_guard lock(mutex_);
  return stop_asked_;
}

void Service::watch() {
  for (int round = 1;; ++round) {
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, DiskWatch::kEvery, [this] { return stop_asked_ || failure_; }))
        return;
    }
    watch_disk();
    save_follow_places();
    drift_->look(*center_, clock_.now());
    if (round % kDriftSavedEvery == 0) drift_->save();
    if (round % kRetentionEvery == 0) keep_retention();
  }
}

// Whether that changed anything; once the program stops, intake stays closed.
bool Service::close_intake(bool closed) {
  std::lock_guard lock(mutex_);
  return !stop_asked_ && intake_closed_.exchange(closed) != closed;
}

void Service::watch_disk() {
  auto closed = disk_.look();
  if (!closed || !close_intake(*closed)) return;
  log_.write(*closed ? LogLevel::error : LogLevel::info, *closed ? "intake_closed" : "intake_open",
             {{"disk_free", std::to_string(disk_.free_bytes())},
              {"disk_free_min", std::to_string(config_.disk_free_min)}});
  if (*closed && center_)
    center_->notice({AlertKind::system, "disk", Outcome::decline,
                     "The disk is nearly full: payments are answered 503",
                     "Make room in " + config_.data_directory + " or lower data.disk_free_min.",
                     clock_.now()});
}

// What is kept: two snapshots, the window state's reach with the label delay, everything the consumers have not read.
void Service::keep_retention() {
  auto snapshots = snapshots_->list();
  if (!snapshots || snapshots->size() < config_.engine.snapshots_kept) return;
  uint64_t keep = std::min(snapshots->back(), center_->needed_from());
  if (archiver_) keep = std::min(keep, archiver_->needed_from());
  EventTime reach = EventTime(engine_->figures().watermark_ms) - engine_->state_reach();
  retention_.advance(*journal_, keep, reach);
  if (auto dropped = journal_->drop_before(retention_.old_until()); !dropped)
    log_.write(LogLevel::warning, "retention_failed", {{"error", dropped.error().line()}});
}

}  // namespace paywarden
