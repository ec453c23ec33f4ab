#include "forest/reasons.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/fixed_math.h"

namespace paywarden {
namespace {

// What a leaf's path says about one feature, all its nodes taken together.
struct PathStep {
  uint32_t used = 0;
  uint32_t low = 0;  // bins, both included
  uint32_t high = 65'534;
  bool takes_missing = true;
  double zero = 1.0;
};

struct Leaf {
  std::vector<PathStep> path;
  float value = 0;
};

// XGBoost divides by the cover of the parent too; where that is 0 no training row came, and both
// ways count half.
double share_of(const Tree& tree, const TreeNode& parent, int32_t child) {
  return parent.cover > 0 ? double{tree.nodes[child].cover} / parent.cover : 0.5;
}

class LeafCollector {
 public:
  LeafCollector(const Tree& tree, const Quantiser& quantiser, std::vector<Leaf>& leaves)
      : tree_(tree), quantiser_(quantiser), leaves_(leaves) {}

  // Depth is limited by check_model, so recursion is too.
  void collect(const TreeNode& node, std::vector<PathStep> path) {
    if (node.is_leaf()) {
      leaves_.push_back({std::move(path), node.value});
      return;
    }
    collect(tree_.nodes[node.left], step(node, path, true));
    collect(tree_.nodes[node.right], step(node, std::move(path), false));
  }

 private:
  std::vector<PathStep> step(const TreeNode& node, std::vector<PathStep> path, bool left) const {
    uint32_t used = quantiser_.used_index(node.feature),
             rank = quantiser_.rank(node.feature, node.threshold);
    auto at =
        std::find_if(path.begin(), path.end(), [&](const PathStep& s) { return s.used == used; });
    if (at == path.end()) at = path.insert(at, PathStep{.used = used});
    if (left) at->high = std::min(at->high, rank);
    if (!left) at->low = std::max(at->low, rank + 1);
    at->takes_missing = at->takes_missing && node.default_left == left;
    at->zero *= share_of(tree_, node, left ? node.left : node.right);
    return path;
  }

  const Tree& tree_;
  const Quantiser& quantiser_;
  std::vector<Leaf>& leaves_;
};

std::vector<Leaf> leaves_of(const TreeModel& model, const Quantiser& quantiser) {
  std::vector<Leaf> leaves;
  for (const Tree& tree : model.trees)
    LeafCollector(tree, quantiser, leaves).collect(tree.nodes[0], {});
  std::stable_sort(leaves.begin(), leaves.end(),
                   [](const Leaf& a, const Leaf& b) { return a.path.size() < b.path.size(); });
  return leaves;
}

// The expected margin: every leaf weighed with the share of training rows that reach it.
double expected_value(const std::vector<Leaf>& leaves) {
  double sum = 0;
  for (const Leaf& leaf : leaves) {
    double weight = 1;
    for (const PathStep& step : leaf.path) weight *= step.zero;
    sum += weight * leaf.value;
  }
  return sum;
}

// Value and derivative of the Legendre polynomial of degree n at x, by its recurrence.
std::pair<double, double> legendre(uint32_t n, double x) {
  double before = 1, value = x;
  for (uint32_t k = 2; k <= n; ++k) {
    double next = ((2.0 * k - 1) * x * value - (k - 1.0) * before) / k;
    before = value;
    value = next;
  }
  return {value, n * (x * value - before) / (x * x - 1)};
}

// Exact for paths of `steps` features: the integrand has degree steps - 1.
Quadrature quadrature_for(uint32_t steps) {
  constexpr double pi = 3.14159265358979323846;
  Quadrature rule;
  rule.points = (steps + 1) / 2;
  for (uint32_t i = 0; i < rule.points; ++i) {
    double x = fixed_cos(pi * (i + 0.75) / (rule.points + 0.5)), slope = 1;
    for (int newton = 0; newton < 20; ++newton) {
      auto [value, derivative] = legendre(rule.points, x);
      slope = derivative;
      x -= value / derivative;
    }
    rule.t[i] = static_cast<float>((1 + x) / 2);
    rule.one_less_t[i] = static_cast<float>((1 - x) / 2);
    rule.weight[i] = static_cast<float>(1 / ((1 - x * x) * slope * slope));
  }
  return rule;
}

void fill_lane(TileStep& step, uint32_t lane, const PathStep& from) {
  step.feature[lane] =
      static_cast<uint16_t>(from.used | (from.takes_missing ? TileStep::takes_missing : 0));
  step.low[lane] = Quantiser::stored(from.low);
  step.high[lane] = Quantiser::stored(from.high);
  step.zero[lane] = static_cast<float>(from.zero);
}

void add_tile(const Leaf* leaves, size_t count, ReasonsTables& tables) {
  uint32_t steps = static_cast<uint32_t>(leaves[count - 1].path.size());  // sorted: the longest
  tables.tiles.push_back({static_cast<uint32_t>(tables.steps.size()), steps});
  const PathStep filling;  // every row goes along, and it weighs nothing
  for (uint32_t d = 0; d < steps; ++d) {
    TileStep& step = tables.steps.emplace_back();
    for (uint32_t k = 0; k < tile_leaves; ++k) {
      bool has_step = k < count && d < leaves[k].path.size();
      fill_lane(step, k, has_step ? leaves[k].path[d] : filling);
    }
  }
  for (uint32_t k = 0; k < tile_leaves; ++k)
    tables.values.push_back(k < count ? leaves[k].value : 0.0f);
}

AddTiles kernel_for(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512) return add_tiles_avx512;
  if (isa == Isa::avx2) return add_tiles_avx2;
#endif
  CHECK(isa == Isa::scalar, "Quantiser::build refuses what the processor has not");
  return add_tiles_scalar;
}

}  // namespace

