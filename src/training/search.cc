#include "training/search.h"

#include <cmath>

#include "base/random.h"

namespace paywarden {
namespace {

double log_uniform(Random& random, double low, double high) {
  return low * std::pow(high / low, random.unit());
}

// Two digits: what is found is written into a configuration by people.
double rounded(double value) {
  double scale = std::pow(10, 1 - std::floor(std::log10(value)));
  return std::round(value * scale) / scale;
}

BoosterOptions drawn(const BoosterOptions& configured, Random& random) {
  BoosterOptions o = configured;
  o.depth = static_cast<uint32_t>(random.between(3, 8));
  o.learning_rate = rounded(log_uniform(random, 0.03, 0.3));
  o.min_child_weight = rounded(log_uniform(random, 0.5, 60));
  o.lambda = rounded(log_uniform(random, 0.3, 30));
  o.subsample = rounded(0.5 + 0.5 * random.unit());
  o.colsample = rounded(0.5 + 0.5 * random.unit());
  return o;
}

}  // namespace

Result<SearchResult> search_parameters(MatrixSource& training, MatrixSource& validation,
                                       const BoosterOptions& configured, SearchOptions search,
                                       const std::function<void(const SearchTrial&)>& progress) {
  Random random(search.seed);
  SearchResult result{configured, -1};
  for (uint32_t i = 1; i <= search.trials; ++i) {
    SearchTrial trial{i, search.trials, i == 1 ? configured : drawn(configured, random)};
    trial.options.train_metric_every = 0;
    TRY_ASSIGN(TrainedModel trained, train_booster(training, &validation, trial.options));
    trial.trees = trained.trees;
    trial.average_precision = trained.validation_aucpr;
    trial.best = trial.average_precision > result.average_precision;
    if (trial.best) result = {trial.options, trial.average_precision};
    if (progress) progress(trial);
  }
  result.best.train_metric_every = configured.train_metric_every;
  return result;
}

}  // namespace paywarden
