// What two sets of rules and models did with the same payments, counted: for `paywarden backtest`.
//
//   BacktestTally tally(rule_names(present.policy()), rule_names(proposed.policy()));
//   tally.add({time, amount, is_fraud}, {decision, 0.4f}, {proposal, 0.5f});
//   for (const std::string& line : tally.lines("EUR")) std::puts(line.c_str());
//
// Frauds are counted among payments whose truth is known. An alert is a review or a decline.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/rule_overlap.h"
#include "base/json_writer.h"
#include "decision/policy.h"

namespace paywarden {

struct BacktestPayment {
  EventTime time;
  double amount = 0;             // base currency, major units
  std::optional<bool> is_fraud;  // none: not known
};

struct BacktestDecision {
  const Decision& decision;
  std::optional<float> review_at;  // the threshold of the score then; none: not known
};

std::vector<std::string> rule_names(const Policy& policy);

class BacktestTally {
 public:
  // The rules of each side as far as they are known: those that never fire are listed too, which is news to their author.
  BacktestTally(const std::vector<std::string>& present_rules,
                const std::vector<std::string>& proposed_rules);
  void add(const BacktestPayment& payment, const BacktestDecision& decided,
           const BacktestDecision& proposal);
  uint64_t payments() const { return payments_; }
  std::vector<std::string> lines(const std::string& currency) const;
  std::string json(const std::string& currency) const;

 private:
  struct Rule {
    uint64_t hits = 0, frauds = 0, known = 0;
    uint64_t alone = 0;       // alerts that no other rule and not the score would have made
    bool alone_known = true;  // false: of some the score's threshold is not known
  };
  struct Side {
    std::array<uint64_t, 3> outcomes{};
    uint64_t alerts_known = 0, frauds_caught = 0, frauds_missed = 0, frauds_declined = 0;
    double money_caught = 0, money_missed = 0;
    std::map<int64_t, uint64_t> alerts_by_day;
    std::map<std::string, Rule> rules;
    RuleOverlap overlap;
    uint64_t alerts() const { return outcomes[1] + outcomes[2]; }
    uint64_t alerts_a_day_max() const;
    double precision() const;
  };
  static void add(Side& side, const BacktestPayment& payment, const BacktestDecision& decided);
  void add_rule_lines(const char* title, const Side& side, std::vector<std::string>& out) const;
  void append_side(const Side& side, JsonWriter& json) const;
  double a_day(uint64_t n) const {
    return days_.empty() ? 0 : static_cast<double>(n) / static_cast<double>(days_.size());
  }

  Side present_, proposed_;
  std::array<std::array<uint64_t, 3>, 3> changed_{};  // [present][proposed]
  uint64_t payments_ = 0, known_ = 0, newly_caught_ = 0, newly_missed_ = 0;
  double money_newly_caught_ = 0, money_newly_missed_ = 0;
  std::set<int64_t> days_;
};

}  // namespace paywarden
