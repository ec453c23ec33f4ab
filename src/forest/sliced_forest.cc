#include "forest/sliced_forest.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "base/check.h"

namespace paywarden {

SlicedForest SlicedForest::build(const std::vector<const Tree*>& trees, Isa isa) {
  SlicedForest forest;
#if defined(__x86_64__)
  if (isa == Isa::avx512) forest.sum_ = sum_sliced_avx512;
  if (isa == Isa::avx2) forest.sum_ = sum_sliced_avx2;
#endif
  if (!forest.sum_) return forest;
  forest.collect_tests(trees);
  if (forest.thresholds_.size() > tests_max) return {};
  for (const Tree* tree : trees) {
    SlicedTree sliced{};
    forest.write(*tree, tree->nodes[0], 0, 1, sliced);
    if (isa == Isa::avx512) {
      SlicedTree by_bytes = sliced;
      for (size_t i = 0; i < sizeof sliced.leaves; ++i)
        by_bytes.leaves[i % sizeof(float) * 64 + i / sizeof(float)] = sliced.leaves[i];
      sliced = by_bytes;
    }
    forest.trees_.push_back(sliced);
  }
  return forest;
}

void SlicedForest::collect_tests(const std::vector<const Tree*>& trees) {
  using Test = std::pair<bool, float>;  // missing goes left, threshold
  std::map<uint32_t, std::vector<Test>> by_column;
  for (const Tree* tree : trees)
    for (const TreeNode& node : tree->nodes)
      if (!node.is_leaf()) by_column[node.feature].emplace_back(node.default_left, node.threshold);
  for (auto& [column, tests] : by_column) {
    std::sort(tests.begin(), tests.end());
    tests.erase(std::unique(tests.begin(), tests.end()), tests.end());
    auto first = static_cast<uint32_t>(thresholds_.size());
    auto left =
        std::lower_bound(tests.begin(), tests.end(), true,
                         [](const Test& test, bool is_left) { return test.first < is_left; });
    for (const Test& test : tests) thresholds_.push_back(test.second);
    columns_.push_back({column, first, first + static_cast<uint32_t>(left - tests.begin()),
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

// Below a leaf that lies higher than the sixth level all tests are the first one, and all leaves are this one.
void SlicedForest::write(const Tree& tree, const TreeNode& node, uint32_t level, uint32_t number,
                         SlicedTree& out) const {
  if (level == depth_max) {
    std::memcpy(out.leaves + (number - 64) * sizeof(float), &node.value, sizeof(float));
    return;
  }
  bool is_leaf = node.is_leaf();
  out.place[number] = is_leaf ? 0 : place_of(node);
  write(tree, is_leaf ? node : tree.nodes[static_cast<size_t>(node.left)], level + 1, 2 * number,
        out);
  write(tree, is_leaf ? node : tree.nodes[static_cast<size_t>(node.right)], level + 1,
        2 * number + 1, out);
}

size_t SlicedForest::memory_bytes() const {
  return trees_.size() * sizeof(SlicedTree) + thresholds_.size() * sizeof(float) +
         columns_.size() * sizeof(Column);
}

}  // namespace paywarden
