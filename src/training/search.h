// A search over the few parameters that matter, limited by trials: drawn at random (Bergstra and Bengio 2012), the configured ones
// first, each trained on the earlier rows and measured by average precision on the later slice.
//
//   TRY_ASSIGN(SearchResult found, search_parameters(first, second, options, {.trials = 30}, show_trial));
//   found.best.depth, found.average_precision
//
// The same seed and data draw and find the same. Drawn are: depth 3 to 8, learning_rate 0.03 to 0.3, min_child_weight 0.5 to 60, lambda
// 0.3 to 30 (these three evenly over their logarithms), subsample and colsample 0.5 to 1.
#pragma once

#include <functional>

#include "training/booster.h"

namespace paywarden {

struct SearchOptions {
  uint32_t trials = 30;
  uint64_t seed = 1;
};

struct SearchTrial {
  uint32_t number = 0, trials = 0;  // from 1
  BoosterOptions options;
  uint32_t trees = 0;  // at its best round
  double average_precision = 0;
  bool best = false;  // so far
};

struct SearchResult {
  BoosterOptions best;
  double average_precision = 0;
};

Result<SearchResult> search_parameters(
    MatrixSource& training, MatrixSource& validation, const BoosterOptions& configured,
    SearchOptions search, const std::function<void(const SearchTrial&)>& progress = {});

}  // namespace paywarden
