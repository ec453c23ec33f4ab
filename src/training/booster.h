// Trains a model with XGBoost, in this process (its C API, 1.7).
//
//   DenseMatrix rows(columns), later(columns);   // or any MatrixSource, e.g. chunks from disk
//   rows.add(features, is_fraud);
//   TRY_ASSIGN(TrainedModel trained, train_booster(rows, &later, {.trees = 300}, show_progress));
//   bundle.model_json = trained.model_json;      // forest/xgboost_json.h reads it
//   auto referee = booster_predict(trained.model_json, values, columns);   // for tests
//
// The same data in the same chunks, options and thread count give the same model, byte for byte.
// With tree_method hist the rows are streamed several times and XGBoost keeps them quantised: 150
// bytes a row of 32 features (250 where values are missing), gradients and all; exact keeps floats
// twice.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/result.h"

namespace paywarden {

// `values`: rows x columns, row after row; NaN = missing. `weights` may be null: all 1. Labels are
// 0 or 1.
struct MatrixChunk {
  const float* values = nullptr;
  const float* labels = nullptr;
  const float* weights = nullptr;
  size_t rows = 0;
};

// Rows in chunks, read several times from the start; each time the same. One thread.
class MatrixSource {
 public:
  virtual ~MatrixSource() = default;
  virtual uint32_t columns() const = 0;
  virtual void rewind() = 0;
  // False at the end. What the chunk points to holds until the next call.
  virtual Result<bool> next(MatrixChunk& chunk) = 0;
};

// All rows in memory.
class DenseMatrix : public MatrixSource {
 public:
  explicit DenseMatrix(uint32_t columns) : columns_(columns) {}
  void add(const float* row, bool is_fraud, float weight = 1.0f);
  size_t rows() const { return labels_.size(); }
  const std::vector<float>& values() const { return values_; }

  uint32_t columns() const override { return columns_; }
  void rewind() override { at_ = 0; }
  Result<bool> next(MatrixChunk& chunk) override;

 private:
  uint32_t columns_;
  size_t at_ = 0;
  std::vector<float> values_, labels_, weights_;
};

enum class TreeMethod {
  hist,   // thresholds between max_bin quantiles of each feature: fast, small
  exact,  // every distinct value: for small data
};

struct BoosterOptions {
  uint32_t trees = 300;        // rounds; early stopping may keep fewer
  uint32_t depth = 6;          // edges; the compiled forest is fastest up to 6, flat up to 8
  double learning_rate = 0.1;  // of a tree; XGBoost's own default is 0.3, with fewer trees
  TreeMethod tree_method = TreeMethod::hist;
  uint32_t max_bin = 256;         // hist: quantiles per feature; XGBoost's own default
  double min_child_weight = 1.0;  // least sum of hessians in a leaf
  double gamma = 0.0;             // least gain of a split
  double lambda = 1.0;            // L2 on leaf values
  double alpha = 0.0;             // L1 on leaf values
  double subsample = 1.0;         // share of rows for each tree
  double colsample = 1.0;         // share of features for each tree
  double scale_pos_weight =
      1.0;                  // weight of a fraud; above 1 the scores are no probabilities any more
  double base_score = 0.5;  // probability before the first tree
  uint32_t seed = 1;
  uint32_t threads = 0;  // 0: one per processor; another number may change last bits
  uint32_t early_stopping_rounds =
      50;  // stop when the validation metric has not risen for so long; 0: never
  uint32_t train_metric_every =
      10;  // rounds; a metric over all training rows costs as much as a tree; 0: never
};

struct BoosterProgress {
  uint32_t round = 0;  // from 1
  uint32_t trees = 0;  // that may come
  // Area under the precision-recall curve; NaN where it was not computed.
  double train_aucpr = std::numeric_limits<double>::quiet_NaN();
  double validation_aucpr = std::numeric_limits<double>::quiet_NaN();
};

struct TrainedModel {
  std::string model_json;
  uint32_t trees = 0;   // in the model: up to the best round
  uint32_t rounds = 0;  // that were run
  double validation_aucpr = std::numeric_limits<double>::quiet_NaN();  // of the best round
};

// `validation` may be null: then there is no early stopping. Progress is called after each round,
// on the calling thread.
Result<TrainedModel> train_booster(
    MatrixSource& training, MatrixSource* validation, const BoosterOptions& options,
    const std::function<void(const BoosterProgress&)>& progress = {});

// XGBoost's own probabilities.
Result<std::vector<float>> booster_predict(const std::string& model_json,
                                           const std::vector<float>& values, uint32_t columns);

}  // namespace paywarden
