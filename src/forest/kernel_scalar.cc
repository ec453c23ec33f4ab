// The walk through the flat trees in plain C++: 16 trees side by side without a branch. Runs on
// every processor.
#include "forest/forest_tables.h"

namespace paywarden {
namespace {

inline uint32_t goes_right(const int16_t* slots, int32_t node) {
  uint32_t value = static_cast<uint32_t>(static_cast<uint16_t>(slots[node & 0xffff])) << 16;
  return static_cast<int32_t>(value) > node;
}

void add_group(const ForestTables& tables, const FlatGroup& group, const int16_t* slots,
               float* sums) {
  const int32_t* level = tables.words.data() + group.first;
  uint32_t at[lanes] = {};
  for (uint32_t depth = 0; depth < group.depth; ++depth) {
    for (uint32_t k = 0; k < lanes; ++k)
      at[k] = 2 * at[k] + goes_right(slots, level[at[k] * lanes + k]);
    level += (size_t{lanes} << depth);
  }
  for (uint32_t k = 0; k < lanes; ++k) sums[k] += leaf_bits(level[at[k] * lanes + k]);
}

}  // namespace

void add_leaves_scalar(const ForestTables& tables, const int16_t* slots, size_t rows, float* sums) {
  for (const FlatGroup& group : tables.groups)
    for (size_t row = 0; row < rows; ++row)
      add_group(tables, group, slots + row * tables.slot_count, sums + row * lanes);
}

}  // namespace paywarden
