// Draws one plot as an inline SVG element. Colours come from the page: everything drawn has a class
// ("fraud", "axis", ...) and no colour of its own, so that light and dark are a matter of style
// sheets.
//
//   Axis x = Axis::linear("recall", 0, 1, AxisUnit::percent);
//   SvgPlot plot("Precision against recall", x, y);
//   plot.line(points, "fraud");
//   plot.mark({0.8, 0.9}, "decline", "recall 80 %");   // the text shows under the pointer
//   html += plot.finish();
//
// Coordinates are values on the axes; what lies outside is moved to the edge.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "report/axis.h"

namespace paywarden {

struct PlotPoint {
  double x = 0;
  double y = 0;
};

class SvgPlot {
 public:
  // `title` is what a screen reader says.
  SvgPlot(std::string_view title, Axis x, Axis y);

  void line(std::span<const PlotPoint> points, std::string_view style);
  // Between the points and the low end of y.
  void area(std::span<const PlotPoint> points, std::string_view style);
  // From (x0, y0) to (x1, y1); `text` shows under the pointer.
  void bar(PlotPoint from, PlotPoint to, std::string_view style, std::string_view text);
  void mark(PlotPoint at, std::string_view style, std::string_view text);
  void dot(PlotPoint at, std::string_view style, std::string_view text);  // a smaller mark
  // A vertical line from low to high at x, for intervals.
  void whisker(double x, double low, double high, std::string_view style);
  std::string finish();

 private:
  void circle(PlotPoint at, double radius, std::string_view style, std::string_view text);
  void draw_frame();
  void draw_x_ticks();
  void draw_y_ticks();
  double left(double x) const;  // pixels
  double top(double y) const;
  std::string path_of(std::span<const PlotPoint> points) const;

  Axis x_, y_;
  std::string svg_;
};

}  // namespace paywarden
