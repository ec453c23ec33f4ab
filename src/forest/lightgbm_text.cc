#include "forest/lightgbm_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

namespace paywarden {
namespace {

constexpr int kCategorical = 1, kDefaultLeft = 2;                   // bits of decision_type
constexpr int kMissingNone = 0, kMissingZero = 1, kMissingNan = 2;  // its next two bits
constexpr double kZero = 1e-35;  // LightGBM's kZeroThreshold, a float there

tl::unexpected<Error> unreadable(std::string what) {
  return fail("this is no LightGBM text model: " + what, {},
              "save it with LightGBM's save_model (version v4)");
}

tl::unexpected<Error> unsupported(std::string what) {
  return fail(std::move(what), {}, "train with objective binary on numeric features");
}

using Section = std::map<std::string_view, std::string_view>;  // key=value, a line each

// Takes the lines up to an empty one, or the next tree.
Section take_section(std::string_view& text) {
  Section out;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    bool next_tree = line.starts_with("Tree=") && out.contains("Tree");
    if (next_tree || line == "end of trees") return out;
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() && !out.empty()) return out;
    size_t equal = line.find('=');
    if (!line.empty())
      out.emplace(line.substr(0, equal),
                  equal == std::string_view::npos ? std::string_view() : line.substr(equal + 1));
  }
  return out;
}

std::string_view word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  std::string_view out = rest.substr(0, rest.find(' '));
  rest.remove_prefix(out.size());
  return out;
}

