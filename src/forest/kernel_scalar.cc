// The walk through the flat trees in plain C++: 8 trees side by side without a branch. Runs on
// every processor, and on those with AVX2 too: there a level costs two gathers, which are no faster
// than this on AMD and much slower on Intel since the microcode against Gather Data Sampling
// (CVE-2022-40982).
#include "forest/forest_tables.h"

namespace paywarden {
namespace {

constexpr uint32_t together = 8;  // their places and the pointers fit x86-64's 16 registers

void add_leaves_of(const int32_t* words, uint32_t depth, const int16_t* slots, float* sums) {
  size_t tree_words = size_t{2} << depth;
  size_t at[together];
  for (uint32_t k = 0; k < together; ++k) at[k] = 1;
  for (uint32_t level = 0; level < depth; ++level) {
#pragma GCC unroll 8
    for (uint32_t k = 0; k < together; ++k)
      at[k] = 2 * at[k] + goes_right(slots, words[k * tree_words + at[k]]);
  }
  for (uint32_t k = 0; k < together; ++k) {
    float leaf;
    std::memcpy(&leaf, &words[k * tree_words + at[k]], sizeof leaf);
    sums[k] += leaf;
  }
}

}  // namespace

void add_leaves_scalar(const ForestTables& tables, const int16_t* slots, size_t rows, float* sums) {
  for (const FlatGroup& group : tables.groups)
    for (size_t row = 0; row < rows; ++row)
      for (uint32_t first = 0; first < lanes; first += together) {
        const int32_t* words =
            tables.words.data() + group.first + (size_t{2} << group.depth) * first;
        add_leaves_of(words, group.depth, slots + row * tables.slot_count,
                      sums + row * lanes + first);
      }
}

}  // namespace paywarden
