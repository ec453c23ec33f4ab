#include "forest/forest_tables.h"

#include <algorithm>

#include "base/check.h"
#include "forest/quantiser.h"
#include "forest/tree_model.h"

namespace paywarden {
namespace {

ByteSlots byte_slots_of(const Quantiser& quantiser) {
  ByteSlots slots;
  for (uint32_t used = 0; used < quantiser.used_count(); ++used) {
    uint32_t count = quantiser.threshold_count(used);
    slots.first_part.push_back(static_cast<uint16_t>(slots.parts.size()));
    for (uint32_t first = 0; first < count; first += ByteSlots::thresholds_max)
      slots.parts.push_back(
          {static_cast<uint16_t>(used), static_cast<uint16_t>(first),
           static_cast<uint16_t>(std::min(count - first, ByteSlots::thresholds_max))});
  }
  slots.is_one_to_one = slots.parts.size() == quantiser.used_count();
  return slots;
}

// The second slot of a feature is for missing values that go left; it holds bin + 1.
uint32_t byte_slot(const Quantiser& quantiser, const ByteSlots& bytes, const TreeNode& node) {
  uint32_t rank = quantiser.rank(node.feature, node.threshold);
  uint32_t part =
      bytes.first_part[quantiser.used_index(node.feature)] + rank / ByteSlots::thresholds_max;
  return 2 * part + node.default_left;
}

// Keeps the slots that nodes of flat trees test, where they are few.
void keep_near(ByteSlots& bytes, const Quantiser& quantiser,
               const std::vector<PlannedTree>& trees) {
  bool is_tested[ByteSlots::slots_max] = {};
  for (const PlannedTree& planned : trees)
    for (const TreeNode& node : planned.tree->nodes)
      if (!node.is_leaf()) is_tested[byte_slot(quantiser, bytes, node)] = true;
  auto tested = static_cast<size_t>(std::count(is_tested, std::end(is_tested), true));
  bytes.is_near = tested <= ByteSlots::near_max && bytes.parts.size() <= ByteSlots::near_max;
  if (!bytes.is_near) return;
  uint8_t* place = bytes.near;
  for (uint32_t slot = 0; slot < ByteSlots::slots_max; ++slot)
    if (is_tested[slot]) *place++ = static_cast<uint8_t>(slot);
}

// Turns a node into its 32 bits: with words, or narrowed to bytes.
class NodeCoder {
 public:
  NodeCoder(const Quantiser& quantiser, const ByteSlots* bytes)
      : quantiser_(quantiser), bytes_(bytes) {
    for (uint32_t slot = 0; slot < ByteSlots::slots_max; ++slot)
      places_[slot] = static_cast<uint8_t>(slot);
    if (!bytes || !bytes->is_near) return;
    for (uint32_t i = 0; i < ByteSlots::near_max; ++i)
      places_[bytes->near[i]] = static_cast<uint8_t>(i);  // places that are not used hold slot 0
  }

  int32_t test(const TreeNode& node) const {
    uint32_t used = quantiser_.used_index(node.feature);
    uint32_t rank = quantiser_.rank(node.feature, node.threshold), second = node.default_left;
    if (!bytes_) return packed((rank + second) << 16, 2 * used + second);
    rank %= ByteSlots::thresholds_max;
    return packed((rank + second) << 24, places_[byte_slot(quantiser_, *bytes_, node)]);
  }
  // No quantised value is above this one.
  int32_t padding() const { return bytes_ ? packed(0xff000000u, 0) : packed(0xffff0000u, 0); }

 private:
  static int32_t packed(uint32_t rank, uint32_t slot) {
    return static_cast<int32_t>((rank | slot) ^ 0x80000000u);
  }
  const Quantiser& quantiser_;
  const ByteSlots* bytes_;
  uint8_t places_[ByteSlots::slots_max];  // of byte slots
};

int32_t bits_of(float value) {
  int32_t word;
  std::memcpy(&word, &value, sizeof word);
  return word;
}

// Writes one tree as a heap of `depth`.
class FlatTreeWriter {
 public:
  FlatTreeWriter(const Tree& tree, const NodeCoder& coder, uint32_t depth, int32_t* words)
      : tree_(tree), coder_(coder), depth_(depth), words_(words) {}
  void write() { write(tree_.nodes[0], 0, 1); }

 private:
  void write(const TreeNode& node, uint32_t level, uint32_t number) {
    if (level == depth_) {
      words_[number] = bits_of(node.value);
      return;
    }
    words_[number] = node.is_leaf() ? coder_.padding() : coder_.test(node);
    write(node.is_leaf() ? node : tree_.nodes[node.left], level + 1, 2 * number);
    write(node.is_leaf() ? node : tree_.nodes[node.right], level + 1, 2 * number + 1);
  }

