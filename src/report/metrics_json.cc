#include "report/metrics_json.h"

#include <span>

#include "base/json_writer.h"

namespace paywarden {
namespace {

class MetricsWriter {
 public:
  explicit MetricsWriter(std::string& out) : json_(out) {}

  void write(const Metrics& metrics) {
    json_.open_object();
    whole("version", 1);
    write_sample(metrics);
    write_ranking(metrics.ranking);
    number("card_precision", metrics.card_precision);
    whole("card_precision_k", static_cast<int64_t>(metrics.card_precision_k));
    write_outcomes(metrics.outcomes);
    write_alerts("alerts", metrics.alerts);
    write_alerts("declines", metrics.declines);
    write_calibration(metrics.calibration);
    write_scores(metrics.scores);
    write_periods("by_day", metrics.by_day);
    write_periods("weeks", metrics.weeks);
    write_curve("roc", metrics.roc, "false_alarm_share", "recall");
    write_curve("precision_recall", metrics.precision_recall, "recall", "precision");
    write_curve("money", metrics.money, "alerts_a_day", "money_recall");
    if (metrics.importance) write_importance(*metrics.importance);
    if (metrics.drift) write_drift(*metrics.drift);
    write_cases("hardest_misses", metrics.hardest_misses);
    write_cases("costliest_misses", metrics.costliest_misses);
    write_cases("loudest_alarms", metrics.loudest_alarms);
    write_notes(metrics.notes);
    json_.close_object();
  }

 private:
  void number(std::string_view name, double value) { json_.key(name).number(value); }
  void whole(std::string_view name, int64_t value) { json_.key(name).integer(value); }
  void count(std::string_view name, uint64_t value) { whole(name, static_cast<int64_t>(value)); }
  void time(std::string_view name, EventTime value) {
    json_.key(name).string(format_rfc3339(value));
  }

  void write_sample(const Metrics& metrics) {
    count("payments", metrics.payments);
    count("frauds", metrics.frauds);
    count("cards", metrics.cards);
    json_.key("currency").string(metrics.currency.code());
    whole("fraud_minor", metrics.fraud_minor);
    time("first", metrics.first);
    time("last", metrics.last);
    number("days", metrics.days);
    json_.key("models").open_array();
    for (const std::string& model : metrics.models) json_.string(model);
    json_.close_array();
  }

  void write_ranking(const Ranking& ranking) {
    number("auc_roc", ranking.auc_roc);
    number("average_precision", ranking.average_precision);
    number("recall_at_precision_90", ranking.recall_at_precision_90);
    number("score_at_precision_90", ranking.score_at_precision_90);
    number("accuracy", ranking.accuracy);
    number("accuracy_of_never_fraud", ranking.accuracy_of_never_fraud);
  }

  void write_outcomes(const std::array<OutcomeCounts, 3>& outcomes) {
    json_.key("outcomes").open_object();
    for (Outcome outcome : {Outcome::approve, Outcome::review, Outcome::decline}) {
      const OutcomeCounts& at = outcomes[static_cast<size_t>(outcome)];
      json_.key(name_of(outcome)).open_object();
      count("genuine", at.genuine);
      count("frauds", at.frauds);
      whole("genuine_minor", at.genuine_minor);
      whole("fraud_minor", at.fraud_minor);
      json_.close_object();
    }
    json_.close_object();
  }

  void write_alerts(std::string_view name, const AlertQuality& quality) {
    json_.key(name).open_object();
    count("alerts", quality.alerts);
    count("caught", quality.caught);
    count("missed", quality.missed);
    count("false_alarms", quality.false_alarms);
    number("precision", quality.precision);
    number("recall", quality.recall);
    number("alerts_a_day", quality.alerts_a_day);
    number("false_alarm_share", quality.false_alarm_share);
    whole("caught_minor", quality.caught_minor);
    whole("missed_minor", quality.missed_minor);
    number("money_recall", quality.money_recall);
    json_.close_object();
  }

  void write_calibration(const CalibrationCurve& calibration) {
    json_.key("calibration").open_object();
    number("brier", calibration.brier);
    number("brier_of_base_rate", calibration.brier_of_base_rate);
    number("error", calibration.error);
    json_.key("bins").open_array();
    for (const CalibrationCurve::Bin& bin : calibration.bins) {
      json_.open_object();
      number("from", bin.from);
      number("to", bin.to);
      count("payments", bin.payments);
      count("frauds", bin.frauds);
      number("mean_score", bin.mean_score);
      number("fraud_share", bin.fraud_share);
      number("low", bin.low);
      number("high", bin.high);
      json_.close_object();
    }
    json_.close_array().close_object();
  }

