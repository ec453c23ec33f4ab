#include "report/importance_figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "report/svg_strips.h"

namespace paywarden {
namespace {

constexpr size_t kStripsMax = 10;  // features a figure, of two: more are in metrics.json

// The longer bar first: the shorter one stands before it.
void draw_bars(SvgStrips& strips, const FeatureImportance& feature) {
  struct Bar {
    double length;
    const char* style;
    const char* of;
  };
  Bar bars[] = {{feature.of_payments, "genuine", "payments"},
                {feature.of_frauds, "fraud", "frauds"}};
  if (bars[1].length > bars[0].length) std::swap(bars[0], bars[1]);
  for (const Bar& bar : bars)
    if (bar.length > 0)
      strips.cell(0, bar.length, bar.style, fmt::format("{}: {:.3f}", bar.of, bar.length));
}

Figure draw(const char* title, std::span<const FeatureImportance> shown, double most) {
  Figure figure{
      title,
      {{"bar genuine", "all payments"}, {"bar fraud", "frauds"}},
      "",
      "How far a feature moves the score, up or down, in log-odds and on average: over all "
      "payments, by which they are sorted, and over frauds alone. A long bar says that the "
      "model goes by the feature, not that the feature is the cause."};
  if (most <= 0) return figure;
  SvgStrips strips(figure.title, Axis::from_zero("log-odds", most, AxisUnit::number), shown.size());
  for (const FeatureImportance& feature : shown) {
    strips.row(feature.feature, fmt::format("{:.3f}", feature.of_payments));
    draw_bars(strips, feature);
  }
  figure.svg = strips.finish();
  return figure;
}

}  // namespace

std::vector<Figure> draw_importance(const ImportanceMetrics& importance) {
  std::span<const FeatureImportance> shown(importance.features);
  shown = shown.first(std::min(shown.size(), 2 * kStripsMax));
  double most = 0;  // of both: their bars compare
  for (const FeatureImportance& feature : shown)
    for (double length : {feature.of_payments, feature.of_frauds})
      if (length > most) most = length;
  size_t half = std::min(shown.size(), kStripsMax);
  std::vector<Figure> figures = {draw("The most important features", shown.first(half), most)};
  if (shown.size() > half) figures.push_back(draw("The next ones", shown.subspan(half), most));
  return figures;
}

}  // namespace paywarden
