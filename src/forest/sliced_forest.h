// A compiled forest for many rows at once, in which a row is a bit: each distinct test of the model
// (feature, threshold, where a missing value goes) is made once for 64 rows, into a word; a tree's
// words are then folded to the six bits of each row's leaf by choosing, 57 times, between two words
// by the bits of a third; the leaves are looked up and added at the end. No row is quantised, and a
// tree costs the same for one row as for 128.
//
//   SlicedForest sliced = SlicedForest::build(plan_forest(model), isa);
//   float sums[SlicedForest::rows_max];
//   if (!sliced.empty()) sliced.sum({rows, stride, n}, sums);     // n <= rows_max; any thread
//
// The sums have the bits of the loops in forest_tables.h. Inside the folder only; callers use
// compiled_forest.h. Masks instead of a walk as in QuickScorer (Lucchese et al., SIGIR 2015), but of
// rows instead of leaves.
#pragma once

#include <cstdint>
#include <vector>

#include "forest/aligned.h"
#include "forest/forest_tables.h"
#include "forest/isa.h"
#include "forest/quantiser.h"
#include "forest/tree_model.h"

namespace paywarden {

class SlicedForest {
 public:
  static constexpr uint32_t depth_max = 6;
  static constexpr size_t rows_max = 128;        // the words of a test are one register of two
  static constexpr size_t rows_worth_it = 32;    // fewer are mostly faster in blocks
  static constexpr uint32_t tests_max = 12'288;  // 16 bytes each on the stack of sum()

  // Empty where there is no tree, one is deeper than depth_max, the model has more than tests_max
  // tests, or `isa` is the scalar one.
  static SlicedForest build(const ForestPlan& plan, Isa isa);

  bool empty() const { return trees_.empty(); }
  // The sum of each row's leaves. Not of an empty one.
  void sum(const FloatRows& rows, float* sums) const;
  size_t memory_bytes() const;

  // The tests of one feature: first those where a missing value goes right, then the others.
  struct Column {
    uint32_t column;
    uint32_t first, left, end;  // indices of thresholds()
  };
  struct alignas(64) SlicedTree {
    uint16_t place[64];  // of 63 nodes as a heap, the root is number 1: of its test's first word
    // From left to right. AVX-512: the first bytes of all, then the second ones, ...
    float leaves[64];
  };
  const std::vector<Column>& columns() const { return columns_; }
  const float* thresholds() const { return thresholds_.data(); }
  const AlignedVector<SlicedTree>& trees() const { return trees_; }

 private:
  using Sum = void (*)(const SlicedForest& forest, const FloatRows& rows, float* sums);
  void collect_tests(const std::vector<PlannedTree>& trees);
  uint16_t place_of(const TreeNode& node) const;
  void write(const Tree& tree, const TreeNode& node, uint32_t level, uint32_t number,
             SlicedTree& out) const;

  Sum sum_ = nullptr;
  std::vector<Column> columns_;
  std::vector<float> thresholds_;
  AlignedVector<SlicedTree> trees_;
};

void sum_sliced_avx2(const SlicedForest& forest, const FloatRows& rows, float* sums);
void sum_sliced_avx512(const SlicedForest& forest, const FloatRows& rows, float* sums);

}  // namespace paywarden
