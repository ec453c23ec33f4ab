// The rules that an analyst writes (docs/rules.md is the language's reference), compiled against
// the schema's fields, the features and the lists, and run over one payment without allocating.
//
//   RuleVocabulary words(fields, feature_names, *Currency::parse("EUR"));
//   auto rules = compile_rules({"fraud.rules", text}, words, lists);
//   if (!rules) for (const RuleProblem& problem : rules.error()) std::cerr << problem.text();
//   RuleRun run = rules->start();   // one thread's working memory
//   for (uint32_t fired : rules->run({score, features, payment}, run)) use((*rules)[fired].name);
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "decision/lists.h"
#include "payment/decision.h"
#include "payment/fields.h"
#include "payment/payment.h"

namespace paywarden {

struct RuleSource {
  std::string file;  // for messages
  std::string text;
};

struct RuleLimits {
  size_t rules_max = 1000;           // at 5 ns a rule 5 us a payment: more are somebody's database
  size_t text_bytes_max = 1 << 20;   // a file of rules; bounds what a change puts into the log
  size_t rule_bytes_max = 16 << 10;  // one rule, comments in it counted
  size_t depth_max = 64;             // parentheses and operators in one another: bounds the stack
  size_t set_entries_max = 1000;     // in ("a", "b", ...); longer ones are lists
  size_t problems_max = 20;          // told at once
};

// What is wrong with a rule, and where. Never holds a card number.
struct RuleProblem {
  std::string file;
  uint32_t line = 0, column = 0;  // from 1, the column in characters
  std::string what;
  std::string remedy;  // may be empty
  // The source line and a line with a caret under the place, each ended; may be empty.
  std::string excerpt;

  // "fraud.rules:3:12: there is no field or feature 'amonut'; did you mean 'amount'?"
  Error error() const;
  std::string text() const;  // that line, then the excerpt
};

// One Error for a list of problems: the first, and how many more there are.
Error first_error(const std::vector<RuleProblem>& problems);

// `card` is text in form, but a type of its own: it compares with card tokens alone.
enum class ValueType : uint8_t { number, text, boolean, time, card, unknown };

enum class WordKind : uint8_t { score, amount_base, field, feature };

struct RuleWord {
  WordKind kind;
  uint32_t index;  // of the field or the feature
  ValueType type;
  bool is_float;  // kept as a float: a constant that it is compared with is rounded to one too
};

// The names that a rule may use. One name for two things means the first of: score, amount_base, a
// field, a feature.
class RuleVocabulary {
 public:
  RuleVocabulary(const FieldTable& fields, std::span<const std::string> features,
                 Currency base_currency);
  std::optional<RuleWord> find(std::string_view name) const;
  std::vector<std::string_view> names() const;
  FieldType field_type(FieldIndex field) const { return field_types_[field]; }
  size_t field_count() const { return field_types_.size(); }
  size_t feature_count() const { return feature_count_; }
  Currency base_currency() const { return base_currency_; }

 private:
  std::map<std::string, RuleWord, std::less<>> words_;
  std::vector<FieldType> field_types_;
  size_t feature_count_;
  Currency base_currency_;
};

struct Rule {
  std::string name;  // as written, or "line_12" for one without
  Outcome outcome = Outcome::review;
  bool always = false;  // approve always: overrides every other rule and the score
  uint32_t line = 0;
};

struct RuleInput {
  float score = 0;                  // NaN: missing
  std::span<const float> features;  // in the vocabulary's order; NaN: missing
  const Payment& payment;
};

struct RuleProgram;
struct RuleMemory;

// The working memory of one thread that runs one RuleSet; made by start().
class RuleRun {
 public:
  RuleRun();
  explicit RuleRun(const RuleProgram& program);
  RuleRun(RuleRun&&) noexcept;
  RuleRun& operator=(RuleRun&&) noexcept;
  ~RuleRun();

 private:
  friend class RuleSet;
  std::unique_ptr<RuleMemory> memory_;
};

// Never changes; any thread may run it, each with its own RuleRun. Points at the lists that it was
// compiled against: they must outlive it, keep their places (Lists does) and stand still while it
// runs.
class RuleSet {
 public:
  RuleSet();  // no rules
  explicit RuleSet(RuleProgram program);
  RuleSet(RuleSet&&) noexcept;
  RuleSet& operator=(RuleSet&&) noexcept;
  ~RuleSet();

  size_t size() const;
  const Rule& operator[](size_t index) const;
  RuleRun start() const;
  // The rules that fire, in the order of the text. Valid until the next run with this `run`. The
  // payment and the features must be of the vocabulary's shape.
  std::span<const uint32_t> run(const RuleInput& input, RuleRun& run) const;

  bool uses_list(std::string_view name) const;
  bool looks_for_cards_in(std::string_view list) const;

 private:
  std::unique_ptr<const RuleProgram> program_;
};

using RuleProblems = std::vector<RuleProblem>;
tl::expected<RuleSet, RuleProblems> compile_rules(const RuleSource& source,
                                                  const RuleVocabulary& words, const Lists& lists,
                                                  const RuleLimits& limits = {});

}  // namespace paywarden
