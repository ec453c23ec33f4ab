// What the model goes by: the features as bars, the most important first.
#pragma once

#include "report/figures.h"

namespace paywarden {

Figure draw_importance(const ImportanceMetrics& importance);

}  // namespace paywarden
