// Random rules over random payments: the compiled program against a slow referee that walks its own
// tree and knows missing values as std::nullopt. The trees are written out as text, so the parser's
// precedences are held too.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <optional>

#include "base/random.h"
#include "decision/decision_table.h"

namespace paywarden {
namespace {

using Number = std::optional<double>;
using Text = std::optional<std::string>;

// Strength of binding, as in the grammar.
enum Strength { kOr = 1, kAnd, kNot, kTest, kSum, kProduct, kFactor };

struct Expression {
  std::string text;
  Strength strength = kFactor;
  bool constant = false;                           // a number without names
  bool float_name = false;                         // a feature or the score, by itself
  std::function<Number(const RuleInput&)> number;  // numbers, and times in ms
  std::function<Text(const RuleInput&)> words;
  std::function<bool(const RuleInput&)> holds;  // conditions
  std::function<std::optional<bool>(const RuleInput&)>
      boolean;  // boolean values: a field may be missing
};

Number finite(Number value) {
  return value && std::isfinite(*value) ? value : std::nullopt;
}

class Writer {
 public:
  Writer(const TestSchema& schema, Random& random) : schema_(schema), random_(random) {}

  Expression condition(int depth) {
    switch (depth <= 0 ? 3 + random_.below(6) : random_.below(9)) {
      case 0:
        return chain(depth, kOr);
      case 1:
        return chain(depth, kAnd);
      case 2:
        return negation(depth);
      case 3:
        return number_comparison(depth);
      case 4:
        return text_comparison();
      case 5:
        return membership(depth);
      case 6:
        return presence(depth);
      case 7:
        return boolean_comparison(depth);
      default:
        return boolean_value(depth);
    }
  }

 private:
  // The expression's text where `needed` must bind; with parentheses where they are needed, and
  // sometimes anyway.
  std::string in(const Expression& e, int needed) {
    return e.strength < needed || random_.chance(0.1) ? "(" + e.text + ")" : e.text;
  }
  template <typename T>
  const T& pick(const std::vector<T>& of) {
    return of[random_.below(of.size())];
  }

  Expression of_condition(std::string text, Strength strength,
                          std::function<bool(const RuleInput&)> holds) {
    Expression e;
    e.text = std::move(text);
    e.strength = strength;
    e.boolean = holds;
    e.holds = std::move(holds);
    return e;
  }

  Expression chain(int depth, Strength strength) {
    std::vector<Expression> parts;
    std::string text;
    for (uint64_t i = 0, n = 2 + random_.below(3); i < n; ++i) {
      parts.push_back(condition(depth - 1));
      text += (i ? strength == kOr ? " or " : " and " : "") + in(parts.back(), strength + 1);
    }
    bool deciding = strength == kOr;
    return of_condition(text, strength, [parts, deciding](const RuleInput& input) {
      for (const Expression& part : parts)
        if (part.holds(input) == deciding) return deciding;
      return !deciding;
    });
  }

  Expression negation(int depth) {
    Expression inner = condition(depth - 1);
    return of_condition("not " + in(inner, kNot), kNot,
                        [inner](const RuleInput& input) { return !inner.holds(input); });
  }

  template <typename T>
  static bool compared(const std::string& sign, const T& a, const T& b) {
    if (sign == "<") return a < b;
    if (sign == "<=") return a <= b;
    if (sign == "==") return a == b;
    if (sign == "!=") return a != b;
    return sign == ">" ? a > b : a >= b;
  }

  const std::string& sign() {
    static const std::vector<std::string> kSigns = {"<", "<=", "==", "!=", ">", ">="};
    return pick(kSigns);
  }

  // Constants beside a lone float are floats.
  static Number beside(const Expression& e, const Expression& other, const RuleInput& input) {
    Number value = e.number(input);
    return value && e.constant && other.float_name ? Number(static_cast<float>(*value)) : value;
  }

  Expression number_comparison(int depth) {
    bool times = random_.chance(0.2);
    Expression a = times ? time(depth - 1) : number(depth - 1),
               b = times ? time(depth - 1) : number(depth - 1);
    std::string s = sign();
    return of_condition(in(a, kSum) + " " + s + " " + in(b, kSum), kTest,
                        [a, b, s](const RuleInput& input) {
                          Number x = beside(a, b, input), y = beside(b, a, input);
                          return x && y && compared(s, *x, *y);
                        });
  }

