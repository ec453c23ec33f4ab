#include "forest/quantiser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"

namespace paywarden {
namespace {

constexpr size_t keys_per_block = 16, children_per_block = 17;

std::vector<std::vector<float>> thresholds_by_column(const TreeModel& model) {
  std::vector<std::vector<float>> by_column(model.feature_count);
  for (const Tree& tree : model.trees)
    for (const TreeNode& node : tree.nodes)
      if (!node.is_leaf()) by_column[node.feature].push_back(node.threshold);
  for (auto& thresholds : by_column) {
    std::sort(thresholds.begin(), thresholds.end());
    thresholds.erase(std::unique(thresholds.begin(), thresholds.end()),
                     thresholds.end());  // -0 == 0
  }
  return by_column;
}

using Function = void (*)(const Quantiser&, const FloatRows& rows, int16_t* slots);

Function function_for(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512) return quantise_avx512;
  if (isa == Isa::avx2) return quantise_avx2;
#endif
  CHECK(isa == Isa::scalar, "is_supported has been asked");
  return quantise_scalar;
}

}  // namespace

Result<Quantiser> Quantiser::build(const TreeModel& model, Isa isa) {
  if (!is_supported(isa)) return fail(fmt::format("this processor has no {}", name_of(isa)));
  Quantiser quantiser;
  quantiser.used_index_.resize(model.feature_count, std::numeric_limits<uint32_t>::max());
  auto by_column = thresholds_by_column(model);
  for (uint32_t column = 0; column < model.feature_count; ++column) {
    if (by_column[column].empty()) continue;
    if (by_column[column].size() > thresholds_max)
      return fail(fmt::format("the model splits feature {} at {} values, more than {}", column,
                              by_column[column].size(), thresholds_max),
                  {}, "train with tree_method hist");
    quantiser.add_feature(column, std::move(by_column[column]));
  }
  if (quantiser.used_count() > used_features_max)
    return fail(fmt::format("the model uses {} features, more than {}", quantiser.used_count(),
                            used_features_max));
  // One row at least, so that a model without splits still has slots to point at.
  quantiser.slot_count_ =
      std::max<uint32_t>(1, (2 * quantiser.used_count() + slots_step - 1) / slots_step) *
      slots_step;
  quantiser.quantise_ = function_for(isa);
  return quantiser;
}

void Quantiser::add_feature(uint32_t column, std::vector<float> thresholds) {
  Feature feature{column, 1, {}};
  size_t blocks = (thresholds.size() + keys_per_block - 1) / keys_per_block;
  for (size_t reach = 1; reach < blocks; reach *= children_per_block) ++feature.levels;
  CHECK(feature.levels <= std::size(feature.first_block), "thresholds_max fits four levels");
  // `span`: how many thresholds lie below one child of a block on this level.
  size_t span = 1;
  for (uint32_t level = 1; level < feature.levels; ++level)
    span *= level == 1 ? keys_per_block : children_per_block;
  for (uint32_t level = 0; level < feature.levels; ++level) {
    bool last = level + 1 == feature.levels;
    size_t fan = last ? keys_per_block : children_per_block, below = last ? 1 : span;
    feature.first_block[level] = static_cast<uint32_t>(keys_.size() / keys_per_block);
    for (size_t first = 0; first < thresholds.size(); first += fan * below)
      for (size_t k = 0; k < keys_per_block; ++k) {
        size_t at = first + (last ? k : (k + 1) * below);  // the least threshold below child k + 1
        keys_.push_back(at < thresholds.size() ? thresholds[at] : std::nanf(""));
      }
    span /= level + 2 == feature.levels ? keys_per_block : children_per_block;
  }
  used_index_[column] = used_count();
  features_.push_back(feature);
  thresholds_.push_back(std::move(thresholds));
}

uint32_t Quantiser::rank(uint32_t feature, float threshold) const {
  const std::vector<float>& sorted = thresholds_[used_index_[feature]];
  auto at = std::lower_bound(sorted.begin(), sorted.end(), threshold);
  CHECK(at != sorted.end() && *at == threshold, "a node's threshold was collected");
  return static_cast<uint32_t>(at - sorted.begin());
}

size_t Quantiser::memory_bytes() const {
  return keys_.size() * sizeof(float) + features_.size() * sizeof(Feature);
}

namespace {

uint32_t keys_at_most(const float* keys, float x) {
  uint32_t count = 0;
  for (size_t k = 0; k < keys_per_block; ++k) count += keys[k] <= x;
  return count;
}

uint32_t bin_of(const float* keys, const Quantiser::Feature& feature, float x) {
  uint32_t at = 0;
  for (uint32_t level = 0; level + 1 < feature.levels; ++level)
    at = at * children_per_block +
         keys_at_most(keys + (feature.first_block[level] + at) * keys_per_block, x);
  return at * keys_per_block +
         keys_at_most(keys + (feature.first_block[feature.levels - 1] + at) * keys_per_block, x);
}

}  // namespace

void quantise_scalar(const Quantiser& quantiser, const FloatRows& rows, int16_t* slots) {
  for (const Quantiser::Feature& feature : quantiser.features()) {
    for (size_t row = 0; row < rows.count; ++row) {
      float x = rows.at(row, feature.column);
      uint32_t pair = slot_pair(bin_of(quantiser.keys(), feature, x), std::isnan(x));
      std::memcpy(slots + row * quantiser.slot_count(), &pair, sizeof pair);
    }
    slots += 2;
  }
}

}  // namespace paywarden
