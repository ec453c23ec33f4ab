// How a compiled forest lies in memory, and the loops over it, one per instruction set. Inside the
// folder only; callers use compiled_forest.h.
//
// Trees to depth 8 are padded to perfect trees and stand in groups of 16, one per lane. A group of
// depth D is
//   int32 node[2^D - 1][16]   level by level from the root, then   float leaf[2^D][16]
// A node is (threshold rank << 16 | slot) - 2^31: with v = slots[slot] << 16, a row goes right when
// v > node, signed. Because the lower half of v is 0, that is the same as quantised value > rank.
// Padding nodes compare with the largest value and go left.
//
// Deeper trees are lists of DeepNode, 8 walked at a time; a leaf is its own child, so all 8 take
// the same number of steps.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "forest/aligned.h"

namespace paywarden {

constexpr uint32_t lanes = 16;
constexpr uint32_t flat_depth_max = 8;
constexpr uint32_t flat_depth_min = 4;  // the first four levels are chosen from without a gather
constexpr uint32_t deep_trees_together = 8;

struct FlatGroup {
  uint32_t depth;
  uint32_t first;  // index of its first node in ForestTables::words
};

struct DeepNode {
  int32_t test;       // as a flat node
  uint32_t child[2];  // left, right: index into deep_nodes
  float value;
};

struct DeepGroup {
  uint32_t steps;
  uint32_t root[deep_trees_together];
};

struct ForestTables {
  uint32_t slot_count = 0;  // int16 places of a quantised row
  std::vector<FlatGroup> groups;
  AlignedVector<int32_t> words;  // nodes, and the bits of leaves
  std::vector<DeepGroup> deep_groups;
  AlignedVector<DeepNode> deep_nodes;
};

inline uint32_t nodes_of_depth(uint32_t depth) {
  return (uint32_t{1} << depth) - 1;
}

inline float leaf_bits(int32_t word) {
  float value;
  std::memcpy(&value, &word, sizeof value);
  return value;
}

// Adds every flat tree's leaf to the sum of its lane, group by group in order: `sums` is rows x 16,
// `slots` rows x slot_count. All three give the same bits.
using AddLeaves = void (*)(const ForestTables& tables, const int16_t* slots, size_t rows,
                           float* sums);
void add_leaves_scalar(const ForestTables& tables, const int16_t* slots, size_t rows, float* sums);
void add_leaves_avx2(const ForestTables& tables, const int16_t* slots, size_t rows, float* sums);
void add_leaves_avx512(const ForestTables& tables, const int16_t* slots, size_t rows, float* sums);

}  // namespace paywarden
