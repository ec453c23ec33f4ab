#include "report/svg_strips.h"

#include <fmt/format.h>

#include <iterator>

#include "report/html_text.h"

namespace paywarden {
namespace {

// In the view box's units, as in svg_plot.cc.
constexpr double kWidth = 400, kLeft = 4, kRight = 388;
constexpr double kRow = 30, kStrip = 9, kName = 14;  // name's base line and strip within a row
constexpr double kBelow = 24;                        // for the ticks
constexpr int kTicks = 6;

template <typename... Args>
void append(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

}  // namespace

SvgStrips::SvgStrips(std::string_view title, Axis x, size_t rows)
    : x_(std::move(x)), height_(kRow * static_cast<double>(rows) + kBelow) {
  append(svg_, R"(<svg viewBox="0 0 {} {}" role="img" aria-label="{}">)", kWidth, height_,
         html_text(title));
  svg_ += '\n';
  draw_x_ticks(height_ - kBelow);
  top_ = kName + 4 - kRow;
}

double SvgStrips::left(double x) const {
  return kLeft + x_.place(x) * (kRight - kLeft);
}

void SvgStrips::draw_x_ticks(double bottom) {
  for (const Tick& tick : x_.ticks(kTicks)) {
    double x = left(tick.value);
    std::string_view align = x > kRight - 14 ? "end" : x < kLeft + 14 ? "" : "middle";
    append(svg_, "<path class=\"axis\" d=\"M{:.1f} {}v4\"/>", x, bottom);
    append(svg_, "<text class=\"{}\" x=\"{:.1f}\" y=\"{}\">{}</text>\n", align,
           align == "end" ? kRight + 8 : x, bottom + 16, html_text(tick.label));
  }
}

void SvgStrips::row(std::string_view name, std::string_view figure) {
  top_ += kRow;
  append(svg_, "<text class=\"name\" x=\"{}\" y=\"{}\">{}</text>", kLeft, top_ - 4,
         html_text(name));
  append(svg_, "<text class=\"end\" x=\"{}\" y=\"{}\">{}</text>\n", kRight, top_ - 4,
         html_text(figure));
  append(svg_, R"(<rect class="strip" x="{}" y="{}" width="{}" height="{}"/>)", kLeft, top_,
         kRight - kLeft, kStrip);
  // Not through the names: each strip has its own.
  for (const Tick& tick : x_.ticks(kTicks))
    append(svg_, "<path class=\"grid-line\" d=\"M{:.1f} {}v{}\"/>", left(tick.value), top_, kStrip);
  svg_ += '\n';
}

void SvgStrips::cell(double from, double to, std::string_view style, std::string_view text) {
  append(svg_, R"(<rect class="bar {}" x="{:.2f}" y="{}" width="{:.2f}" height="{}">)", style,
         left(from), top_, left(to) - left(from), kStrip);
  append(svg_, "<title>{}</title></rect>\n", html_text(text));
}

std::string SvgStrips::finish() {
  svg_ += "</svg>\n";
  return std::move(svg_);
}

}  // namespace paywarden