  Expression text_comparison() {
    Expression a = text(), b = text();
    std::string s = sign();
    return of_condition(in(a, kSum) + s + in(b, kSum), kTest, [a, b, s](const RuleInput& input) {
      Text x = a.words(input), y = b.words(input);
      return x && y && compared(s, *x, *y);
    });
  }

  Expression boolean_comparison(int depth) {
    Expression a = boolean_value(depth - 1), b = boolean_value(depth - 1);
    bool equal = random_.chance(0.5);
    return of_condition(in(a, kSum) + (equal ? " == " : " != ") + in(b, kSum), kTest,
                        [a, b, equal](const RuleInput& input) {
                          std::optional<bool> x = a.boolean(input), y = b.boolean(input);
                          return x && y && (*x == *y) == equal;
                        });
  }

  Expression boolean_value(int depth) {
    if (depth > 0 && random_.chance(0.3)) return condition(depth - 1);
    Expression e;
    if (random_.chance(0.3)) {
      bool value = random_.chance(0.5);
      return of_condition(value ? "true" : "false", kFactor,
                          [value](const RuleInput&) { return value; });
    }
    FieldIndex f = *schema_.fields.find("card_present");
    e.text = "card_present";
    e.boolean = [f](const RuleInput& input) {
      return input.payment.has(f) ? std::optional(input.payment.value(f).integer != 0)
                                  : std::nullopt;
    };
    e.holds = [value = e.boolean](const RuleInput& input) { return value(input).value_or(false); };
    return e;
  }

  Expression presence(int depth) {
    bool missing = random_.chance(0.5);
    uint64_t kind = random_.below(3);
    Expression e = kind == 0 ? text() : kind == 1 ? number(depth - 1) : boolean_value(depth - 1);
    return of_condition(in(e, kSum) + (missing ? " is missing" : " is present"), kTest,
                        [e, missing](const RuleInput& input) {
                          bool there = e.number  ? e.number(input).has_value()
                                       : e.words ? e.words(input).has_value()
                                                 : e.boolean(input).has_value();
                          return there != missing;
                        });
  }

  Expression membership(int depth) {
    bool negated = random_.chance(0.5);
    uint64_t kind = random_.below(3);
    if (kind == 0) return in_numbers(depth, negated);
    return kind == 1 ? in_texts(negated) : in_list(negated);
  }

  Expression in_numbers(int depth, bool negated) {
    Expression e = number(depth - 1);
    std::vector<Expression> entries;
    std::string text;
    for (uint64_t i = 0, n = 1 + random_.below(15); i < n; ++i) {
      entries.push_back(literal());
      text += (i ? ", " : "") + entries.back().text;
    }
    return of_condition(in(e, kSum) + (negated ? " not in (" : " in (") + text + ")", kTest,
                        [=](const RuleInput& input) {
                          Number x = e.number(input);
                          bool found = false;
                          for (const Expression& entry : entries)
                            found = found || x == beside(entry, e, input);
                          return x && found != negated;
                        });
  }

  Expression in_texts(bool negated) {
    Expression e = text();
    std::vector<std::string> entries;
    std::string text;
    for (uint64_t i = 0, n = 1 + random_.below(12); i < n; ++i) {
      entries.push_back(i < 5 ? word() : word() + std::to_string(i));
      text += (i ? ",\"" : "\"") + entries.back() + "\"";
    }
    return of_condition(
        in(e, kSum) + (negated ? " not in (" : " in (") + text + ")", kTest,
        [=](const RuleInput& input) {
          Text x = e.words(input);
          return x && (std::find(entries.begin(), entries.end(), *x) != entries.end()) != negated;
        });
  }

  Expression in_list(bool negated) {
    Expression e = text();
    return of_condition(in(e, kSum) + (negated ? " not in" : " in") + " list(\"risky_devices\")",
                        kTest, [=](const RuleInput& input) {
                          Text x = e.words(input);
                          return x && (*x == "D-13" || *x == "emulator x86") != negated;
                        });
  }

  const std::string& word() {
    static const std::vector<std::string> kWords = {"",    "PT", "ES", "D-13", "emulator x86",
                                                    "EUR", "a"};
    return pick(kWords);
  }

