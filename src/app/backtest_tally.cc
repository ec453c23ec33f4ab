#include "app/backtest_tally.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace paywarden {
namespace {

constexpr const char* kOutcomes[] = {"approve", "review", "decline"};

// NaN, null in JSON: of nothing.
double share(uint64_t part, uint64_t whole) {
  return whole ? static_cast<double>(part) / static_cast<double>(whole) : std::nan("");
}

std::string text_of(double share) {
  return std::isnan(share) ? "-" : fmt::format("{:.4f}", share);
}

void count(JsonWriter& json, std::string_view name, uint64_t n) {
  json.key(name).integer(static_cast<int64_t>(n));
}

bool is_alert(const Decision& decision) {
  return decision.outcome != Outcome::approve;
}

}  // namespace

uint64_t BacktestTally::Side::alerts_a_day_max() const {
  uint64_t most = 0;
  for (auto [day, alerts] : alerts_by_day) most = std::max(most, alerts);
  return most;
}

double BacktestTally::Side::precision() const {
  return share(frauds_caught, alerts_known);
}

std::vector<std::string> rule_names(const Policy& policy) {
  std::vector<std::string> names;
  for (uint32_t i = 0; i < policy.rules().size(); ++i) names.push_back(policy.rules()[i].name);
  return names;
}

BacktestTally::BacktestTally(const std::vector<std::string>& present_rules,
                             const std::vector<std::string>& proposed_rules) {
  for (const std::string& name : present_rules) present_.rules[name];
  for (const std::string& name : proposed_rules) proposed_.rules[name];
}

void BacktestTally::add(Side& side, const BacktestPayment& payment,
                        const BacktestDecision& decided) {
  const Decision& decision = decided.decision;
  ++side.outcomes[static_cast<size_t>(decision.outcome)];
  bool alert = is_alert(decision), fraud = payment.is_fraud.value_or(false);
  if (alert) ++side.alerts_by_day[day_of(payment.time)];
  side.alerts_known += alert && payment.is_fraud.has_value();
  if (fraud) {
    ++(alert ? side.frauds_caught : side.frauds_missed);
    (alert ? side.money_caught : side.money_missed) += payment.amount;
    side.frauds_declined += decision.outcome == Outcome::decline;
  }
  bool alone = alert && decision.rules.size() == 1;
  for (const std::string& name : decision.rules) {
    Rule& rule = side.rules[name];
    ++rule.hits;
    rule.frauds += fraud;
    rule.known += payment.is_fraud.has_value();
    rule.alone += alone && decided.review_at && decision.score < *decided.review_at;
    if (alone && !decided.review_at) rule.alone_known = false;
  }
  side.overlap.add(decision.rules, payment.is_fraud);
}

void BacktestTally::add(const BacktestPayment& payment, const BacktestDecision& decided,
                        const BacktestDecision& proposal) {
  const Decision &now = decided.decision, &then = proposal.decision;
  ++payments_;
  known_ += payment.is_fraud.has_value();
  days_.insert(day_of(payment.time));
  ++changed_[static_cast<size_t>(now.outcome)][static_cast<size_t>(then.outcome)];
  add(present_, payment, decided);
  add(proposed_, payment, proposal);
  if (!payment.is_fraud.value_or(false) || is_alert(now) == is_alert(then)) return;
  ++(is_alert(then) ? newly_caught_ : newly_missed_);
  (is_alert(then) ? money_newly_caught_ : money_newly_missed_) += payment.amount;
}

void BacktestTally::add_rule_lines(const char* title, const Side& side,
                                   std::vector<std::string>& out) const {
  for (const auto& [name, rule] : side.rules)
    out.push_back(fmt::format("{} rule {}: {} hits, precision {}, {} alerts by it alone", title,
                              name, rule.hits, text_of(share(rule.frauds, rule.known)),
                              rule.alone_known ? std::to_string(rule.alone) : "-"));
  for (const RulePair& pair : side.overlap.strongest(kRulePairsShown))
    out.push_back(fmt::format(
        "{} rules {} and {}: {} payments hit by both ({:.0f} % and {:.0f} % of theirs), {} frauds, "
        "precision {}",
        title, pair.first, pair.second, pair.payments, 100 * pair.of_first, 100 * pair.of_second,
        pair.frauds, text_of(share(pair.frauds, pair.known))));
  if (side.overlap.pairs() > kRulePairsShown)
    out.push_back(
        fmt::format("{} rules: {} pairs hit the same payments, the {} with most are shown", title,
                    side.overlap.pairs(), kRulePairsShown));
}