Result<Reasons> Reasons::build(const TreeModel& model, Isa isa) {
  Reasons reasons;
  TRY_ASSIGN(reasons.quantiser_, Quantiser::build(model, isa));
  reasons.feature_count_ = model.feature_count;
  reasons.add_tiles_ = kernel_for(isa);
  reasons.tables_.slot_count = reasons.quantiser_.slot_count();
  std::vector<Leaf> leaves = leaves_of(model, reasons.quantiser_);
  reasons.bias_ = static_cast<float>(model.base_margin + expected_value(leaves));
  uint32_t longest = leaves.empty() ? 0 : static_cast<uint32_t>(leaves.back().path.size());
  if (longest > path_features_max)
    return fail(fmt::format("a path of the model uses {} features, more than {}", longest,
                            path_features_max),
                {}, "train shallower trees");
  for (size_t first = 0; first < leaves.size(); first += tile_leaves)
    add_tile(&leaves[first], std::min<size_t>(tile_leaves, leaves.size() - first), reasons.tables_);
  for (uint32_t steps = 0; steps <= longest; ++steps)
    reasons.tables_.quadratures.push_back(quadrature_for(steps));
  return reasons;
}

Reasons::Scratch Reasons::make_scratch() const {
  Scratch scratch;
  scratch.slots.resize(quantiser_.slot_count());
  scratch.sums.resize(size_t{quantiser_.used_count()} * tile_leaves + tile_leaves);
  return scratch;
}

void Reasons::contributions(const float* row, float* out, Scratch& scratch) const {
  quantiser_.quantise({row, 0, 1}, scratch.slots.data());
  std::fill(scratch.sums.begin(), scratch.sums.end(), 0.0f);
  add_tiles_(tables_, scratch.slots.data(), scratch.sums.data());
  std::fill_n(out, feature_count_, 0.0f);
  for (uint32_t used = 0; used < quantiser_.used_count(); ++used) {
    float sum = 0;
    for (uint32_t k = 0; k < tile_leaves; ++k) sum += scratch.sums[used * tile_leaves + k];
    out[quantiser_.column(used)] = sum;
  }
  out[feature_count_] = bias_;
}

size_t Reasons::memory_bytes() const {
  return tables_.steps.size() * sizeof(TileStep) + tables_.values.size() * sizeof(float) +
         quantiser_.memory_bytes();
}

}  // namespace paywarden