  Expression text() {
    Expression e;
    if (random_.chance(0.25)) {
      std::string value = word();
      e.text = "\"" + value + "\"";
      e.words = [value](const RuleInput&) { return Text(value); };
      return e;
    }
    e.text = pick(std::vector<std::string>{"device", "country", "merchant_country", "currency"});
    FieldIndex f = *schema_.fields.find(e.text);
    e.words = [f](const RuleInput& input) -> Text {
      if (f == field::currency) return std::string(input.payment.currency.code());
      return input.payment.has(f) ? Text(input.payment.text(f)) : std::nullopt;
    };
    return e;
  }

  Expression literal() {
    struct Known {
      const char* text;
      double value;
    };
    static const std::vector<Known> kKnown = {
        {"0", 0},      {"1", 1},     {"2.5", 2.5},  {"0.1", 0.1},   {".5", 0.5},      {"100", 100},
        {"1e3", 1000}, {"10m", 600}, {"1d", 86400}, {"500ms", 0.5}, {"1e308", 1e308}, {"2h", 7200}};
    Known known = pick(kKnown);
    bool minus = random_.chance(0.2);
    Expression e;
    e.text = (minus ? "-" : "") + std::string(known.text);
    e.constant = true;
    e.number = [value = minus ? -known.value : known.value](const RuleInput&) {
      return Number(value);
    };
    return e;
  }

  Expression number(int depth) {
    if (depth > 0 && random_.chance(0.5))
      return random_.chance(0.15) ? time_difference(depth - 1) : arithmetic(depth - 1);
    if (random_.chance(0.4)) return literal();
    return random_.chance(0.4) ? float_name() : number_field();
  }

  Expression float_name() {
    Expression e;
    e.float_name = true;
    size_t i = random_.below(schema_.features.size() + 1);
    bool score = i == schema_.features.size();
    e.text = score ? "score" : schema_.features[i];
    e.number = [score, i](const RuleInput& input) -> Number {
      float value = score ? input.score : input.features[i];
      return std::isfinite(value) ? Number(value) : std::nullopt;
    };
    return e;
  }

  Expression number_field() {
    Expression e;
    e.text = pick(
        std::vector<std::string>{"amount", "amount_base", "tip", "ip_risk", "account_age_days"});
    FieldIndex f = schema_.fields.find(e.text).value_or(0);
    e.number = [f](const RuleInput& input) -> Number {
      const Payment& p = input.payment;
      if (f == 0) return static_cast<double>(p.amount_base_minor) / 100;
      if (f == field::amount)
        return static_cast<double>(p.amount_minor) / std::pow(10, p.currency.exponent());
      if (!p.has(f)) return std::nullopt;
      double value = static_cast<double>(p.value(f).integer);
      TestSchema schema;
      if (schema.fields[f].type == FieldType::number) return p.value(f).number;
      return schema.fields[f].type == FieldType::amount
                 ? value / std::pow(10, p.currency.exponent())
                 : value;
    };
    return e;
  }

  Expression arithmetic(int depth) {
    Expression a = number(depth), b = number(depth), e;
    if (random_.chance(0.1)) {
      e.text = "-" + in(a, kFactor);
      e.constant = a.constant;
      e.number = [a](const RuleInput& input) -> Number {
        auto x = a.number(input);
        return x ? Number(-*x) : x;
      };
      return e;
    }
    char op = "+-*/"[random_.below(4)];
    e.strength = op == '+' || op == '-' ? kSum : kProduct;
    e.text = in(a, e.strength) + " " + op + " " + in(b, e.strength + 1);
    e.constant = a.constant && b.constant;
    e.number = [a, b, op](const RuleInput& input) -> Number {
      Number x = a.number(input), y = b.number(input);
      if (!x || !y) return std::nullopt;
      return finite(op == '+' ? *x + *y : op == '-' ? *x - *y : op == '*' ? *x * *y : *x / *y);
    };
    return e;
  }

  Expression time(int depth) {
    Expression e;
    if (depth > 0 && random_.chance(0.4)) {
      Expression base = time(0), span = number(depth - 1);
      bool minus = random_.chance(0.5);
      e.strength = kSum;
      e.text = in(base, kSum) + (minus ? " - " : " + ") + in(span, kProduct);
      e.number = [base, span, minus](const RuleInput& input) -> Number {
        Number t = base.number(input), s = span.number(input);
        Number ms = s ? finite(*s * 1000) : s;
        if (!t || !ms) return std::nullopt;
        return finite(minus ? *t - *ms : *t + *ms);
      };
      return e;
    }
    return time_name();
  }

