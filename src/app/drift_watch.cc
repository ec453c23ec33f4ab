#include "app/drift_watch.h"

#include <fmt/format.h>

#include "app/notification_center.h"

namespace paywarden {
namespace {

constexpr size_t kShownMax = 8;  // features that one line or alert names

double day_seconds(int32_t day) {
  return 86'400.0 * day;
}

std::string text_of(const std::vector<DriftFigure>& figures) {
  std::string text;
  for (size_t i = 0; i < std::min(figures.size(), kShownMax); ++i)
    text += fmt::format("{}{} {:.2f}", i ? ", " : "", figures[i].of, figures[i].psi);
  if (figures.size() > kShownMax) text += fmt::format(" and {} more", figures.size() - kShownMax);
  return text;
}

void add_day(Families& out, std::string name, std::string help,
             const std::optional<DriftDay>& day) {
  auto& family = out.family(std::move(name), std::move(help), prometheus::MetricType::Gauge);
  if (!day) return;
  for (const DriftFigure& figure : day->figures) Families::add(family, "of", figure.of, figure.psi);
}

}  // namespace

SystemEvent drift_event(const DriftNews& news, double level, EventTime now) {
  std::string date = date_text(news.day.day);
  return {AlertKind::system,
          "drift " + date,
          Outcome::review,
          "Payments of " + date + " are not as those that the model was trained on",
          fmt::format("Of {} payments the population stability index reached {:g}: {}. First see "
                      "whether a sender changed a field, its unit or its currency, or whether the "
                      "windows began cold; if the customers changed, train a model on newer data. "
                      "`paywarden evaluate --model` shows each day.",
                      news.day.payments, level, text_of(news.figures)),
          now};
}

DriftWatch::DriftWatch(Files& files, const Config& config, OperatorLog& log)
    : files_(files),
      levels_(config.drift),
      path_(config.data_directory + "/drift.counts"),
      log_(log),
      book_({config.drift, config.features.options().label_delay}) {}

void DriftWatch::load(uint64_t log_end) {
  auto there = files_.exists(path_);
  Result<std::string> bytes = std::string();
  if (there && *there) bytes = read_whole(files_, path_);
  bool loaded = book_.load(bytes ? *bytes : std::string(), log_end);
  if (there && *there && !loaded)
    log_.write(
        LogLevel::warning, "drift_counts_lost",
        {{"error", bytes ? path_ + " is damaged, or of another log" : bytes.error().line()}});
}

void DriftWatch::look(NotificationCenter& center, EventTime now) {
  bool unknown = book_.has_bare_model();
  if (unknown && !said_unknown_)
    log_.write(LogLevel::info, "drift_unknown",
               {{"reason", "the model in use does not say what it was trained on"}});
  said_unknown_ = unknown;
  auto told = book_.take_news();
  for (const DriftNews& news : told) {
    log_.write(news.alarm ? LogLevel::warning : LogLevel::info, "drift",
               {{"day", date_text(news.day.day)},
                {"payments", std::to_string(news.day.payments)},
                {"reached", fmt::format("{:g}", news.alarm ? levels_.alarm : levels_.look)},
                {"psi", text_of(news.figures)}});
    if (news.alarm) center.notice(drift_event(news, levels_.alarm, now));
  }
  if (!told.empty()) save();  // after a crash it would be told again
}

void DriftWatch::save() {
  if (auto saved = replace_whole(files_, path_, book_.save()); !saved)
    log_.write(LogLevel::warning, "drift_counts_not_saved", {{"error", saved.error().line()}});
}

void DriftWatch::add_figures(Families& out) const {
  out.gauge("paywarden_drift_known",
            "1: the model in use says what it was trained on. 0: it does not, or there is none.",
            book_.known() ? 1 : 0);
  auto finished = book_.last_finished();
  add_day(out, "paywarden_drift_psi",
          "Population stability index against training, of the last finished day.", finished);
  if (finished) {
    out.gauge("paywarden_drift_day_seconds", "When that day began, seconds since 1970.",
              day_seconds(finished->day));
    out.gauge("paywarden_drift_payments", "Payments of that day.", d(finished->payments));
  }
  add_day(out, "paywarden_drift_psi_today", "The same of the newest day so far.", book_.today());
  auto quality = book_.quality();
  if (!quality) return;
  out.gauge("paywarden_label_precision",
            "Frauds among the alerts, of the newest day whose labels are due.",
            quality->precision());
  out.gauge("paywarden_label_recall", "Alerts among the frauds, of the same day.",
            quality->recall());
  out.gauge("paywarden_label_frauds", "Frauds that labels told of, of the same day.",
            d(quality->frauds_alerted + quality->frauds_missed));
  out.gauge("paywarden_label_day_seconds", "When that day began, seconds since 1970.",
            day_seconds(quality->day));
}

}  // namespace paywarden