std::vector<std::string> BacktestTally::lines(const std::string& currency) const {
  std::vector<std::string> out;
  uint64_t otherwise = 0;
  for (size_t a = 0; a < 3; ++a)
    for (size_t b = 0; b < 3; ++b) otherwise += a == b ? 0 : changed_[a][b];
  out.push_back(fmt::format("{} payments on {} days, of {} the truth is known", payments_,
                            days_.size(), known_));
  out.push_back(fmt::format("{} decided otherwise", otherwise));
  for (size_t a = 0; a < 3; ++a)
    for (size_t b = 0; b < 3; ++b)
      if (a != b && changed_[a][b])
        out.push_back(
            fmt::format("  {:>8}  {} instead of {}", changed_[a][b], kOutcomes[b], kOutcomes[a]));
  auto row = [&](const char* name, const std::string& present, const std::string& proposed) {
    out.push_back(fmt::format("{:<28}{:>14}{:>14}", name, present, proposed));
  };
  auto count = [&](const char* name, uint64_t present, uint64_t proposed) {
    row(name, std::to_string(present), std::to_string(proposed));
  };
  auto money = [&](const char* name, double present, double proposed) {
    row(name, fmt::format("{:.2f} {}", present, currency),
        fmt::format("{:.2f} {}", proposed, currency));
  };
  const Side &now = present_, &then = proposed_;
  row("", "present", "proposed");
  count("alerts", now.alerts(), then.alerts());
  row("alerts a day", fmt::format("{:.1f}", a_day(now.alerts())),
      fmt::format("{:.1f}", a_day(then.alerts())));
  count("on the worst day", now.alerts_a_day_max(), then.alerts_a_day_max());
  count("of them declines", now.outcomes[2], then.outcomes[2]);
  if (known_ > 0) {
    row("precision of alerts", text_of(now.precision()), text_of(then.precision()));
    count("frauds caught", now.frauds_caught, then.frauds_caught);
    count("frauds missed", now.frauds_missed, then.frauds_missed);
    money("fraud money caught", now.money_caught, then.money_caught);
    money("fraud money missed", now.money_missed, then.money_missed);
    out.push_back(fmt::format("frauds newly caught {} ({:.2f} {}), newly missed {} ({:.2f} {})",
                              newly_caught_, money_newly_caught_, currency, newly_missed_,
                              money_newly_missed_, currency));
  }
  for (auto [title, side] : {std::pair{"present", &present_}, {"proposed", &proposed_}})
    add_rule_lines(title, *side, out);
  return out;
}

void BacktestTally::append_side(const Side& side, JsonWriter& json) const {
  json.open_object();
  count(json, "alerts", side.alerts());
  json.key("alerts_a_day").number(a_day(side.alerts()));
  count(json, "alerts_a_day_max", side.alerts_a_day_max());
  count(json, "reviews", side.outcomes[1]);
  count(json, "declines", side.outcomes[2]);
  json.key("precision").number(side.precision());
  count(json, "frauds_caught", side.frauds_caught);
  count(json, "frauds_missed", side.frauds_missed);
  count(json, "frauds_declined", side.frauds_declined);
  json.key("money_caught").number(side.money_caught);
  json.key("money_missed").number(side.money_missed);
  json.key("rules").open_array();
  for (const auto& [name, rule] : side.rules) {
    json.open_object().key("name").string(name);
    count(json, "hits", rule.hits);
    count(json, "frauds", rule.frauds);
    json.key("precision").number(share(rule.frauds, rule.known));
    if (rule.alone_known)
      count(json, "alone", rule.alone);
    else
      json.key("alone").null();
    json.close_object();
  }
  json.close_array();
  count(json, "rule_pairs_overlapping", side.overlap.pairs());
  json.key("rule_pairs").open_array();
  for (const RulePair& pair : side.overlap.strongest(kRulePairsShown)) {
    json.open_object().key("first").string(pair.first).key("second").string(pair.second);
    count(json, "payments", pair.payments);
    count(json, "frauds", pair.frauds);
    json.key("precision").number(share(pair.frauds, pair.known));
    json.key("of_first").number(pair.of_first).key("of_second").number(pair.of_second);
    json.close_object();
  }
  json.close_array().close_object();
}

std::string BacktestTally::json(const std::string& currency) const {
  std::string out;
  JsonWriter json(out);
  json.open_object();
  count(json, "payments", payments_);
  count(json, "truth_known", known_);
  count(json, "days", days_.size());
  json.key("currency").string(currency);
  json.key("changed").open_array();
  for (size_t a = 0; a < 3; ++a)
    for (size_t b = 0; b < 3; ++b) {
      json.open_object().key("present").string(kOutcomes[a]).key("proposed").string(kOutcomes[b]);
      count(json, "payments", changed_[a][b]);
      json.close_object();
    }
  json.close_array();
  count(json, "frauds_newly_caught", newly_caught_);
  json.key("money_newly_caught").number(money_newly_caught_);
  count(json, "frauds_newly_missed", newly_missed_);
  json.key("money_newly_missed").number(money_newly_missed_);
  json.key("present");
  append_side(present_, json);
  json.key("proposed");
  append_side(proposed_, json);
  json.close_object();
  return out + '\n';
}

}  // namespace paywarden
