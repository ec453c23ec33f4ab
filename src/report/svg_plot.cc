#include "report/svg_plot.h"

#include <fmt/format.h>

#include <iterator>

#include "report/html_text.h"

namespace paywarden {
namespace {

// In the view box's units, about a pixel each where three plots stand side by side on 1280 pixels.
constexpr double kWidth = 400, kHeight = 250;
constexpr double kLeft = 46, kRight = 388, kTop = 26, kBottom = 208;
constexpr int kTicksX = 6, kTicksY = 6;

template <typename... Args>
void append(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

}  // namespace

SvgPlot::SvgPlot(std::string_view title, Axis x, Axis y) : x_(std::move(x)), y_(std::move(y)) {
  append(svg_, R"(<svg viewBox="0 0 {} {}" role="img" aria-label="{}">)", kWidth, kHeight,
         html_text(title));
  svg_ += '\n';
  draw_frame();
}

double SvgPlot::left(double x) const {
  return kLeft + x_.place(x) * (kRight - kLeft);
}
double SvgPlot::top(double y) const {
  return kBottom - y_.place(y) * (kBottom - kTop);
}

void SvgPlot::draw_frame() {
  draw_y_ticks();
  draw_x_ticks();
  append(svg_, "<path class=\"axis\" d=\"M{} {}H{}\"/>\n", kLeft, kBottom, kRight);
  append(svg_, "<text class=\"name\" x=\"{}\" y=\"14\">{}</text>\n", 4, html_text(y_.label()));
  append(svg_, "<text class=\"name end\" x=\"{}\" y=\"{}\">{}</text>\n", kRight, kHeight - 6,
         html_text(x_.label()));
}

void SvgPlot::draw_y_ticks() {
  for (const Tick& tick : y_.ticks(kTicksY)) {
    double y = top(tick.value);
    append(svg_, "<path class=\"grid-line\" d=\"M{} {:.1f}H{}\"/>", kLeft, y, kRight);
    append(svg_, "<text class=\"end\" x=\"{}\" y=\"{:.1f}\">{}</text>\n", kLeft - 5, y + 4,
           html_text(tick.label));
  }
}

void SvgPlot::draw_x_ticks() {
  for (const Tick& tick : x_.ticks(kTicksX)) {
    double x = left(tick.value);
    append(svg_, "<path class=\"axis\" d=\"M{:.1f} {}v4\"/>", x, kBottom);
    // Held off the edge, or a long last label is cut.
    std::string_view align = x > kRight - 14 ? "end" : "middle";
    append(svg_, "<text class=\"{}\" x=\"{:.1f}\" y=\"{}\">{}</text>\n", align,
           align == "end" ? kRight + 8 : x, kBottom + 17, html_text(tick.label));
  }
}

std::string SvgPlot::path_of(std::span<const PlotPoint> points) const {
  std::string path;
  for (const PlotPoint& point : points)
    append(path, "{}{:.1f} {:.1f}", path.empty() ? 'M' : 'L', left(point.x), top(point.y));
  return path;
}

void SvgPlot::line(std::span<const PlotPoint> points, std::string_view style) {
  if (points.empty()) return;
  append(svg_, "<path class=\"line {}\" d=\"{}\"/>\n", style, path_of(points));
}

void SvgPlot::area(std::span<const PlotPoint> points, std::string_view style) {
  if (points.empty()) return;
  append(svg_, "<path class=\"area {}\" d=\"{}V{}H{:.1f}Z\"/>\n", style, path_of(points), kBottom,
         left(points.front().x));
}

void SvgPlot::bar(PlotPoint from, PlotPoint to, std::string_view style, std::string_view text) {
  double x = left(from.x), y = top(to.y);
  append(svg_, R"(<rect class="bar {}" x="{:.2f}" y="{:.1f}" width="{:.2f}" height="{:.1f}">)",
         style, x, y, left(to.x) - x, top(from.y) - y);
  append(svg_, "<title>{}</title></rect>\n", html_text(text));
}

void SvgPlot::mark(PlotPoint at, std::string_view style, std::string_view text) {
  circle(at, 5, style, text);
}

void SvgPlot::dot(PlotPoint at, std::string_view style, std::string_view text) {
  circle(at, 3.2, style, text);
}

void SvgPlot::circle(PlotPoint at, double radius, std::string_view style, std::string_view text) {
  append(svg_, R"(<circle class="mark {}" cx="{:.1f}" cy="{:.1f}" r="{}">)", style, left(at.x),
         top(at.y), radius);
  append(svg_, "<title>{}</title></circle>\n", html_text(text));
}

void SvgPlot::whisker(double x, double low, double high, std::string_view style) {
  append(svg_, "<path class=\"whisker {}\" d=\"M{:.1f} {:.1f}V{:.1f}\"/>\n", style, left(x),
         top(low), top(high));
}

std::string SvgPlot::finish() {
  svg_ += "</svg>\n";
  return std::move(svg_);
}

}  // namespace paywarden
