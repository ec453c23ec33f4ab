#include "decision/rules.h"

#include <algorithm>

#include "base/check.h"
#include "decision/card_numbers.h"
#include "decision/rule_code.h"
#include "decision/rule_program.h"
#include "decision/rule_syntax.h"
#include "decision/rule_types.h"

namespace paywarden {
namespace {

using rule_language::Fault;
using rule_language::Span;
using rule_language::Statement;
using rule_language::SyntaxTree;

constexpr size_t kExcerptBytesMax = 160;

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}  // UTF-8

uint32_t characters(std::string_view text) {
  return static_cast<uint32_t>(std::count_if(text.begin(), text.end(), starts_character));
}

// Places in a text as lines and columns.
class Lines {
 public:
  explicit Lines(const RuleSource& source) : source_(source) {
    starts_.push_back(0);
    for (size_t at = 0; at < source.text.size(); ++at)
      if (source.text[at] == '\n') starts_.push_back(at + 1);
  }

  uint32_t line_of(size_t at) const {
    return static_cast<uint32_t>(std::upper_bound(starts_.begin(), starts_.end(), at) -
                                 starts_.begin());
  }

  RuleProblem problem(Span span, std::string what, std::string remedy) const {
    RuleProblem problem;
    problem.file = source_.file;
    problem.line = line_of(span.begin);
    problem.column = characters(before(span)) + 1;
    problem.what = std::move(what);
    problem.remedy = std::move(remedy);
    return problem;
  }

  // The line, and under it a caret with a tilde for each further character of the place. Tabs stay
  // tabs.
  std::string excerpt(Span span) const {
    std::string_view line = line_text(span);
    std::string_view head = before(span);
    if (head.size() > kExcerptBytesMax) return "";
    std::string under;
    for (char c : head)
      if (starts_character(c)) under.push_back(c == '\t' ? '\t' : ' ');
    std::string_view marked =
        line.substr(std::min(head.size(), line.size()), span.end - span.begin);
    uint32_t width = std::max(characters(marked), 1u);
    return "  " + std::string(line) + "\n  " + under + "^" + std::string(width - 1, '~') + "\n";
  }

 private:
  size_t start_of(Span span) const { return starts_[line_of(span.begin) - 1]; }
  std::string_view line_text(Span span) const {
    std::string_view text = source_.text;
    std::string_view line =
        text.substr(start_of(span), text.find_first_of("\r\n", start_of(span)) - start_of(span));
    return line.size() <= kExcerptBytesMax ? line : line.substr(0, cut(line));
  }
  std::string_view before(Span span) const {
    return std::string_view(source_.text).substr(start_of(span), span.begin - start_of(span));
  }
  static size_t cut(std::string_view line) {
    size_t at = kExcerptBytesMax;
    while (at > 0 && !starts_character(line[at])) --at;
    return at;
  }

  const RuleSource& source_;
  std::vector<size_t> starts_;
};

// What holds for the text as a whole; no excerpt, as that might show a card number.
RuleProblems check_text(const RuleSource& source, const RuleLimits& limits) {
  if (source.text.size() > limits.text_bytes_max) {
    RuleProblem problem;
    problem.file = source.file;
    problem.what = "the rules have more than " + std::to_string(limits.text_bytes_max) + " bytes";
    problem.remedy = "move constants into lists";
    return {problem};
  }
  std::optional<size_t> card = find_card_number(source.text);
  if (!card) return {};
  auto at = static_cast<uint32_t>(*card);
  return {Lines(source).problem({at, at + 1}, "this looks like a card number",
                                "rules hold card tokens, never card numbers")};
}

void name_rules(const Lines& lines, SyntaxTree& tree) {
  for (Statement& statement : tree.statements) {
    statement.rule.line = lines.line_of(statement.name_span.begin);
    if (statement.rule.name.empty())
      statement.rule.name = "line_" + std::to_string(statement.rule.line);
  }
}

void check_names(SyntaxTree& tree, const RuleLimits& limits) {
  std::map<std::string_view, uint32_t> lines;
  for (size_t i = 0; i < tree.statements.size(); ++i) {
    Statement& statement = tree.statements[i];
    if (statement.fault) continue;
    auto [it, added] = lines.try_emplace(statement.rule.name, statement.rule.line);
    if (!added)
      statement.fault = Fault{statement.name_span,
                              "a rule '" + statement.rule.name + "' stands on line " +
                                  std::to_string(it->second) + " already",
                              "give each rule a name of its own"};
    else if (i == limits.rules_max)
      statement.fault =
          Fault{statement.name_span, "more than " + std::to_string(limits.rules_max) + " rules",
                "join rules with 'or', or use lists"};
  }
}

RuleProblems problems_of(const Lines& lines, const SyntaxTree& tree, const RuleLimits& limits) {
  RuleProblems problems;
  for (const Statement& statement : tree.statements) {
    if (!statement.fault || problems.size() >= limits.problems_max) continue;
    const Fault& fault = *statement.fault;
    problems.push_back(lines.problem(fault.span, fault.what, fault.remedy));
    problems.back().excerpt = lines.excerpt(fault.span);
  }
  return problems;
}

ValueType value_type_of(FieldIndex index, FieldType type) {
  if (index == field::card) return ValueType::card;
  switch (type) {
    case FieldType::text:
      return ValueType::text;
    case FieldType::boolean:
      return ValueType::boolean;
    case FieldType::time:
      return ValueType::time;
    case FieldType::integer:
    case FieldType::number:
    case FieldType::amount:
      return ValueType::number;
  }
  return ValueType::unknown;
}

}  // namespace

