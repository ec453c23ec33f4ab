// For the tests: payments and what becomes of them as lines that an analyst could read.
//
//   amount=2500 card_count_10m=7 country=PT score=0.4 -> decline big_burst, far_away
//
// Left: fields, features and the score; a field that is not named is missing (amount 0, EUR,
// 2026-01-15T12:00:00Z and a card of zeros are always there). Right: the outcome, the rules that
// fire, then "guarded" or "observed" where so.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "decision/policy.h"

namespace paywarden {

// The schema and features of all tests here, and of docs/rules.md.
struct TestSchema {
  FieldTable fields;
  std::vector<std::string> features = {"card_count_10m", "card_amount_sum_24h",
                                       "card_amount_ratio_30d", "merchant_fraud_rate_30d",
                                       "distance_km"};
  TestSchema() {
    struct Extra {
      const char* name;
      FieldType type;
    };
    for (Extra extra :
         {Extra{"country", FieldType::text}, Extra{"merchant_country", FieldType::text},
          Extra{"device", FieldType::text}, Extra{"account_age_days", FieldType::integer},
          Extra{"card_present", FieldType::boolean}, Extra{"registered_at", FieldType::time},
          Extra{"tip", FieldType::amount}, Extra{"ip_risk", FieldType::number}})
      CHECK(fields.add(extra.name, extra.type), "the test's schema is in order");
  }
  RuleVocabulary vocabulary() const {
    return RuleVocabulary(fields, features, *Currency::parse("EUR"));
  }
  size_t feature_index(std::string_view name) const {
    return static_cast<size_t>(std::find(features.begin(), features.end(), name) -
                               features.begin());
  }
};

struct TestPayment {
  Payment payment;
  std::vector<float> features;
  float score = 0;
  explicit TestPayment(const TestSchema& schema)
      : features(schema.features.size(), std::numeric_limits<float>::quiet_NaN()) {
    payment.reset(schema.fields.size());
    payment.event_time = *parse_rfc3339("2026-01-15T12:00:00Z");
    payment.currency = *Currency::parse("EUR");
  }
  RuleInput input() const { return {score, features, payment}; }
};

namespace decision_table {

inline std::string_view trim(std::string_view s) {
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.front()))) s.remove_prefix(1);
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.back()))) s.remove_suffix(1);
  return s;
}

// "a=1 b=\"two words\"" -> {"a", "1"}, {"b", "two words"}
inline std::vector<std::pair<std::string, std::string>> assignments(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> found;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    size_t equals = text.find('=');
    CHECK(equals != std::string_view::npos, "a line has name=value on the left");
    std::string name(text.substr(0, equals));
    text.remove_prefix(equals + 1);
    char end = text.starts_with('"') ? '"' : ' ';
    if (end == '"') text.remove_prefix(1);
    size_t length = std::min(text.find(end), text.size());
    found.emplace_back(name, text.substr(0, length));
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return found;
}

template <typename T>
T number(const std::string& text) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  CHECK(error == std::errc() && end == text.data() + text.size(), text.c_str());
  return value;
}

inline void set_card(const std::string& hex, CardToken& card) {
  for (size_t i = 0; i < card.bytes.size(); ++i)
    CHECK(std::from_chars(&hex[2 * i], &hex[2 * i] + 2, card.bytes[i], 16).ec == std::errc(),
          "a card token is 32 hex digits");
}

inline void set_field(const TestSchema& schema, FieldIndex f, const std::string& value,
                      Payment& p) {
  int exponent = p.currency.exponent();
  if (f == field::card) return set_card(value, p.card);
  if (f == field::amount)
    p.amount_minor = p.amount_base_minor = *parse_minor_units(value, exponent);
  if (f == field::currency) p.currency = *Currency::parse(value);
  if (f == field::event_time) p.event_time = *parse_rfc3339(value);
  if (f == field::amount || f == field::currency || f == field::event_time) return;
  switch (schema.fields[f].type) {
    case FieldType::text:
      return p.set_text(f, value);
    case FieldType::integer:
      return p.set_integer(f, number<int64_t>(value));
    case FieldType::number:
      return p.set_number(f, number<double>(value));
    case FieldType::boolean:
      return p.set_integer(f, value == "true");
    case FieldType::time:
      return p.set_integer(f, parse_rfc3339(value)->ms());
    case FieldType::amount:
      return p.set_integer(f, *parse_minor_units(value, exponent));
  }
}

// A currency must stand before the amounts in it.
inline TestPayment payment_of(const TestSchema& schema, std::string_view line) {
  TestPayment made(schema);
  for (const auto& [name, value] : assignments(line)) {
    if (name == "score")
      made.score = number<float>(value);
    else if (name == "amount_base")
      made.payment.amount_base_minor = *parse_minor_units(value, 2);
    else if (auto f = schema.fields.find(name))
      set_field(schema, *f, value, made.payment);
    else if (size_t i = schema.feature_index(name); i < schema.features.size())
      made.features[i] = number<float>(value);
    else
      ADD_FAILURE() << "the schema has no '" << name << "'";
  }
  return made;
}

inline std::string described(const Decision& decision) {
  std::string text(name_of(decision.observed ? decision.would_be : decision.outcome));
  for (size_t i = 0; i < decision.rules.size(); ++i) text += (i ? ", " : " ") + decision.rules[i];
  if (decision.guarded) text += " guarded";
  if (decision.observed) text += " observed";
  return text;
}

}  // namespace decision_table

// Decides the payment of each line and holds it against the line's right side.
inline void expect_decisions(const TestSchema& schema, Policy& policy, std::string_view table) {
  using decision_table::trim;
  for (table = trim(table); !table.empty(); table = trim(table)) {
    std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(line.size());
    size_t arrow = line.find("->");
    ASSERT_NE(arrow, std::string_view::npos) << line;
    TestPayment payment = decision_table::payment_of(schema, line.substr(0, arrow));
    Decision decision;
    (void)policy.decide(payment.input(), decision);
    EXPECT_EQ(decision_table::described(decision), trim(line.substr(arrow + 2))) << line;
    EXPECT_TRUE(!decision.observed || decision.outcome == Outcome::approve) << line;
  }
}

inline Change change_of(ChangeKind kind, std::string name, std::string content) {
  return {kind, std::move(name), std::move(content), "maria", "a test", EventTime(0)};
}

inline void must_apply(Policy& policy, ChangeKind kind, std::string name, std::string content) {
  Status done = policy.apply(change_of(kind, std::move(name), std::move(content)));
  ASSERT_TRUE(done) << done.error().line();
}

// With the lists "blocked" and "trusted" (cards), "risky_devices", and these rules.
inline Policy policy_with(const TestSchema& schema, std::string rules, PolicyOptions options = {}) {
  Policy policy = std::move(*Policy::create(schema.vocabulary(), options));
  must_apply(policy, ChangeKind::list_replace, "blocked", "00112233445566778899aabbccddeeff\n");
  must_apply(policy, ChangeKind::list_replace, "trusted", "ffeeddccbbaa99887766554433221100\n");
  must_apply(policy, ChangeKind::list_replace, "risky_devices", "D-13\nemulator x86\n");
  must_apply(policy, ChangeKind::rules, "test.rules", std::move(rules));
  return policy;
}

}  // namespace paywarden
