#include "forest/compiled_forest.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/check.h"
#include "base/fixed_math.h"

namespace paywarden {
namespace {

// Rows that pass through a group of trees before the next group: its tables stay in the first-level
// cache.
constexpr size_t block_rows_max = 16;

int32_t packed(uint32_t rank, uint32_t slot) {
  return static_cast<int32_t>((rank << 16 | slot) ^ 0x80000000u);
}

// No quantised value is above 65535.
const int32_t padding_node = packed(65'535, 0);

int32_t packed_test(const TreeNode& node, const Quantiser& quantiser) {
  uint32_t slot = 2 * quantiser.used_index(node.feature) + node.default_left;
  // The second slot holds bin + 1.
  return packed(quantiser.rank(node.feature, node.threshold) + node.default_left, slot);
}

int32_t bits_of(float value) {
  int32_t word;
  std::memcpy(&word, &value, sizeof word);
  return word;
}

// Writes one tree into its lane of a group, padded to the group's depth.
class FlatTreeWriter {
 public:
  FlatTreeWriter(const Tree& tree, const Quantiser& quantiser, uint32_t depth, int32_t* lane)
      : tree_(tree), quantiser_(quantiser), depth_(depth), lane_(lane) {}
  void write() { write(tree_.nodes[0], 0, 0); }

 private:
  void write(const TreeNode& node, uint32_t level, uint32_t position) {
    if (level == depth_) return put(nodes_of_depth(depth_) + position, bits_of(node.value));
    uint32_t place = nodes_of_depth(level) + position;
    put(place, node.is_leaf() ? padding_node : packed_test(node, quantiser_));
    write(node.is_leaf() ? node : tree_.nodes[node.left], level + 1, 2 * position);
    write(node.is_leaf() ? node : tree_.nodes[node.right], level + 1, 2 * position + 1);
  }
  void put(uint32_t place, int32_t word) { lane_[size_t{place} * lanes] = word; }

  const Tree& tree_;
  const Quantiser& quantiser_;
  uint32_t depth_;
  int32_t* lane_;
};

struct PlannedTree {
  const Tree* tree;
  uint32_t depth;
};

void add_flat_groups(const std::vector<PlannedTree>& trees, const Quantiser& quantiser,
                     ForestTables& tables) {
  for (size_t first = 0; first < trees.size(); first += lanes) {
    size_t end = std::min<size_t>(first + lanes, trees.size());
    // Sorted by depth, so the last of the group is its deepest.
    uint32_t depth = std::max(flat_depth_min, trees[end - 1].depth);
    size_t start = tables.words.size(), nodes = size_t{nodes_of_depth(depth)} * lanes;
    tables.groups.push_back({depth, static_cast<uint32_t>(start)});
    tables.words.resize(start + nodes, padding_node);
    tables.words.resize(start + nodes + (size_t{lanes} << depth), 0);  // empty lanes add 0.0
    for (size_t i = first; i < end; ++i)
      FlatTreeWriter(*trees[i].tree, quantiser, depth, tables.words.data() + start + (i - first))
          .write();
  }
}

// Appends the tree's nodes; returns the root's place.
uint32_t add_deep_tree(const Tree& tree, const Quantiser& quantiser, ForestTables& tables) {
  uint32_t base = static_cast<uint32_t>(tables.deep_nodes.size());
  for (const TreeNode& node : tree.nodes) {
    uint32_t self = static_cast<uint32_t>(tables.deep_nodes.size());
    DeepNode deep{padding_node, {self, self}, node.value};
    if (!node.is_leaf())
      deep = {packed_test(node, quantiser),
              {base + static_cast<uint32_t>(node.left), base + static_cast<uint32_t>(node.right)},
              0};
    tables.deep_nodes.push_back(deep);
  }
  return base;
}

void add_deep_groups(const std::vector<PlannedTree>& trees, const Quantiser& quantiser,
                     ForestTables& tables) {
  const Tree nothing{{TreeNode{}}};  // fills the last group; adds 0.0
  for (size_t first = 0; first < trees.size(); first += deep_trees_together) {
    size_t end = std::min<size_t>(first + deep_trees_together, trees.size());
    DeepGroup group{trees[end - 1].depth, {}};
    for (size_t i = 0; i < deep_trees_together; ++i)
      group.root[i] =
          add_deep_tree(first + i < end ? *trees[first + i].tree : nothing, quantiser, tables);
    tables.deep_groups.push_back(group);
  }
}

ForestTables build_tables(const TreeModel& model, const Quantiser& quantiser) {
  std::vector<PlannedTree> flat, deep;
  for (const Tree& tree : model.trees) {
    PlannedTree planned{&tree, depth_of(tree)};
    (planned.depth <= flat_depth_max ? flat : deep).push_back(planned);
  }
  auto shallower = [](const PlannedTree& a, const PlannedTree& b) { return a.depth < b.depth; };
  std::stable_sort(flat.begin(), flat.end(), shallower);
  std::stable_sort(deep.begin(), deep.end(), shallower);
  ForestTables tables;
  tables.slot_count = quantiser.slot_count();
  add_flat_groups(flat, quantiser, tables);
  add_deep_groups(deep, quantiser, tables);
  return tables;
}

bool goes_right(const int16_t* slots, int32_t test) {
  uint32_t value = static_cast<uint32_t>(static_cast<uint16_t>(slots[test & 0xffff])) << 16;
  return static_cast<int32_t>(value) > test;
}

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

AddLeaves kernel_for(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512) return add_leaves_avx512;
  if (isa == Isa::avx2) return add_leaves_avx2;
#endif
  CHECK(isa == Isa::scalar, "Quantiser::build refuses what the processor has not");
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
  forest.add_leaves_ = kernel_for(isa);
  forest.tables_ = build_tables(model, forest.quantiser_);
  return forest;
}

void CompiledForest::margins_of_block(const float* rows, size_t stride, size_t n,
                                      float* out) const {
  alignas(64) int16_t slots[Quantiser::slots_max];
  alignas(64) float sums[block_rows_max * lanes];
  size_t width = tables_.slot_count;
  CHECK(n <= block_rows_max && n * width <= Quantiser::slots_max, "a block fits");
  for (size_t i = 0; i < n; ++i) quantiser_.quantise(rows + i * stride, slots + i * width);
  std::fill_n(sums, n * lanes, 0.0f);
  add_leaves_(tables_, slots, n, sums);
  for (size_t i = 0; i < n; ++i) {
    float flat = sum_of_lanes(sums + i * lanes),
          deep = sum_of_deep_trees(tables_, slots + i * width);
    out[i] = base_margin_ + (flat + deep);
  }
}

void CompiledForest::margin_batch(const float* rows, size_t stride, size_t n, float* out) const {
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
  return tables_.words.size() * sizeof(int32_t) + tables_.deep_nodes.size() * sizeof(DeepNode) +
         quantiser_.memory_bytes();
}

float sigmoid(float margin) {
  return static_cast<float>(1.0 / (1.0 + fixed_exp(-static_cast<double>(margin))));
}

}  // namespace paywarden