Error RuleProblem::error() const {
  std::string where = file;
  if (line) where += ":" + std::to_string(line) + ":" + std::to_string(column);
  return {what, where, remedy};
}

std::string RuleProblem::text() const {
  return error().line() + "\n" + excerpt;
}

Error first_error(const RuleProblems& problems) {
  Error error = problems.at(0).error();
  if (problems.size() > 1) error.what += " (and " + std::to_string(problems.size() - 1) + " more)";
  return error;
}

RuleVocabulary::RuleVocabulary(const FieldTable& fields, std::span<const std::string> features,
                               Currency base_currency)
    : feature_count_(features.size()), base_currency_(base_currency) {
  words_.emplace("score", RuleWord{WordKind::score, 0, ValueType::number, true});
  words_.emplace("amount_base", RuleWord{WordKind::amount_base, 0, ValueType::number, false});
  for (FieldIndex i = 0; i < fields.size(); ++i) {
    field_types_.push_back(fields[i].type);
    words_.emplace(fields[i].name,
                   RuleWord{WordKind::field, i, value_type_of(i, fields[i].type), false});
  }
  for (uint32_t i = 0; i < features.size(); ++i)
    words_.emplace(features[i], RuleWord{WordKind::feature, i, ValueType::number, true});
}

std::optional<RuleWord> RuleVocabulary::find(std::string_view name) const {
  auto it = words_.find(name);
  return it == words_.end() ? std::nullopt : std::optional(it->second);
}

std::vector<std::string_view> RuleVocabulary::names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, word] : words_) names.push_back(name);
  return names;
}

RuleRun::RuleRun() = default;
RuleRun::RuleRun(const RuleProgram& program) : memory_(std::make_unique<RuleMemory>(program)) {}
RuleRun::RuleRun(RuleRun&&) noexcept = default;
RuleRun& RuleRun::operator=(RuleRun&&) noexcept = default;
RuleRun::~RuleRun() = default;

RuleSet::RuleSet() : RuleSet(RuleProgram{}) {}
RuleSet::RuleSet(RuleProgram program)
    : program_(std::make_unique<const RuleProgram>(std::move(program))) {}
RuleSet::RuleSet(RuleSet&&) noexcept = default;
RuleSet& RuleSet::operator=(RuleSet&&) noexcept = default;
RuleSet::~RuleSet() = default;

size_t RuleSet::size() const {
  return program_->rules.size();
}
const Rule& RuleSet::operator[](size_t index) const {
  return program_->rules[index];
}
RuleRun RuleSet::start() const {
  return RuleRun(*program_);
}

std::span<const uint32_t> RuleSet::run(const RuleInput& input, RuleRun& run) const {
  if (program_->rules.empty()) return {};
  RuleMemory& memory = *run.memory_;
  CHECK(input.payment.field_count() >= program_->field_count,
        "the payment has the vocabulary's fields");
  CHECK(input.features.size() >= program_->feature_count, "the features are the vocabulary's");
  run_program(*program_, input, memory);
  return {memory.fired.data(), memory.fired_count};
}

bool RuleSet::uses_list(std::string_view name) const {
  return std::any_of(program_->lists.begin(), program_->lists.end(),
                     [name](const auto& use) { return use.name == name; });
}

bool RuleSet::looks_for_cards_in(std::string_view list) const {
  return std::any_of(program_->lists.begin(), program_->lists.end(),
                     [list](const auto& use) { return use.of_cards && use.name == list; });
}

tl::expected<RuleSet, RuleProblems> compile_rules(const RuleSource& source,
                                                  const RuleVocabulary& words, const Lists& lists,
                                                  const RuleLimits& limits) {
  RuleProblems problems = check_text(source, limits);
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  Lines lines(source);
  SyntaxTree tree = rule_language::parse_rules(source.text, limits);
  rule_language::check_types(source.text, words, lists, tree);
  name_rules(lines, tree);
  check_names(tree, limits);
  problems = problems_of(lines, tree, limits);
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return RuleSet(rule_language::generate_code(tree, words, lists));
}

}  // namespace paywarden
