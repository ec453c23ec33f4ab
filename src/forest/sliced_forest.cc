#include "forest/sliced_forest.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <utility>

#include "base/check.h"

namespace paywarden {
namespace {

static_assert(2 * (SlicedForest::tests_max - 1) <= std::numeric_limits<uint16_t>::max());
static_assert(SlicedForest::depth_max <= flat_depth_max);
static_assert(SlicedForest::rows_worth_it <= SlicedForest::rows_max);

// The first bytes of all 64 floats, then the second ones, ...
void sort_by_byte(float* leaves) {
  constexpr size_t kBytes = 64 * sizeof(float);
  uint8_t before[kBytes], after[kBytes];
  std::memcpy(before, leaves, kBytes);
  for (size_t i = 0; i < kBytes; ++i) after[i % sizeof(float) * 64 + i / sizeof(float)] = before[i];
  std::memcpy(leaves, after, kBytes);
}

}  // namespace

SlicedForest SlicedForest::build(const ForestPlan& plan, Isa isa) {
  SlicedForest forest;
#if defined(__x86_64__)
  if (isa == Isa::avx512) forest.sum_ = sum_sliced_avx512;
  if (isa == Isa::avx2) forest.sum_ = sum_sliced_avx2;
#endif
  const std::vector<PlannedTree>& trees = plan.flat;  // by depth
  const bool too_deep = !plan.deep.empty() || (!trees.empty() && trees.back().depth > depth_max);
  if (!forest.sum_ || too_deep) return forest;
  forest.collect_tests(trees);
  if (forest.thresholds_.size() > tests_max) return {};
  for (const PlannedTree& planned : trees) {
    SlicedTree sliced{};
    forest.write(*planned.tree, planned.tree->nodes[0], 0, 1, sliced);
    if (isa == Isa::avx512) sort_by_byte(sliced.leaves);
    forest.trees_.push_back(sliced);
  }
  return forest;
}

void SlicedForest::sum(const FloatRows& rows, float* sums) const {
  CHECK(!empty() && rows.count <= rows_max, "who calls asks before");
  sum_(*this, rows, sums);
}

void SlicedForest::collect_tests(const std::vector<PlannedTree>& trees) {
  using Test = std::pair<bool, float>;  // missing goes left, threshold
  std::map<uint32_t, std::vector<Test>> by_column;
  for (const PlannedTree& planned : trees)
    for (const TreeNode& node : planned.tree->nodes)
      if (!node.is_leaf()) by_column[node.feature].emplace_back(node.default_left, node.threshold);
  for (auto& [column, tests] : by_column) {
    std::sort(tests.begin(), tests.end());
    tests.erase(std::unique(tests.begin(), tests.end()), tests.end());  // -0 == 0
    auto first = static_cast<uint32_t>(thresholds_.size());
    auto rights = std::count_if(tests.begin(), tests.end(), [](const Test& t) { return !t.first; });
    for (const Test& test : tests) thresholds_.push_back(test.second);
    columns_.push_back({column, first, first + static_cast<uint32_t>(rights),
                        static_cast<uint32_t>(thresholds_.size())});
  }
}

uint16_t SlicedForest::place_of(const TreeNode& node) const {
  auto column = std::lower_bound(columns_.begin(), columns_.end(), node.feature,
                                 [](const Column& c, uint32_t f) { return c.column < f; });
  auto begin = thresholds_.begin() + (node.default_left ? column->left : column->first);
  auto end = thresholds_.begin() + (node.default_left ? column->end : column->left);
  auto at = std::lower_bound(begin, end, node.threshold);
  CHECK(at != end && *at == node.threshold, "a node's test was collected");
  return static_cast<uint16_t>(2 * (at - thresholds_.begin()));
}

// Below a leaf that lies higher than the sixth level all tests are the first one, and all leaves
// are this one.
void SlicedForest::write(const Tree& tree, const TreeNode& node, uint32_t level, uint32_t number,
                         SlicedTree& out) const {
  if (level == depth_max) {
    out.leaves[number - 64] = node.value;
    return;
  }
  bool is_leaf = node.is_leaf();
  out.place[number] = is_leaf ? 0 : place_of(node);
  auto child = [&](int32_t index) -> const TreeNode& {
    return is_leaf ? node : tree.nodes[static_cast<size_t>(index)];
  };
  write(tree, child(node.left), level + 1, 2 * number, out);
  write(tree, child(node.right), level + 1, 2 * number + 1, out);
}

size_t SlicedForest::memory_bytes() const {
  return trees_.size() * sizeof(SlicedTree) + thresholds_.size() * sizeof(float) +
         columns_.size() * sizeof(Column);
}

}  // namespace paywarden
