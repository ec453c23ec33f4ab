#include "app/rule_overlap.h"

#include <algorithm>

namespace paywarden {

uint32_t RuleOverlap::number_of(const std::string& rule) {
  auto [at, fresh] = numbers_.try_emplace(rule, static_cast<uint32_t>(rules_.size()));
  if (fresh) rules_.push_back({at->first});
  return at->second;
}

void RuleOverlap::add(const std::vector<std::string>& rules, std::optional<bool> is_fraud) {
  now_.clear();
  for (const std::string& rule : rules) {
    now_.push_back(number_of(rule));
    ++rules_[now_.back()].hits;
  }
  std::sort(now_.begin(), now_.end());
  for (size_t a = 0; a < now_.size(); ++a)
    for (size_t b = a + 1; b < now_.size(); ++b) {
      Met& met = met_[uint64_t{now_[a]} << 32 | now_[b]];
      ++met.payments;
      met.frauds += is_fraud.value_or(false);
      met.known += is_fraud.has_value();
    }
}

std::vector<RulePair> RuleOverlap::strongest(size_t most) const {
  std::vector<RulePair> out;
  for (const auto& [numbers, met] : met_) {
    const Rule *first = &rules_[numbers >> 32], *second = &rules_[static_cast<uint32_t>(numbers)];
    if (second->name < first->name) std::swap(first, second);
    auto part_of = [&](const Rule& rule) {
      return static_cast<double>(met.payments) / static_cast<double>(rule.hits);
    };
    out.push_back({first->name, second->name, met.payments, met.frauds, met.known, part_of(*first),
                   part_of(*second)});
  }
  auto stronger = [](const RulePair& a, const RulePair& b) {
    if (a.payments != b.payments) return a.payments > b.payments;
    return std::pair(a.first, a.second) < std::pair(b.first, b.second);
  };
  auto end = out.begin() + static_cast<ptrdiff_t>(std::min(most, out.size()));
  std::partial_sort(out.begin(), end, out.end(), stronger);
  out.erase(end, out.end());
  return out;
}

}  // namespace paywarden
