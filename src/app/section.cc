#include "app/section.h"

#include <fmt/format.h>

#include <charconv>

#include "base/spelling.h"

namespace paywarden {

Section::Section(const toml::table& config, std::string path, std::string file)
    : path_(std::move(path)), file_(std::move(file)) {
  auto node = config.at_path(path_);
  table_ = node.as_table();
  if (node && !table_)
    problem_ = Error{"'" + path_ + "' must be a table: [" + path_ + "]", file_, {}};
}

Section::Section(const toml::table* table, std::string path, std::string file)
    : table_(table), path_(std::move(path)), file_(std::move(file)) {}

std::string Section::where(std::string_view key) const {
  const toml::node* node = table_ ? table_->get(key) : nullptr;
  const toml::source_region* place = node ? &node->source() : table_ ? &table_->source() : nullptr;
  return place ? file_ + ":" + std::to_string(place->begin.line) : file_;
}

void Section::problem(std::string_view key, std::string what, std::string remedy) {
  if (problem_) return;
  std::string name = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  problem_ = Error{name + " " + std::move(what), where(key), std::move(remedy)};
}

const toml::node* Section::take(std::string_view key) {
  known_.emplace(key);
  return table_ ? table_->get(key) : nullptr;
}

void Section::text(std::string_view key, std::string& out) {
  const toml::node* node = take(key);
  if (!node) return;
  if (auto value = node->value_exact<std::string>())
    out = *value;
  else
    problem(key, "must be a text in quotes");
}

void Section::texts(std::string_view key, std::vector<std::string>& out) {
  const toml::node* node = take(key);
  if (!node) return;
  const toml::array* list = node->as_array();
  out.clear();
  for (size_t i = 0; list && i < list->size(); ++i) {
    auto value = (*list)[i].value_exact<std::string>();
    if (!value) return problem(key, "must hold texts only");
    out.push_back(*value);
  }
  if (!list) problem(key, "must be a list: [\"...\"]");
}

void Section::text_map(std::string_view key, std::map<std::string, std::string>& out) {
  const toml::node* node = take(key);
  if (!node) return;
  const toml::table* table = node->as_table();
  if (!table) return problem(key, "must be a table");
  for (const auto& [name, value] : *table) {
    auto text = value.value<std::string>();
    if (!text) return problem(key, "must hold texts only");
    out[std::string(name.str())] = *text;
  }
}

void Section::flag(std::string_view key, bool& out) {
  const toml::node* node = take(key);
  if (!node) return;
  if (auto value = node->value_exact<bool>())
    out = *value;
  else
    problem(key, "must be true or false");
}

void Section::number(std::string_view key, double& out, double low, double high) {
  const toml::node* node = take(key);
  if (!node) return;
  auto value = node->value<double>();
  if (!value || !(*value >= low && *value <= high))  // nan is in no range
    return problem(key, fmt::format("must be a number from {} to {}", low, high));
  out = *value;
}

std::optional<int64_t> Section::whole_number(std::string_view key, int64_t low, int64_t high) {
  const toml::node* node = take(key);
  if (!node) return std::nullopt;
  auto value = node->value_exact<int64_t>();
  if (value && *value >= low && *value <= high) return value;
  problem(key, fmt::format("must be a whole number from {} to {}", low, high));
  return std::nullopt;
}

void Section::span(std::string_view key, Duration& out, Duration low, Duration high) {
  const toml::node* node = take(key);
  if (!node) return;
  auto parsed = parse_duration(node->value_or(std::string()));
  if (!parsed) return problem(key, ": " + parsed.error().what, parsed.error().remedy);
  if (*parsed < low || *parsed > high)
    return problem(key, "must be from " + format_duration(low) + " to " + format_duration(high));
  out = *parsed;
}

void Section::bytes(std::string_view key, uint64_t& out, uint64_t low, uint64_t high) {
  const toml::node* node = take(key);
  if (!node) return;
  std::string text =
      node->is_integer() ? std::to_string(*node->value<int64_t>()) : node->value_or(std::string());
  uint64_t count = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  std::string_view suffix(end, static_cast<size_t>(text.data() + text.size() - end));
  int shift = suffix.empty()    ? 0
              : suffix == "KiB" ? 10
              : suffix == "MiB" ? 20
              : suffix == "GiB" ? 30
              : suffix == "TiB" ? 40
                                : -1;
  if (error != std::errc() || shift < 0)
    return problem(key, "is no size", "write \"64MiB\", \"1GiB\" or a number of bytes");
  bool beyond = count > (high >> shift);
  count <<= shift;
  if (count < low || beyond)
    return problem(key, fmt::format("must be from {} to {} bytes", low, high));
  out = count;
}

void Section::choice(std::string_view key, size_t& out,
                     std::initializer_list<std::string_view> words) {
  const toml::node* node = take(key);
  if (!node) return;
  std::string value = node->value_or(std::string()), all;
  size_t i = 0;
  for (std::string_view word : words) {
    if (word == value) {
      out = i;
      return;
    }
    all += (i++ ? ", \"" : "\"") + std::string(word) + '"';
  }
  problem(key, "must be one of " + all);
}

Status Section::finish() {
  if (problem_) return tl::unexpected(*problem_);
  if (!table_) return {};
  for (const auto& [key, node] : *table_) {
    if (known_.contains(key.str())) continue;
    std::vector<std::string_view> names(known_.begin(), known_.end());
    auto near = nearest_word(key.str(), names);
    problem(
        key.str(), "is an unknown key",
        near.empty() ? "see docs/CONFIGURATION.md" : "did you mean '" + std::string(near) + "'?");
    return tl::unexpected(*problem_);
  }
  return {};
}

}  // namespace paywarden
