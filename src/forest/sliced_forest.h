// A compiled forest for many rows at once, in which a row is a bit: each distinct test of the model (feature, threshold, where a missing
// value goes) is made once for 64 rows, into a word; a tree's words are then folded to the six bits of each row's leaf by choosing, 57
// times, between two words by the bits of a third; the leaves are looked up and added at the end. No row is quantised, and a tree costs
// the same for one row as for all of a block.
//
//   SlicedForest sliced = SlicedForest::build(trees, isa);    // empty() where the model or the processor is not made for it
//   float sums[SlicedForest::rows_max];
//   sliced.sum({rows, stride, n}, sums);                      // n <= rows_max; any thread
//
// The sums have the bits of the loops in forest_tables.h: the k-th tree of each 16 is added to the k-th of 16 sums. Inside the folder
// only; callers use compiled_forest.h. Bits instead of places as in QuickScorer (Lucchese et al., SIGIR 2015), but for rows.
#pragma once

#include <cstdint>
#include <vector>

#include "forest/aligned.h"
#include "forest/isa.h"
#include "forest/quantiser.h"
#include "forest/tree_model.h"

namespace paywarden {

class SlicedForest {
 public:
  static constexpr uint32_t depth_max = 6;
  static constexpr size_t rows_max = 128;        // the words of a test are one register of two
  static constexpr size_t rows_worth_it = 24;    // fewer are faster one by one or in blocks
  static constexpr uint32_t tests_max = 12'288;  // 16 bytes each on the stack of sum()

  // Trees of depth_max at most that passed check_model, in the order in which they are added; a multiple of 16 with those that add
  // nothing. Empty where the model has more than tests_max tests, or the processor no AVX2.
  static SlicedForest build(const std::vector<const Tree*>& trees, Isa isa);

  bool empty() const { return trees_.empty(); }
  // Adds up the leaves of each row.
  void sum(const FloatRows& rows, float* sums) const { sum_(*this, rows, sums); }
  size_t memory_bytes() const;

  // The tests of one feature: first those where a missing value goes right, then those where it goes left.
  struct Column {
    uint32_t column;
    uint32_t first, left, end;  // indices of thresholds()
  };
  // 63 nodes as a heap, the root is number 1: where the words of its test begin. The 64 leaves from left to right: floats, or (AVX-512)
  // the first bytes of all, then the second ones, ...
  struct alignas(64) SlicedTree {
    uint16_t place[64];
    uint8_t leaves[64 * sizeof(float)];
  };
  const std::vector<Column>& columns() const { return columns_; }
  const float* thresholds() const { return thresholds_.data(); }
  const AlignedVector<SlicedTree>& trees() const { return trees_; }

 private:
  using Sum = void (*)(const SlicedForest& forest, const FloatRows& rows, float* sums);
  void collect_tests(const std::vector<const Tree*>& trees);
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
