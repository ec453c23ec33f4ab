// How a compiled forest lies in memory, and the loops over it. Inside the folder only; callers use
// compiled_forest.h.
//
// A tree of depth <= 8 is padded to a perfect one and numbered as a heap: node 1 is the root, node
// i has children 2 i (left) and 2 i + 1; with depth D the leaves are numbers 2^D to 2^(D+1) - 1.
// Its 2^(D+1) words of 32 bits (word 0 unused) hold a node as
//   (rank of the threshold << 16 | slot) - 2^31
// and a leaf as a float. With v = slots[slot] << 16, a row goes right when v > node, signed;
// because the lower half of v is 0, that is the same as quantised value > rank. Padding nodes
// compare with the largest value and go left. 16 trees of one depth are a group; the k-th of them
// is added to the k-th of 16 sums ("lanes").
//
// For AVX-512 values, ranks and slots are narrowed to bytes (see ByteSlots): a node is (rank << 24
// | slot) - 2^31, and the first six levels are kept a second time with slots and ranks apart, so
// that three instructions decide all 63 nodes of a tree at once, whether the row comes by them or
// not. That beats one gather a level by far.
//
// Deeper trees are lists of DeepNode, 8 walked at a time; a leaf is its own child, so all 8 take
// the same number of steps.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "forest/aligned.h"
#include "forest/isa.h"

namespace paywarden {

constexpr uint32_t lanes = 16;
constexpr uint32_t flat_depth_max = 8;
constexpr uint32_t top_depth = 6;
constexpr uint32_t deep_trees_together = 8;

struct FlatGroup {
  uint32_t depth;
  uint32_t first;  // word 0 of its first tree in ForestTables::words
};

// The first six levels of one tree, 63 nodes by place_in_top(). Place 7 is no node's.
struct TreeTop {
  uint8_t slot[64];
  int8_t rank[64];  // minus 128, as byte slots are
};

// Seven nodes of each of the eight subtrees of three levels, a byte each, by level and from left to right; the highest bits are the seven
// nodes above them, from the highest byte on. So one instruction brings these together, and a walk through three levels is one look-up by
// seven bits.
inline uint32_t place_in_top(uint32_t number) {
  if (number < 8) return 63 - 8 * (number - 1);
  uint32_t level = number < 16 ? 0 : number < 32 ? 1 : 2;  // of its subtree
  uint32_t subtree = (number >> level) - 8, within = number - ((8 + subtree) << level);
  return 8 * subtree + ((1u << level) - 1) + within;
}

// Quantised values in bytes: a used feature with more than 254 thresholds becomes several, each
// with a part of the thresholds and its own two slots; within a part the value is max(0, min(bin -
// first, count)), so that again nothing is lost.
struct ByteSlots {
  static constexpr uint32_t thresholds_max =
      254;  // of a part: bin, bin + 1 and the missing value share 8 bits
  static constexpr uint32_t slots_max = 256;  // what two registers of a table look-up hold, twice
  static constexpr uint32_t near_max =
      64;  // one register: its look-up takes a third of the work of two

  struct Part {
    uint16_t used_index;
    uint16_t first;
    uint16_t count;
  };
  std::vector<Part> parts;
  std::vector<uint16_t> first_part;  // by used index
  bool is_one_to_one = true;         // no feature has two parts
  // Where no more than near_max slots are tested by any node, those alone are kept: place i is slot near[i].
  alignas(64) uint8_t near[near_max]{};
  bool is_near = false;
  bool fits() const { return 2 * parts.size() <= slots_max; }
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
  AlignedVector<int32_t> words;  // of the flat trees
  AlignedVector<TreeTop> tops;  // 16 a group; these and byte_slots are empty unless AVX-512 is used
  ByteSlots byte_slots;
  std::vector<DeepGroup> deep_groups;
  AlignedVector<DeepNode> deep_nodes;
};

class Quantiser;
struct Tree;
struct TreeModel;

// The trees in the order in which their leaves are added, on every path: by depth, else as the model has them.
struct PlannedTree {
  const Tree* tree;
  uint32_t depth;
};
struct ForestPlan {
  std::vector<PlannedTree> flat;  // the k-th of each 16 in the k-th of 16 sums
  std::vector<PlannedTree> deep;
};
ForestPlan plan_forest(const TreeModel& model);  // which must outlive it

// With Isa::avx512 and no more byte slots than fit, flat trees are in bytes for add_leaves_avx512;
// otherwise (also where a model uses more than 128 features, or parts of them) for
// add_leaves_scalar.
ForestTables build_tables(const ForestPlan& plan, const Quantiser& quantiser, Isa isa);

// 1 or 0.
inline uint32_t goes_right(const int16_t* slots, int32_t node) {
  uint32_t value = static_cast<uint32_t>(static_cast<uint16_t>(slots[node & 0xffff])) << 16;
  return static_cast<int32_t>(value) > node;
}

// Rows that pass through a chunk of trees before the next chunk: its tables stay in the first-level
// cache.
constexpr size_t block_rows_max = 16;

// Adds every flat tree's leaf to the sum of its lane, group by group in order: `sums` is rows x 16,
// `slots` rows x slot_count. Both give the same bits.
using AddLeaves = void (*)(const ForestTables& tables, const int16_t* slots, size_t rows,
                           float* sums);
void add_leaves_scalar(const ForestTables& tables, const int16_t* slots, size_t rows, float* sums);
void add_leaves_avx512(const ForestTables& tables, const int16_t* slots, size_t rows, float* sums);

}  // namespace paywarden
