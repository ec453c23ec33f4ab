// A tree model compiled for scoring: 16 trees walk side by side, no branch depends on the data.
//
//   TRY_ASSIGN(CompiledForest forest, CompiledForest::compile(model));
//   // row: forest.feature_count() floats, NaN = missing
//   float probability = forest.score(row);
//   forest.score_batch(rows, stride, n, probabilities);  // the same bits, cheaper per row
//   forest.margin_batch(rows, stride, n, margins);       // before the sigmoid
//
// Any thread, any number at once. The result's bits depend on the model and the row alone: not on
// the instruction set, the size of the batch, the compiler's mood about fused multiply-add or the C
// library. Memory: 8 * 2^D bytes a tree of depth D <= 8 (512 B for depth 6, 2 KB for depth 8) and
// with AVX-512 128 B more, 16 bytes a node for deeper ones, and the thresholds of used features. Models whose trees are all of depth <= 6
// stand there once more for many rows: 384 B a tree and 4 a test (sliced_forest.h). Stack: 210 KB.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "forest/forest_tables.h"
#include "forest/isa.h"
#include "forest/quantiser.h"
#include "forest/sliced_forest.h"
#include "forest/tree_model.h"

namespace paywarden {

class CompiledForest {
 public:
  // The model must come from a reader (or have passed check_model).
  static Result<CompiledForest> compile(const TreeModel& model, Isa isa = best_isa());

  float margin(const float* row) const;
  float score(const float* row) const;
  // Row i starts at rows + i * stride.
  void margin_batch(const float* rows, size_t stride, size_t n, float* out) const;
  void score_batch(const float* rows, size_t stride, size_t n, float* out) const;

  uint32_t feature_count() const { return feature_count_; }
  uint32_t tree_count() const { return tree_count_; }
  Isa isa() const { return isa_; }
  size_t memory_bytes() const;

 private:
  void margins_of_block(const float* rows, size_t stride, size_t n, float* out) const;
  void margins_of_slice(const FloatRows& rows, float* out) const;

  uint32_t feature_count_ = 0;
  uint32_t tree_count_ = 0;
  float base_margin_ = 0;
  Isa isa_ = Isa::scalar;
  AddLeaves add_leaves_ = nullptr;
  Quantiser quantiser_;
  ForestTables tables_;
  SlicedForest sliced_;  // may be empty
};

// 1 / (1 + e^-margin), the same bits everywhere.
float sigmoid(float margin);

}  // namespace paywarden