template <typename Number>
std::optional<Number> number_in(std::string_view text) {
  Number value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <typename Number>
Result<Number> number_at(const Section& section, std::string_view key) {
  auto found = section.find(key);
  if (found == section.end()) return unreadable(fmt::format("'{}' is missing", key));
  auto value = number_in<Number>(found->second);
  if (!value)
    return unreadable(fmt::format("'{}' is no number: '{}'", key, found->second.substr(0, 40)));
  return *value;
}

template <typename Number>
Result<std::vector<Number>> numbers_at(const Section& section, std::string_view key, size_t count) {
  std::vector<Number> out;
  if (count == 0) return out;
  auto found = section.find(key);
  if (found == section.end()) return unreadable(fmt::format("'{}' is missing", key));
  std::string_view rest = found->second;
  for (std::string_view w = word(rest); !w.empty() && out.size() <= count; w = word(rest)) {
    auto value = number_in<Number>(w);
    if (!value) return unreadable(fmt::format("'{}' holds '{}'", key, w.substr(0, 40)));
    out.push_back(*value);
  }
  if (out.size() != count)
    return unreadable(fmt::format("'{}' does not hold {} numbers", key, count));
  return out;
}

// The least float above: for a float x, x <= threshold is x < that. LightGBM writes 1e300 for "all but missing ones": the largest
// float is that, but for itself.
float above(double threshold) {
  constexpr float most = std::numeric_limits<float>::max();
  if (threshold >= static_cast<double>(most)) return most;
  if (threshold < -static_cast<double>(most)) return -most;
  auto near = static_cast<float>(threshold);
  if (static_cast<double>(near) > threshold) return near;
  return std::nextafter(near, std::numeric_limits<float>::infinity());
}

// Inner nodes first, then the leaves, as the file numbers them: child c >= 0 is inner node c, c < 0 leaf -c - 1.
class TreeReader {
 public:
  TreeReader(const Section& section, const ModelLimits& limits, double scale)
      : section_(section), limits_(limits), scale_(scale) {}

  Result<Tree> read() {
    TRY_ASSIGN(leaves_, number_at<int32_t>(section_, "num_leaves"));
    if (leaves_ < 1 || static_cast<uint32_t>(leaves_) > limits_.nodes_max / 2)
      return unreadable(fmt::format("a tree has {} leaves", leaves_));
    if (section_.contains("is_linear") && section_.at("is_linear") != "0")
      return unsupported("the model has linear trees");
    Tree tree;
    auto count = static_cast<size_t>(leaves_);
    tree.nodes.resize(2 * count - 1);
    TRY(read_inner(tree, count - 1));
    TRY(read_leaves(tree, count));
    return tree;
  }

 private:
  Status read_inner(Tree& tree, size_t inner) {
    TRY_ASSIGN(auto features, numbers_at<int32_t>(section_, "split_feature", inner));
    TRY_ASSIGN(auto thresholds, numbers_at<double>(section_, "threshold", inner));
    TRY_ASSIGN(auto types, numbers_at<int32_t>(section_, "decision_type", inner));
    TRY_ASSIGN(auto left, numbers_at<int32_t>(section_, "left_child", inner));
    TRY_ASSIGN(auto right, numbers_at<int32_t>(section_, "right_child", inner));
    TRY_ASSIGN(auto covers, numbers_at<double>(section_, "internal_weight", inner));
    for (size_t i = 0; i < inner; ++i) {
      TreeNode& node = tree.nodes[i];
      TRY_ASSIGN(node.left, child(left[i]));
      TRY_ASSIGN(node.right, child(right[i]));
      if (features[i] < 0) return unreadable("'split_feature' holds a number below 0");
      node.feature = static_cast<uint32_t>(features[i]);
      node.threshold = above(thresholds[i]);
      node.cover = static_cast<float>(covers[i]);
      TRY_ASSIGN(node.default_left, missing_goes_left(types[i], thresholds[i]));
    }
    return {};
  }

  Status read_leaves(Tree& tree, size_t count) {
    TRY_ASSIGN(auto values, numbers_at<double>(section_, "leaf_value", count));
    // A tree of one leaf says no weight.
    std::vector<double> weights(count, 1);
    if (count > 1) {
      TRY_ASSIGN(weights, numbers_at<double>(section_, "leaf_weight", count));
    }
    for (size_t i = 0; i < count; ++i) {
      TreeNode& leaf = tree.nodes[count - 1 + i];
      leaf.value = static_cast<float>(values[i] * scale_);
      leaf.cover = static_cast<float>(weights[i]);
    }
    return {};
  }

  Result<int32_t> child(int32_t c) const {
    if (c >= leaves_ - 1 || c < -leaves_)
      return unreadable(fmt::format("a child is {}, of {} leaves", c, leaves_));
    return c >= 0 ? c : leaves_ - 2 - c;
  }

  static Result<bool> missing_goes_left(int32_t type, double threshold) {
    if (type < 0 || type > 11) return unreadable(fmt::format("'decision_type' holds {}", type));
    if (type & kCategorical) return unsupported("the model has categorical splits");
    bool zero_left = 0 <= threshold, default_left = type & kDefaultLeft;
    switch (type >> 2) {
      case kMissingNone:
        return zero_left;  // NaN counts as 0
      case kMissingZero:
        if (zero_left != default_left || std::abs(threshold) < kZero)
          return unsupported(
              "the model counts zeros as missing, and sends them elsewhere than other small "
              "values");
        return default_left;
      case kMissingNan:
        return default_left;
      default:
        return unreadable(fmt::format("'decision_type' holds {}", type));
    }
  }

  const Section& section_;
  const ModelLimits& limits_;
  double scale_;
  int32_t leaves_ = 0;
};

Result<double> sigmoid_of(const Section& head) {
  auto found = head.find("objective");
  std::string_view rest = found == head.end() ? std::string_view() : found->second;
  std::string_view name = word(rest);
  if (name != "binary")
    return unsupported(fmt::format("the model's objective is '{}'", name.substr(0, 40)));
  for (std::string_view w = word(rest); !w.empty(); w = word(rest)) {
    if (!w.starts_with("sigmoid:")) continue;
    auto sigmoid = number_in<double>(w.substr(8));
    if (!sigmoid || !(*sigmoid > 0 && *sigmoid < 1e6))
      return unreadable("'sigmoid' is no number above 0");
    return *sigmoid;
  }
  return 1.0;
}

Result<TreeModel> parse(std::string_view text, const ModelLimits& limits) {
  if (text.size() > limits.bytes_max)
    return unreadable(fmt::format("it is longer than {} bytes", limits.bytes_max));
  if (!text.starts_with("tree\n") && !text.starts_with("tree\r\n"))
    return unreadable("it does not begin with 'tree'");
  Section head = take_section(text);
  if (auto version = head.find("version");
      version == head.end() || (version->second != "v4" && version->second != "v3"))
    return unreadable("its version is neither v3 nor v4");
  TRY_ASSIGN(double scale, sigmoid_of(head));
  TRY_ASSIGN(int32_t classes, number_at<int32_t>(head, "num_class"));
  TRY_ASSIGN(int32_t a_round, number_at<int32_t>(head, "num_tree_per_iteration"));
  if (classes != 1 || a_round != 1)
    return unsupported(fmt::format("the model has {} classes", classes));
  TRY_ASSIGN(int32_t last_feature, number_at<int32_t>(head, "max_feature_idx"));
  if (last_feature < 0 || static_cast<uint32_t>(last_feature) >= limits.features_max)
    return unreadable(fmt::format("max_feature_idx is {}", last_feature));
  TreeModel model;
  model.feature_count = static_cast<uint32_t>(last_feature) + 1;
  std::vector<Section> trees;
  while (!text.empty() && !text.starts_with("end of trees")) {
    Section section = take_section(text);
    if (section.empty()) break;
    if (!section.contains("Tree")) return unreadable("something else stands where a tree is due");
    if (trees.size() == limits.trees_max)
      return unreadable(fmt::format("it has more than {} trees", limits.trees_max));
    trees.push_back(std::move(section));
  }
  if (!text.starts_with("end of trees"))
    return unreadable("'end of trees' is missing: it was cut off");
  // A random forest's trees are averaged.
  if (head.contains("average_output") && !trees.empty()) scale /= static_cast<double>(trees.size());
  for (const Section& section : trees) {
    TRY_ASSIGN(Tree tree, TreeReader(section, limits, scale).read());
    model.trees.push_back(std::move(tree));
  }
  return model;
}

}  // namespace

Result<TreeModel> read_lightgbm_text(std::string_view text, std::string_view where,
                                     const ModelLimits& limits) {
  return checked_model(parse(text, limits), limits, where);
}

std::vector<std::string> lightgbm_feature_names(std::string_view text) {
  std::vector<std::string> out;
  Section head = take_section(text);
  auto found = head.find("feature_names");
  std::string_view rest = found == head.end() ? std::string_view() : found->second;
  for (std::string_view name = word(rest); !name.empty(); name = word(rest)) out.emplace_back(name);
  return out;
}

}  // namespace paywarden
