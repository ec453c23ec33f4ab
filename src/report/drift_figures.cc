#include "report/drift_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/svg_plot.h"
#include "report/svg_strips.h"

namespace paywarden {
namespace {

constexpr size_t kStripsMax = 12;    // features, the farthest first: more are in metrics.json
constexpr size_t kColumnsMax = 110;  // of days, or of as many together as it takes

bool is_alarming(const DriftMetrics& drift, const DriftFigure& figure) {
  return drift.levels.alarm > 0 && figure.reaches(drift.levels.alarm);
}

std::vector<const DriftDay*> judged(const DriftMetrics& drift) {
  std::vector<const DriftDay*> days;
  for (const DriftDay& day : drift.days)
    if (day.payments >= drift.levels.payments_min) days.push_back(&day);
  return days;
}

Axis days_of(const std::vector<const DriftDay*>& days) {
  return Axis::of_days(days.front()->day, days.back()->day + 1);
}

std::string figure_of(const DriftDay& day, const DriftFigure& figure) {
  return fmt::format("{}: {:.3f}", day_text(day.day), figure.psi);
}

Figure score_by_day(const DriftMetrics& drift, const std::vector<const DriftDay*>& days) {
  Figure figure{"The score's drift by day",
                {{"line genuine", "population stability index"},
                 {"line review", fmt::format("{:g}: look", drift.levels.look)}},
                "",
                "How far each day's scores are from those on the slice of time that the thresholds "
                "were picked on; above the upper "
                "line the thresholds no longer mean what they meant."};
  if (drift.levels.alarm > 0)
    figure.legend.push_back({"line decline", fmt::format("{:g}: alarm", drift.levels.alarm)});
  if (days.empty()) return figure;
  double most = 1.2 * std::max(drift.levels.alarm, drift.levels.look);
  for (const DriftDay* day : days) most = std::max(most, day->figures[0].psi);
  SvgPlot plot(figure.title, days_of(days), Axis::from_zero("PSI", most, AxisUnit::number));
  double first = days.front()->day, last = days.back()->day + 1;
  for (auto [level, style] :
       {std::pair(drift.levels.look, "review"), {drift.levels.alarm, "decline"}})
    if (level > 0) plot.line(std::vector<PlotPoint>{{first, level}, {last, level}}, style);
  std::vector<PlotPoint> points;
  for (const DriftDay* day : days) points.push_back({day->day + 0.5, day->figures[0].psi});
  plot.line(points, "genuine");
  for (const DriftDay* day : days)
    plot.dot({day->day + 0.5, day->figures[0].psi}, "genuine", figure_of(*day, day->figures[0]));
  figure.svg = plot.finish();
  return figure;
}

// A feature with its worst day; those that training's days did not excuse come first.
struct Ranked {
  size_t feature = 0;  // in figures
  double most = 0;
  size_t days_alarming = 0, days_looked_at = 0;
};

std::vector<Ranked> rank(const DriftMetrics& drift, const std::vector<const DriftDay*>& days) {
  std::vector<Ranked> ranked;
  for (size_t f = 1; f < days.front()->figures.size(); ++f) {
    Ranked at{f, 0, 0, 0};
    for (const DriftDay* day : days) {
      const DriftFigure& figure = day->figures[f];
      if (!figure.reaches(drift.levels.look)) continue;
      ++at.days_looked_at;
      at.days_alarming += is_alarming(drift, figure);
      at.most = std::max(at.most, figure.psi);
    }
    if (at.days_looked_at > 0) ranked.push_back(at);
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
    return std::pair(a.days_alarming, a.most) > std::pair(b.days_alarming, b.most);
  });
  if (ranked.size() > kStripsMax) ranked.resize(kStripsMax);
  return ranked;
}

void draw_strip(SvgStrips& strips, const DriftMetrics& drift,
                const std::vector<const DriftDay*>& days, size_t feature) {
  auto span = static_cast<size_t>(days.back()->day - days.front()->day + 1);
  auto together = static_cast<int32_t>((span + kColumnsMax - 1) / kColumnsMax);
  for (size_t i = 0; i < days.size();) {
    int32_t from = days[i]->day - (days[i]->day - days.front()->day) % together;
    const DriftDay* worst = days[i];
    for (; i < days.size() && days[i]->day < from + together; ++i)
      if (days[i]->figures[feature].psi > worst->figures[feature].psi) worst = days[i];
    const DriftFigure& figure = worst->figures[feature];
    if (!figure.reaches(drift.levels.look)) continue;
    bool alarming = is_alarming(drift, figure);
    strips.cell(from, from + together, alarming ? "decline" : "review", figure_of(*worst, figure));
  }
}

Figure features_by_day(const DriftMetrics& drift, const std::vector<const DriftDay*>& days) {
  Figure figure{
      "Features that drift most",
      {{"bar review", fmt::format("PSI from {:g} on", drift.levels.look)}},
      "",
      "Days on which a feature was not as in training, the worst feature first and at most twelve; "
      "a strip that turns "
      "red at once is a feed that changed, one that does so slowly is a model that grows old."};
  if (drift.levels.alarm > 0)
    figure.legend.push_back({"bar decline", fmt::format("from {:g} on", drift.levels.alarm)});
  if (days.empty()) return figure;
  std::vector<Ranked> ranked = rank(drift, days);
  if (ranked.empty()) return figure;
  SvgStrips strips(figure.title, days_of(days), ranked.size());
  for (const Ranked& at : ranked) {
    strips.row(days.front()->figures[at.feature].of, fmt::format("at most {:.2f}", at.most));
    draw_strip(strips, drift, days, at.feature);
  }
  figure.svg = strips.finish();
  return figure;
}

}  // namespace

std::vector<Figure> draw_drift(const DriftMetrics& drift) {
  std::vector<const DriftDay*> days = judged(drift);
  return {score_by_day(drift, days), features_by_day(drift, days)};
}

}  // namespace paywarden
