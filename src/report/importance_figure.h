// What the model goes by: the features as bars, the most important first, in one figure or two.
#pragma once

#include "report/figures.h"

namespace paywarden {

std::vector<Figure> draw_importance(const ImportanceMetrics& importance);

}  // namespace paywarden
