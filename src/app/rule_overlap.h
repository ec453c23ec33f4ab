// Which rules fire on the same payments: pairs of rules, with how many payments both of them hit and how many of those were frauds.
//
//   RuleOverlap overlap;
//   overlap.add(decision.rules, is_fraud);
//   for (const RulePair& pair : overlap.strongest(kRulePairsShown)) ...
//
// Cost: some 60 bytes for each pair that ever met; a payment that k rules hit takes k * (k - 1) / 2 steps.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace paywarden {

// As many as a person looks through; all of them would be some 20,000 lines with 200 rules.
inline constexpr size_t kRulePairsShown = 20;

struct RulePair {
  std::string_view first, second;      // by name
  uint64_t payments = 0;               // that both hit
  uint64_t frauds = 0, known = 0;      // of them
  double of_first = 0, of_second = 0;  // their share of the payments that each of the two hits
};

class RuleOverlap {
 public:
  // `rules`: that hit one payment, each once; `is_fraud`: none: not known.
  void add(const std::vector<std::string>& rules, std::optional<bool> is_fraud);
  size_t pairs() const { return met_.size(); }
  // Those with the most payments first, then by name. Their texts are this object's.
  std::vector<RulePair> strongest(size_t most) const;

 private:
  struct Met {
    uint64_t payments = 0, frauds = 0, known = 0;
  };
  struct Rule {
    std::string_view name;  // in numbers_
    uint64_t hits = 0;
  };
  uint32_t number_of(const std::string& rule);

  std::map<std::string, uint32_t, std::less<>> numbers_;
  std::vector<Rule> rules_;
  std::unordered_map<uint64_t, Met> met_;  // by both numbers, the smaller one in the high half
  std::vector<uint32_t> now_;
};

}  // namespace paywarden