  void write_scores(std::span<const ScoreBin> bins) {
    json_.key("scores").open_array();
    for (const ScoreBin& bin : bins) {
      json_.open_object();
      number("from", bin.from);
      number("to", bin.to);
      count("genuine", bin.genuine);
      count("frauds", bin.frauds);
      json_.close_object();
    }
    json_.close_array();
  }

  void write_period(const Period& period) {
    json_.open_object().key("from").string(date_text(period.first_day));
    whole("days", period.days);
    count("payments", period.payments);
    count("frauds", period.frauds);
    count("reviews", period.reviews);
    count("declines", period.declines);
    count("caught", period.caught);
    count("caught_by_decline", period.caught_by_decline);
    whole("fraud_minor", period.fraud_minor);
    whole("caught_minor", period.caught_minor);
    number("precision", period.precision());
    number("recall", period.recall());
    if (period.days == 1) {
      number("card_precision", period.card_precision);
      number("card_precision_possible", period.card_precision_possible);
    }
    json_.close_object();
  }

  void write_periods(std::string_view name, std::span<const Period> periods) {
    json_.key(name).open_array();
    for (const Period& period : periods) write_period(period);
    json_.close_array();
  }

  void write_curve(std::string_view name, std::span<const CurvePoint> curve, std::string_view x,
                   std::string_view y) {
    json_.key(name).open_array();
    for (const CurvePoint& point : curve) {
      json_.open_object();
      number("score", point.score);
      number(x, point.x);
      number(y, point.y);
      json_.close_object();
    }
    json_.close_array();
  }

  void write_importance(const ImportanceMetrics& importance) {
    json_.key("importance").open_object().key("model").string(importance.model);
    count("payments", importance.payments);
    count("frauds", importance.frauds);
    json_.key("features").open_array();
    for (const FeatureImportance& feature : importance.features) {
      json_.open_object().key("feature").string(feature.feature);
      number("of_payments", feature.of_payments);
      number("of_frauds", feature.of_frauds);
      json_.close_object();
    }
    json_.close_array().close_object();
  }

  void write_drift(const DriftMetrics& drift) {
    json_.key("drift").open_object().key("model").string(drift.model);
    number("look", drift.levels.look);
    number("alarm", drift.levels.alarm);
    count("payments_min", drift.levels.payments_min);
    json_.key("day_psi_max").open_object();
    if (!drift.days.empty())
      for (const DriftFigure& figure : drift.days.front().figures)
        number(figure.of, figure.day_psi_max);
    json_.close_object().key("days").open_array();
    for (const DriftDay& day : drift.days) {
      json_.open_object().key("day").string(date_text(day.day));
      count("payments", day.payments);
      json_.key("psi").open_object();
      for (const DriftFigure& figure : day.figures) number(figure.of, figure.psi);
      json_.close_object().close_object();
    }
    json_.close_array().close_object();
  }

  void write_cases(std::string_view name, std::span<const Case> cases) {
    json_.key(name).open_array();
    for (const Case& shown : cases) {
      json_.open_object().key("payment_id").string(shown.payment_id);
      time("event_time", shown.time);
      whole("amount_minor", shown.amount_minor);
      json_.key("currency").string(shown.currency.code()).key("card").string(shown.card);
      json_.key("category").string(shown.category);
      number("score", shown.score);
      json_.key("outcome").string(name_of(shown.outcome));
      if (!shown.reasons.empty()) write_reasons(shown.reasons);
      json_.close_object();
    }
    json_.close_array();
  }

  void write_reasons(const std::vector<std::string>& reasons) {
    json_.key("reasons").open_array();
    for (const std::string& reason : reasons) json_.string(reason);
    json_.close_array();
  }

  void write_notes(const SampleNotes& notes) {
    json_.key("notes").open_object();
    count("before_from", notes.before_from);
    count("refused", notes.refused);
    count("repeated", notes.repeated);
    count("decisions_unused", notes.decisions_unused);
    count("without_rate", notes.without_rate);
    count("unlabelled", notes.unlabelled);
    json_.close_object();
  }

  JsonWriter json_;
};

}  // namespace

std::string metrics_json(const Metrics& metrics) {
  std::string out;
  MetricsWriter(out).write(metrics);
  out.push_back('\n');
  return out;
}

}  // namespace paywarden
