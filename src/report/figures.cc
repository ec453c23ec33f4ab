#include "report/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "report/quantities.h"
#include "report/svg_plot.h"

namespace paywarden {
namespace {

std::vector<PlotPoint> points_of(std::span<const CurvePoint> curve) {
  std::vector<PlotPoint> points;
  for (const CurvePoint& at : curve) points.push_back({at.x, at.y});
  return points;
}

Axis share_axis(std::string label) {
  return Axis::linear(std::move(label), 0, 1, AxisUnit::percent);
}

// A curve over all thresholds, with the two points that the outcomes as decided give.
std::vector<LegendEntry> curve_legend(std::string curve) {
  return {{"line fraud", std::move(curve)},
          {"mark review", "review or decline, as decided"},
          {"mark decline", "decline alone"}};
}

// ---- Thresholds ----

void mark_recall(SvgPlot& plot, const AlertQuality& at, const char* style, const char* name) {
  if (at.alerts == 0) return;
  plot.mark({at.recall, at.precision}, style,
            fmt::format("{}: recall {}, precision {}", name, share_text(at.recall),
                        share_text(at.precision)));
}

Figure precision_recall(const Metrics& metrics) {
  Figure figure{"Precision and recall", curve_legend("at every threshold"), "",
                "Each point is a threshold: how many of the frauds it catches (recall), and how "
                "many of its alerts "
                "are frauds (precision); the further to the top right, the better."};
  if (metrics.precision_recall.empty()) return figure;
  SvgPlot plot(figure.title, share_axis("recall"), share_axis("precision"));
  plot.line(points_of(metrics.precision_recall), "fraud");
  mark_recall(plot, metrics.alerts, "review", "review or decline");
  mark_recall(plot, metrics.declines, "decline", "decline");
  figure.svg = plot.finish();
  return figure;
}

void mark_false_alarms(SvgPlot& plot, const AlertQuality& at, const char* style, const char* name) {
  if (at.alerts == 0) return;
  plot.mark({at.false_alarm_share, at.recall}, style,
            fmt::format("{}: {} of the genuine payments, recall {}", name,
                        share_text(at.false_alarm_share), share_text(at.recall)));
}

std::vector<PlotPoint> chance(const Axis& axis) {
  std::vector<PlotPoint> points;
  for (double at = axis.low(); at < axis.high(); at *= 1.2) points.push_back({at, at});
  points.push_back({1, 1});
  return points;
}

Figure roc(const Metrics& metrics) {
  Figure figure{
      "ROC curve", curve_legend("at every threshold"), "",
      "How many frauds are caught for what share of genuine payments alarmed; the axis below is "
      "logarithmic, since only its left end is affordable, and the dashed line is chance."};
  if (metrics.roc.empty()) return figure;
  double genuine = static_cast<double>(metrics.payments - metrics.frauds);
  double low = std::pow(10, std::floor(std::log10(std::min(0.1, std::max(1e-5, 1 / genuine)))));
  Axis x = Axis::logarithmic("genuine payments alarmed", low, 1, AxisUnit::percent);
  SvgPlot plot(figure.title, x, share_axis("frauds caught"));
  plot.line(chance(x), "chance");
  plot.line(points_of(metrics.roc), "fraud");
  mark_false_alarms(plot, metrics.alerts, "review", "review or decline");
  mark_false_alarms(plot, metrics.declines, "decline", "decline");
  figure.svg = plot.finish();
  return figure;
}

void mark_money(SvgPlot& plot, const AlertQuality& at, const char* style, const char* name) {
  if (at.alerts == 0) return;
  plot.mark({at.alerts_a_day, at.money_recall}, style,
            fmt::format("{}: {} alerts a day, {} of the money", name, rate_text(at.alerts_a_day),
                        share_text(at.money_recall)));
}

Figure money(const Metrics& metrics) {
  Figure figure{"Money saved, for alerts a day", curve_legend("alerting the highest scores"), "",
                "The share of all fraud's money that is stopped when this many alerts a day are "
                "acted on, the most "
                "suspicious first."};
  if (metrics.money.empty()) return figure;
  double most = static_cast<double>(metrics.payments) / metrics.days;
  double low =
      std::min(most / 10, std::max(0.1, std::pow(10, std::floor(std::log10(1 / metrics.days)))));
  SvgPlot plot(figure.title, Axis::logarithmic("alerts a day", low, most, AxisUnit::number),
               share_axis("fraud's money caught"));
  plot.line(points_of(metrics.money), "fraud");
  mark_money(plot, metrics.alerts, "review", "review or decline");
  mark_money(plot, metrics.declines, "decline", "decline");
  figure.svg = plot.finish();
  return figure;
}

// ---- Scores ----

constexpr double kBelowOne =
    0.7;  // the low end of a logarithmic axis of counts, so that a bar of 1 is seen

std::vector<PlotPoint> steps_of(std::span<const ScoreBin> bins, uint64_t ScoreBin::*count) {
  std::vector<PlotPoint> points;
  for (const ScoreBin& bin : bins) {
    double height = std::max(kBelowOne, static_cast<double>(bin.*count));
    points.push_back({bin.from, height});
    points.push_back({bin.to, height});
  }
  return points;
}

Figure scores(const Metrics& metrics) {
  Figure figure{"Scores of frauds and genuine payments",
                {{"area genuine", "genuine"}, {"area fraud", "fraud"}},
                "",
                "How many payments have which score (the count is logarithmic); frauds on the left "
                "are missed, "
                "genuine payments on the right are false alarms."};
  uint64_t most = 1;
  for (const ScoreBin& bin : metrics.scores) most = std::max({most, bin.genuine, bin.frauds});
  SvgPlot plot(
      figure.title, Axis::linear("score", 0, 1, AxisUnit::score),
      Axis::logarithmic("payments", kBelowOne, std::max(10.0, 1.5 * static_cast<double>(most)),
                        AxisUnit::number));
  std::vector<PlotPoint> genuine = steps_of(metrics.scores, &ScoreBin::genuine);
  std::vector<PlotPoint> frauds = steps_of(metrics.scores, &ScoreBin::frauds);
  plot.area(genuine, "genuine");
  plot.area(frauds, "fraud");
  plot.line(genuine, "genuine");
  plot.line(frauds, "fraud");
  figure.svg = plot.finish();
  return figure;
}

Figure calibration(const Metrics& metrics) {
  Figure figure{
      "Calibration",
      {{"mark genuine", "payments of similar score"}, {"line chance", "score = share of frauds"}},
      "",
      "Of the payments with a score near 0.8, eight of ten should be frauds: points on the dashed "
      "line are "
      "probabilities to be taken at their word, and the bars are 95 % intervals."};
  SvgPlot plot(figure.title, Axis::linear("mean score", 0, 1, AxisUnit::score),
               share_axis("frauds among them"));
  plot.line(std::vector<PlotPoint>{{0, 0}, {1, 1}}, "chance");
  std::vector<PlotPoint> points;
  for (const CalibrationCurve::Bin& bin : metrics.calibration.bins)
    if (bin.payments > 0) {
      points.push_back({bin.mean_score, bin.fraud_share});
      plot.whisker(bin.mean_score, bin.low, bin.high, "genuine");
    }
  plot.line(points, "genuine");
  for (const CalibrationCurve::Bin& bin : metrics.calibration.bins)
    if (bin.payments > 0)
      plot.mark(
          {bin.mean_score, bin.fraud_share}, "genuine",
          fmt::format("mean score {}: {} of {} payments are frauds", figure_text(bin.mean_score, 3),
                      count_text(bin.frauds), count_text(bin.payments)));
  figure.svg = plot.finish();
  return figure;
}

// ---- Time ----

Axis time_axis(const Metrics& metrics) {
  const Period &first = metrics.by_day.front(), &last = metrics.by_day.back();
  return Axis::of_days(first.first_day, last.first_day + last.days);
}

std::string period_text(const Period& period) {
  if (period.days == 1) return day_text(period.first_day);
  return day_text(period.first_day, false) + " to " + day_text(period.first_day + period.days - 1);
}

double add(double sum, double value) {
  if (std::isnan(sum)) return value;
  return std::isnan(value) ? sum : sum + value;
}

// Few enough that each is seen: days, or as many of them together as it takes. Cards' precisions are averaged.
std::vector<Period> drawn_days(std::span<const Period> by_day) {
  constexpr size_t kDrawnMax = 110;
  size_t together = (by_day.size() + kDrawnMax - 1) / kDrawnMax;
  std::vector<Period> drawn;
  for (size_t i = 0; i < by_day.size(); ++i) {
    const Period& day = by_day[i];
    if (i % together == 0) drawn.push_back({.first_day = day.first_day, .days = 0});
    Period& sum = drawn.back();
    ++sum.days;
    sum.reviews += day.reviews;
    sum.declines += day.declines;
    sum.frauds += day.frauds;
    sum.card_precision = add(sum.card_precision, day.card_precision);
    sum.card_precision_possible = add(sum.card_precision_possible, day.card_precision_possible);
  }
  for (Period& period : drawn) {
    period.card_precision /= period.days;
    period.card_precision_possible /= period.days;
  }
  return drawn;
}

Figure alerts_a_day(const Metrics& metrics) {
  Figure figure{"Alerts a day",
                {{"bar decline", "decline"}, {"bar review", "review"}},
                "",
                "What the people who act on alerts have to get through; a day far above the others "
                "is a wave of fraud "
                "or a detector gone astray."};
  double most = 0;
  std::vector<Period> bars = drawn_days(metrics.by_day);
  for (const Period& bar : bars)
    most = std::max(most, static_cast<double>(bar.reviews + bar.declines) / bar.days);
  SvgPlot plot(figure.title, time_axis(metrics),
               Axis::from_zero("alerts a day", most, AxisUnit::number));
  for (const Period& bar : bars) {
    double from = bar.first_day + 0.1 * bar.days, to = bar.first_day + 0.9 * bar.days;
    double declines = static_cast<double>(bar.declines) / bar.days;
    double alerts = declines + static_cast<double>(bar.reviews) / bar.days;
    std::string text =
        fmt::format("{}: {} declined, {} to review, {} frauds", period_text(bar),
                    count_text(bar.declines), count_text(bar.reviews), count_text(bar.frauds));
    if (bar.declines > 0) plot.bar({from, 0}, {to, declines}, "decline", text);
    if (bar.reviews > 0) plot.bar({from, declines}, {to, alerts}, "review", text);
  }
  figure.svg = plot.finish();
  return figure;
}

// A line through the middles of the periods, with gaps where there is no value.
template <typename Value>
void draw_over_time(SvgPlot& plot, std::span<const Period> periods, const char* style,
                    Value value) {
  std::vector<PlotPoint> points;
  for (const Period& period : periods) {
    double y = value(period);
    if (!std::isnan(y)) {
      points.push_back({period.first_day + period.days / 2.0, y});
      continue;
    }
    plot.line(points, style);
    points.clear();
  }
  plot.line(points, style);
}

Figure weeks(const Metrics& metrics) {
  Figure figure{"Precision and recall by week",
                {{"line fraud", "recall"}, {"line genuine", "precision"}},
                "",
                "Of review and decline together, in steps of seven days; a line that falls says "
                "that the model is "
                "growing old."};
  SvgPlot plot(figure.title, time_axis(metrics), share_axis(""));
  draw_over_time(plot, metrics.weeks, "genuine",
                 [](const Period& week) { return week.precision(); });
  draw_over_time(plot, metrics.weeks, "fraud", [](const Period& week) { return week.recall(); });
  for (const Period& week : metrics.weeks) {
    double middle = week.first_day + week.days / 2.0;
    std::string text = fmt::format("{}: recall {}, precision {}, {} frauds", period_text(week),
                                   share_text(week.recall()), share_text(week.precision()),
                                   count_text(week.frauds));
    if (!std::isnan(week.precision())) plot.dot({middle, week.precision()}, "genuine", text);
    if (!std::isnan(week.recall())) plot.dot({middle, week.recall()}, "fraud", text);
  }
  figure.svg = plot.finish();
  return figure;
}

Figure money_by_week(const Metrics& metrics) {
  Figure figure{"Fraud's money by week",
                {{"bar decline", "missed"}, {"bar genuine", "caught"}},
                "",
                "What frauds took (missed) and what review and decline together stopped (caught), "
                "in steps of seven "
                "days."};
  double minor = minor_per_major(metrics.currency.exponent()), most = 0;
  for (const Period& week : metrics.weeks)
    most = std::max(most, static_cast<double>(week.fraud_minor) / minor);
  if (!(most > 0)) return figure;
  SvgPlot plot(figure.title, time_axis(metrics),
               Axis::from_zero(std::string(metrics.currency.code()), most, AxisUnit::number));
  for (const Period& week : metrics.weeks) {
    double from = week.first_day + 0.1 * week.days, to = week.first_day + 0.9 * week.days;
    double caught = static_cast<double>(week.caught_minor) / minor,
           all = static_cast<double>(week.fraud_minor) / minor;
    std::string text =
        fmt::format("{}: {} caught, {} missed", period_text(week),
                    money_text(week.caught_minor, metrics.currency),
                    money_text(week.fraud_minor - week.caught_minor, metrics.currency));
    if (caught > 0) plot.bar({from, 0}, {to, caught}, "genuine", text);
    if (all > caught) plot.bar({from, caught}, {to, all}, "decline", text);
  }
  figure.svg = plot.finish();
  return figure;
}

Figure cards(const Metrics& metrics) {
  Figure figure{fmt::format("Card Precision@{}", metrics.card_precision_k),
                {{"line fraud", "over time"}, {"line chance", "possible"}},
                "",
                fmt::format("Of the {} most suspicious cards of a day, the share that had a fraud "
                            "that day; the dashed line is what a perfect ranking would have given, "
                            "since no more can be found than there are.",
                            metrics.card_precision_k)};
  double most = 0;
  std::vector<Period> drawn = drawn_days(metrics.by_day);
  for (const Period& day : drawn)
    if (day.card_precision_possible > most) most = day.card_precision_possible;
  SvgPlot plot(figure.title, time_axis(metrics),
               Axis::from_zero("cards with a fraud", most, AxisUnit::percent));
  draw_over_time(plot, drawn, "chance",
                 [](const Period& day) { return day.card_precision_possible; });
  draw_over_time(plot, drawn, "fraud", [](const Period& day) { return day.card_precision; });
  figure.svg = plot.finish();
  return figure;
}

}  // namespace

std::vector<Figure> draw_figures(const Metrics& metrics) {
  return {precision_recall(metrics),
          roc(metrics),
          money(metrics),
          scores(metrics),
          calibration(metrics),
          alerts_a_day(metrics),
          weeks(metrics),
          money_by_week(metrics),
          cards(metrics)};
}

}  // namespace paywarden