  const Tree& tree_;
  const NodeCoder& coder_;
  uint32_t depth_;
  int32_t* words_;
};

void add_flat_groups(const std::vector<PlannedTree>& trees, const NodeCoder& coder,
                     ForestTables& tables) {
  const Tree nothing{{TreeNode{}}};  // fills the last group; adds 0.0
  for (size_t first = 0; first < trees.size(); first += lanes) {
    // Sorted by depth, so the last of the group is its deepest.
    uint32_t depth = trees[std::min<size_t>(first + lanes, trees.size()) - 1].depth;
    size_t start = tables.words.size(), tree_words = size_t{2} << depth;
    tables.groups.push_back({depth, static_cast<uint32_t>(start)});
    tables.words.resize(start + tree_words * lanes, coder.padding());
    for (size_t k = 0; k < lanes; ++k) {
      const Tree& tree = first + k < trees.size() ? *trees[first + k].tree : nothing;
      FlatTreeWriter(tree, coder, depth, tables.words.data() + start + k * tree_words).write();
    }
  }
}

TreeTop top_of(const int32_t* words, uint32_t depth) {
  TreeTop top{};
  for (uint32_t i = 1; i < uint32_t{1} << std::min(depth, top_depth); ++i) {
    const uint32_t place = place_in_top(i);
    top.slot[place] = static_cast<uint8_t>(words[i] & 0xff);
    top.rank[place] = static_cast<int8_t>(words[i] >> 24);
  }
  return top;
}

void add_tops(ForestTables& tables) {
  for (const FlatGroup& group : tables.groups)
    for (size_t k = 0; k < lanes; ++k)
      tables.tops.push_back(
          top_of(&tables.words[group.first + k * (size_t{2} << group.depth)], group.depth));
}

// Appends the tree's nodes; returns the root's place.
uint32_t add_deep_tree(const Tree& tree, const NodeCoder& coder, ForestTables& tables) {
  uint32_t base = static_cast<uint32_t>(tables.deep_nodes.size());
  for (const TreeNode& node : tree.nodes) {
    uint32_t self = static_cast<uint32_t>(tables.deep_nodes.size());
    DeepNode deep{coder.padding(), {self, self}, node.value};
    if (!node.is_leaf())
      deep = {coder.test(node),
              {base + static_cast<uint32_t>(node.left), base + static_cast<uint32_t>(node.right)},
              0};
    tables.deep_nodes.push_back(deep);
  }
  return base;
}

void add_deep_groups(const std::vector<PlannedTree>& trees, const NodeCoder& coder,
                     ForestTables& tables) {
  const Tree nothing{{TreeNode{}}};  // fills the last group; adds 0.0
  for (size_t first = 0; first < trees.size(); first += deep_trees_together) {
    size_t end = std::min<size_t>(first + deep_trees_together, trees.size());
    DeepGroup group{trees[end - 1].depth, {}};
    for (size_t i = 0; i < deep_trees_together; ++i)
      group.root[i] =
          add_deep_tree(first + i < end ? *trees[first + i].tree : nothing, coder, tables);
    tables.deep_groups.push_back(group);
  }
}

}  // namespace

ForestPlan plan_forest(const TreeModel& model) {
  ForestPlan plan;
  for (const Tree& tree : model.trees) {
    PlannedTree planned{&tree, depth_of(tree)};
    (planned.depth <= flat_depth_max ? plan.flat : plan.deep).push_back(planned);
  }
  auto shallower = [](const PlannedTree& a, const PlannedTree& b) { return a.depth < b.depth; };
  std::stable_sort(plan.flat.begin(), plan.flat.end(), shallower);
  std::stable_sort(plan.deep.begin(), plan.deep.end(), shallower);
  return plan;
}

ForestTables build_tables(const ForestPlan& plan, const Quantiser& quantiser, Isa isa) {
  ForestTables tables;
  tables.slot_count = quantiser.slot_count();
  if (isa == Isa::avx512) tables.byte_slots = byte_slots_of(quantiser);
  bool in_bytes = isa == Isa::avx512 && tables.byte_slots.fits();
  if (in_bytes) keep_near(tables.byte_slots, quantiser, plan.flat);
  add_flat_groups(plan.flat, NodeCoder(quantiser, in_bytes ? &tables.byte_slots : nullptr), tables);
  if (in_bytes) add_tops(tables);
  add_deep_groups(plan.deep, NodeCoder(quantiser, nullptr), tables);
  return tables;
}

}  // namespace paywarden
