// Draws rows of time as one inline SVG element: a name and a figure above each strip, cells where something was. Colours as in
// svg_plot.h.
//
//   SvgStrips strips("Features that drift", Axis::of_days(first, last + 1), names.size());
//   strips.row("card_count_24h", "most 0.41");
//   strips.cell(day, day + 1, "review", "3 Mar 2026: 0.12");    // of the last row; the text shows under the pointer
//   html += strips.finish();
#pragma once

#include <string>
#include <string_view>

#include "report/axis.h"

namespace paywarden {

class SvgStrips {
 public:
  // `title` is what a screen reader says.
  SvgStrips(std::string_view title, Axis x, size_t rows);
  void row(std::string_view name, std::string_view figure);
  void cell(double from, double to, std::string_view style, std::string_view text);
  std::string finish();

 private:
  double left(double x) const;  // pixels
  void draw_x_ticks(double bottom);

  Axis x_;
  double height_;
  double top_ = 0;  // of the last row's strip
  std::string svg_;
};

}  // namespace paywarden
