// The report's plots: what each draws, and the sentence that says how to read it.
//
//   for (const Figure& figure : draw_figures(metrics)) page += figure.svg;
#pragma once

#include <string>
#include <vector>

#include "report/metrics.h"

namespace paywarden {

struct LegendEntry {
  std::string style;  // the class of what is drawn
  std::string text;
};

struct Figure {
  std::string title;
  std::vector<LegendEntry> legend;
  std::string svg;          // empty: nothing to draw
  std::string how_to_read;  // one sentence
};

std::vector<Figure> draw_figures(const Metrics& metrics);

}  // namespace paywarden
