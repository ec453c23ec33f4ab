#include "forest/compiled_forest.h"

#include <algorithm>

#include "base/check.h"
#include "base/fixed_math.h"

namespace paywarden {
namespace {

float sum_of_deep_trees(const ForestTables& tables, const int16_t* slots) {
  float sum = 0;
  for (const DeepGroup& group : tables.deep_groups) {
    uint32_t at[deep_trees_together];
    std::copy(std::begin(group.root), std::end(group.root), at);
    for (uint32_t step = 0; step < group.steps; ++step)
      for (uint32_t& place : at) {
        const DeepNode& node = tables.deep_nodes[place];
        place = node.child[goes_right(slots, node.test)];
      }
    for (uint32_t place : at) sum += tables.deep_nodes[place].value;
  }
  return sum;
}

// In this order on every path.
float sum_of_lanes(float* sums) {
  for (uint32_t step = lanes / 2; step > 0; step /= 2)
    for (uint32_t k = 0; k < step; ++k) sums[k] += sums[k + step];
  return sums[0];
}

AddLeaves kernel_for(const ForestTables& tables) {
#if defined(__x86_64__)
  if (!tables.tops.empty()) return add_leaves_avx512;
#endif
  CHECK(tables.tops.empty(), "Quantiser::build refuses what the processor has not");
  return add_leaves_scalar;
}

}  // namespace

Result<CompiledForest> CompiledForest::compile(const TreeModel& model, Isa isa) {
  CompiledForest forest;
  TRY_ASSIGN(forest.quantiser_, Quantiser::build(model, isa));
  forest.feature_count_ = model.feature_count;
  forest.tree_count_ = static_cast<uint32_t>(model.trees.size());
  forest.base_margin_ = model.base_margin;
  forest.isa_ = isa;
  const ForestPlan plan = plan_forest(model);
  forest.tables_ = build_tables(plan, forest.quantiser_, isa);
  forest.add_leaves_ = kernel_for(forest.tables_);
  forest.sliced_ = SlicedForest::build(plan, isa);
  return forest;
}

void CompiledForest::margins_of_block(const float* rows, size_t stride, size_t n,
                                      float* out) const {
  alignas(64) int16_t slots[Quantiser::slots_max];
  alignas(64) float sums[block_rows_max * lanes];
  size_t width = tables_.slot_count;
  CHECK(n <= block_rows_max && n * width <= Quantiser::slots_max, "a block fits");
  quantiser_.quantise({rows, stride, n}, slots);
  std::fill_n(sums, n * lanes, 0.0f);
  add_leaves_(tables_, slots, n, sums);
  for (size_t i = 0; i < n; ++i) {
    float flat = sum_of_lanes(sums + i * lanes),
          deep = sum_of_deep_trees(tables_, slots + i * width);
    out[i] = base_margin_ + (flat + deep);
  }
}

void CompiledForest::margins_of_slice(const FloatRows& rows, float* out) const {
  float sums[SlicedForest::rows_max];
  sliced_.sum(rows, sums);
  for (size_t i = 0; i < rows.count; ++i) out[i] = base_margin_ + sums[i];
}

void CompiledForest::margin_batch(const float* rows, size_t stride, size_t n, float* out) const {
  while (!sliced_.empty() && n >= SlicedForest::rows_worth_it) {
    size_t count = std::min(n, SlicedForest::rows_max);
    margins_of_slice({rows, stride, count}, out);
    rows += count * stride;
    out += count;
    n -= count;
  }
  size_t block = std::min<size_t>(block_rows_max, Quantiser::slots_max / tables_.slot_count);
  for (size_t first = 0; first < n; first += block)
    margins_of_block(rows + first * stride, stride, std::min(block, n - first), out + first);
}

void CompiledForest::score_batch(const float* rows, size_t stride, size_t n, float* out) const {
  margin_batch(rows, stride, n, out);
  for (size_t i = 0; i < n; ++i) out[i] = sigmoid(out[i]);
}

float CompiledForest::margin(const float* row) const {
  float value;
  margins_of_block(row, feature_count_, 1, &value);
  return value;
}

float CompiledForest::score(const float* row) const {
  return sigmoid(margin(row));
}

size_t CompiledForest::memory_bytes() const {
  return tables_.words.size() * sizeof(int32_t) + tables_.tops.size() * sizeof(TreeTop) +
         tables_.deep_nodes.size() * sizeof(DeepNode) + quantiser_.memory_bytes() +
         sliced_.memory_bytes();
}

float sigmoid(float margin) {
  return static_cast<float>(1.0 / (1.0 + fixed_exp(-static_cast<double>(margin))));
}

}  // namespace paywarden