  Expression time_name() {
    Expression e;
    bool registered = random_.chance(0.5);
    e.text = registered ? "registered_at" : "event_time";
    FieldIndex f = *schema_.fields.find("registered_at");
    e.number = [registered, f](const RuleInput& input) -> Number {
      if (!registered) return static_cast<double>(input.payment.event_time.ms());
      return input.payment.has(f) ? Number(static_cast<double>(input.payment.value(f).integer))
                                  : std::nullopt;
    };
    return e;
  }

  Expression time_difference(int depth) {
    Expression a = time(depth), b = time(depth), e;
    e.strength = kSum;
    e.text = in(a, kSum) + " - " + in(b, kProduct);
    e.number = [a, b](const RuleInput& input) -> Number {
      Number x = a.number(input), y = b.number(input);
      Number ms = x && y ? finite(*x - *y) : std::nullopt;
      return ms ? Number(*ms / 1000) : std::nullopt;
    };
    return e;
  }

  const TestSchema& schema_;
  Random& random_;
};

void fill_randomly(const TestSchema& schema, Random& random, TestPayment& made) {
  const std::vector<double> numbers = {0, 1, 0.1, 2.5, 100, -1, 600, 1e300};
  const std::vector<std::string> texts = {"", "PT", "ES", "D-13", "emulator x86", "EUR", "a", "b"};
  Payment& p = made.payment;
  p.currency = *Currency::parse(random.chance(0.5) ? "EUR" : "JPY");
  p.amount_minor = random.between(0, 300);
  p.amount_base_minor = random.between(0, 300);
  for (FieldIndex f = field::standard_count; f < schema.fields.size(); ++f) {
    FieldType type = schema.fields[f].type;
    if (random.chance(0.35)) continue;
    if (type == FieldType::text) p.set_text(f, texts[random.below(texts.size())]);
    if (type == FieldType::number) p.set_number(f, numbers[random.below(numbers.size())]);
    if (type == FieldType::time)
      p.set_integer(f, p.event_time.ms() - random.between(-1, 2) * 300'000);
    if (type == FieldType::boolean) p.set_integer(f, random.between(0, 1));
    if (type == FieldType::integer || type == FieldType::amount)
      p.set_integer(f, random.between(-3, 100));
  }
  for (float& feature : made.features)
    if (random.chance(0.65)) feature = static_cast<float>(numbers[random.below(7)]);
  made.score = static_cast<float>(numbers[random.below(4)]);
}

// Whether the program's rules were refused for a constant that has no value, as `1 / 0`.
bool has_no_value(const RuleProblems& problems) {
  return problems[0].what.find("has no value") != std::string::npos;
}

TEST(RulesProperty, TheProgramEqualsTheReferee) {
  TestSchema schema;
  Policy policy = policy_with(schema, "");
  RuleVocabulary words = schema.vocabulary();
  size_t run = 0, fired_count = 0;
  for (uint64_t seed = 1; seed <= 8000; ++seed) {
    Random random(seed);
    Writer writer(schema, random);
    std::vector<Expression> conditions;
    std::string text;
    for (int i = 0; i < 4; ++i) {
      conditions.push_back(writer.condition(static_cast<int>(random.below(5))));
      text += "review if " + conditions.back().text + "\n";
    }
    auto rules = compile_rules({"random", text}, words, policy.lists());
    if (!rules && has_no_value(rules.error())) continue;
    ASSERT_TRUE(rules) << "seed " << seed << "\n" << text << rules.error()[0].text();
    RuleRun memory = rules->start();
    for (int k = 0; k < 12; ++k) {
      TestPayment payment(schema);
      fill_randomly(schema, random, payment);
      std::vector<uint32_t> expected;
      for (uint32_t i = 0; i < conditions.size(); ++i)
        if (conditions[i].holds(payment.input())) expected.push_back(i);
      std::span<const uint32_t> fired = rules->run(payment.input(), memory);
      ASSERT_EQ(std::vector<uint32_t>(fired.begin(), fired.end()), expected)
          << "seed " << seed << "\n"
          << text;
      ++run;
      fired_count += fired.size();
    }
  }
  EXPECT_GT(run, 60'000u) << "most random rules compile";
  EXPECT_GT(fired_count, run) << "and fire often enough, and not always, to tell";
  EXPECT_LT(fired_count, 3 * run);
}

}  // namespace
}  // namespace paywarden
