#include "decision/rule_syntax.h"

#include <algorithm>
#include <array>

#include "base/spelling.h"

namespace paywarden::rule_language {
namespace {

constexpr size_t kNameBytesMax = 64;  // a rule's name goes into every decision that it fires on

std::optional<Outcome> outcome_of(const Token& token) {
  for (Outcome outcome : {Outcome::approve, Outcome::review, Outcome::decline})
    if (token.is(name_of(outcome))) return outcome;
  return std::nullopt;
}

bool starts_rule(const Token& token) {
  return token.is("rule") || outcome_of(token);
}

std::optional<NodeKind> comparison_of(const Token& token) {
  struct Row {
    std::string_view symbol;
    NodeKind kind;
  };
  constexpr std::array<Row, 6> kRows = {{{"<", NodeKind::less},
                                         {"<=", NodeKind::less_equal},
                                         {"==", NodeKind::equal},
                                         {"!=", NodeKind::not_equal},
                                         {">", NodeKind::greater},
                                         {">=", NodeKind::greater_equal}}};
  for (const Row& row : kRows)
    if (token.is(row.symbol)) return row.kind;
  return std::nullopt;
}

bool is_rule_name(const Token& token) {
  return token.kind == TokenKind::word && token.source.size() <= kNameBytesMax &&
         !is_keyword(token.source) &&
         std::all_of(token.source.begin(), token.source.end(),
                     [](char c) { return c < 'A' || c > 'Z'; });
}

std::string quoted(const Token& token) {
  return "'" + std::string(token.source.substr(0, kNameBytesMax)) + "'";
}

// One rule. After the first fault the reader stands at the rule's end, so that all that is still
// open closes.
class StatementParser {
 public:
  StatementParser(const std::vector<Token>& tokens, size_t begin, size_t end,
                  const RuleLimits& limits, std::vector<Node>& nodes)
      : tokens_(tokens), at_(begin), end_(end), limits_(limits), nodes_(nodes) {}

  Statement parse() {
    check_length();
    statement_.name_span = peek().span;
    if (take("rule")) name();
    outcome();
    if (!take("if")) expected("'if'");
    statement_.condition = condition();
    if (at_ < end_) unexpected_end();
    return std::move(statement_);
  }

 private:
  // The token of the next rule, or the text's end, stands for this rule's end.
  bool at_end() const { return at_ >= end_; }
  const Token& peek() const { return tokens_[std::min(at_, end_)]; }
  bool next_is(std::string_view word) const { return !at_end() && peek().is(word); }
  bool take(std::string_view word) {
    bool there = next_is(word);
    if (there) ++at_;
    return there;
  }

  NodeId fault(Span span, std::string what, std::string remedy = {}) {
    if (!statement_.fault) statement_.fault = Fault{span, std::move(what), std::move(remedy)};
    at_ = end_;
    return add(NodeKind::boolean, span, {});
  }

  NodeId expected(const std::string& what, std::string remedy = {}) {
    const Token& token = peek();
    if (token.kind == TokenKind::bad) return fault(token.span, token.text, token.remedy);
    if (token.kind == TokenKind::end)
      return fault(behind_last(), "expected " + what + ", found the end", std::move(remedy));
    std::string found = quoted(token) + (at_end() ? ", which starts another rule" : "");
    return fault(token.span, "expected " + what + ", found " + found, std::move(remedy));
  }

  Span behind_last() const {
    uint32_t end = tokens_[end_ - 1].span.end;
    return {end, end};
  }

  void unexpected_end() {
    if (comparison_of(peek())) {
      fault(peek().span, "comparisons do not chain", "join two of them with 'and'");
      return;
    }
    constexpr std::array<std::string_view, 6> kWords = {"and", "or", "in", "is", "not", "list"};
    std::string_view near =
        peek().kind == TokenKind::word ? nearest_word(peek().source, kWords) : "";
    expected("'and', 'or' or another rule",
             near.empty() ? "" : "did you mean '" + std::string(near) + "'?");
  }

  void check_length() {
    Span whole = {tokens_[at_].span.begin, tokens_[end_ - 1].span.end};
    if (whole.end - whole.begin > limits_.rule_bytes_max)
      fault(tokens_[at_].span,
            "the rule has more than " + std::to_string(limits_.rule_bytes_max) + " bytes",
            "make a list of its constants, or several rules of it");
  }

  void name() {
    statement_.name_span = peek().span;
    if (at_end() || !is_rule_name(peek())) {
      expected("a name for the rule",
               "use a-z, 0-9 and _, a letter first, at most 64, no word of the language");
      return;
    }
    statement_.rule.name = peek().source;
    ++at_;
    if (!take(":")) expected("':' behind the rule's name");
  }

  void outcome() {
    std::optional<Outcome> outcome = at_end() ? std::nullopt : outcome_of(peek());
    if (!outcome) {
      expected("'review', 'decline' or 'approve always'");
      return;
    }
    Span span = peek().span;
    ++at_;
    statement_.rule.outcome = *outcome;
    bool always = take("always");
    statement_.rule.always = always;
    if (*outcome == Outcome::approve && !always && next_is("if"))
      fault(span, "'approve if' would change nothing: what nothing stops is approved",
            "write 'approve always if' to override all other rules and the score");
    if (*outcome != Outcome::approve && always)
      fault(span, "'always' goes with 'approve' alone",
            "leave it out: the most severe outcome wins");
  }

  NodeId add(NodeKind kind, Span span, std::vector<NodeId> children) {
    Node node;
    node.kind = kind;
    node.span = span;
    for (NodeId child : children) node.depth = std::max(node.depth, nodes_[child].depth + 1);
    node.children = std::move(children);
    nodes_.push_back(std::move(node));
    auto id = static_cast<NodeId>(nodes_.size() - 1);
    if (nodes_[id].depth > limits_.depth_max) too_deep(span);
    return id;
  }

  // Never through fault(): that adds a node.
  void too_deep(Span span) {
    if (!statement_.fault)
      statement_.fault = Fault{
          span, "the condition is nested more than " + std::to_string(limits_.depth_max) + " deep",
          "make several rules of it"};
    at_ = end_;
  }

  Span from(NodeId first, NodeId last) const {
    return {nodes_[first].span.begin, nodes_[last].span.end};
  }
  Span from(uint32_t begin) const { return {begin, tokens_[at_ ? at_ - 1 : 0].span.end}; }

  NodeId condition() {
    Nesting nesting(*this);
    return chain("or", NodeKind::any_of,
                 [this] { return chain("and", NodeKind::all_of, [this] { return negation(); }); });
  }

  // One node for all operands, so that long chains are not deep.
  template <typename Operand>
  NodeId chain(std::string_view word, NodeKind kind, Operand operand) {
    std::vector<NodeId> operands = {operand()};
    while (take(word)) operands.push_back(operand());
    if (operands.size() == 1) return operands[0];
    Span span = from(operands.front(), operands.back());
    return add(kind, span, std::move(operands));
  }

  NodeId negation() {
    if (!next_is("not")) return test();
    Nesting nesting(*this);
    uint32_t begin = peek().span.begin;
    take("not");
    NodeId operand = negation();
    return add(NodeKind::logical_not, {begin, nodes_[operand].span.end}, {operand});
  }

  NodeId test() {
    NodeId left = sum();
    if (at_end()) return left;
    if (std::optional<NodeKind> comparison = comparison_of(peek())) {
      ++at_;
      NodeId right = sum();
      NodeId node = add(*comparison, from(left, right), {left, right});
      if (!at_end() && comparison_of(peek())) unexpected_end();
      return node;
    }
    if (take("is")) return presence(left);
    bool negated = take("not");
    if (take("in")) return membership(left, negated);
    return negated ? expected("'in' behind 'not'", "'not' stands before what it negates: not x > 1")
                   : left;
  }

  NodeId presence(NodeId value) {
    bool present = take("present");
    if (!present && !take("missing"))
      return expected("'missing' or 'present' behind 'is'",
                      next_is("not") ? "write 'is present'" : "compare with '=='");
    NodeId node = add(NodeKind::is_missing, from(nodes_[value].span.begin), {value});
    nodes_[node].negated = present;
    return node;
  }

  NodeId membership(NodeId value, bool negated) {
    NodeId node = take("list") ? in_list(value) : in_set(value);
    nodes_[node].negated = negated;
    return node;
  }

  NodeId in_list(NodeId value) {
    if (!take("(")) return expected("'(' behind 'list'");
    if (at_end() || peek().kind != TokenKind::text)
      return expected("the list's name in double quotes");
    std::string name = peek().text;
    Span span = peek().span;
    ++at_;
    if (!take(")")) return expected("')' behind the list's name");
    NodeId node = add(NodeKind::in_list, span, {value});
    nodes_[node].text = std::move(name);
    return node;
  }

  NodeId in_set(NodeId value) {
    if (!take("(")) return expected("'(' or 'list(' behind 'in'");
    std::vector<NodeId> children = {value};
    do {
      if (children.size() > limits_.set_entries_max)
        return fault(
            peek().span,
            "the set has more than " + std::to_string(limits_.set_entries_max) + " entries",
            "make a list of it");
      children.push_back(set_entry());
    } while (take(","));
    if (!take(")")) return expected("',' or ')'");
    return add(NodeKind::in_set, from(nodes_[value].span.begin), std::move(children));
  }

  NodeId set_entry() {
    bool constant = !at_end() && (peek().kind == TokenKind::number ||
                                  peek().kind == TokenKind::text || peek().is("-"));
    return constant ? factor() : expected("a number or a text in double quotes");
  }

  NodeId sum() {
    NodeId left = product();
    for (;;) {
      if (take("+"))
        left = binary(NodeKind::add, left, product());
      else if (take("-"))
        left = binary(NodeKind::subtract, left, product());
      else
        return left;
    }
  }

  NodeId product() {
    NodeId left = factor();
    for (;;) {
      if (take("*"))
        left = binary(NodeKind::multiply, left, factor());
      else if (take("/"))
        left = binary(NodeKind::divide, left, factor());
      else
        return left;
    }
  }

  NodeId binary(NodeKind kind, NodeId left, NodeId right) {
    return add(kind, from(left, right), {left, right});
  }

  NodeId factor() {
    if (at_end()) return expected("a value");
    const Token& token = peek();
    if (token.kind == TokenKind::number || token.kind == TokenKind::text ||
        token.kind == TokenKind::word)
      return leaf();
    if (take("-")) {
      Nesting nesting(*this);
      NodeId operand = factor();
      return add(NodeKind::negate, {token.span.begin, nodes_[operand].span.end}, {operand});
    }
    if (!take("(")) return expected("a value");
    NodeId inner = condition();
    if (!take(")")) return expected("')'");
    nodes_[inner].span = from(token.span.begin);
    return inner;
  }

  NodeId leaf() {
    const Token& token = peek();
    NodeKind kind = token.kind == TokenKind::number ? NodeKind::number : NodeKind::word;
    if (token.kind == TokenKind::text) kind = NodeKind::text;
    if (token.is("true") || token.is("false")) kind = NodeKind::boolean;
    if (kind == NodeKind::word && is_keyword(token.source)) return misplaced(token);
    NodeId node = add(kind, token.span, {});
    nodes_[node].number = kind == NodeKind::boolean ? token.is("true") : token.number;
    nodes_[node].text = kind == NodeKind::text ? token.text : std::string(token.source);
    ++at_;
    return node;
  }

  NodeId misplaced(const Token& token) {
    if (token.is("list"))
      return expected("a value", "a list stands behind 'in': card in list(\"blocked\")");
    if (token.is("not"))
      return expected("a value", "put 'not' and what it negates into parentheses");
    return expected("a value");
  }

  // Counts what makes the parser call itself; parentheses leave no node.
  class Nesting {
   public:
    explicit Nesting(StatementParser& parser) : parser_(parser) {
      if (++parser_.nesting_ > parser_.limits_.depth_max) parser_.too_deep(parser_.peek().span);
    }
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    StatementParser& parser_;
  };

  const std::vector<Token>& tokens_;
  size_t at_;
  size_t end_;
  const RuleLimits& limits_;
  std::vector<Node>& nodes_;
  Statement statement_;
  size_t nesting_ = 0;
};

// Where the rule that starts at `begin` ends: at the next word that starts one. "rule name:
// decline" is one start.
size_t statement_end(const std::vector<Token>& tokens, size_t begin) {
  size_t at = begin + 1;
  while (tokens[at].kind != TokenKind::end && (!starts_rule(tokens[at]) || tokens[at - 1].is(":")))
    ++at;
  return at;
}

}  // namespace

bool is_comparison(NodeKind kind) {
  return kind >= NodeKind::less && kind <= NodeKind::greater_equal;
}

SyntaxTree parse_rules(std::string_view text, const RuleLimits& limits) {
  std::vector<Token> tokens = read_tokens(text);
  SyntaxTree tree;
  for (size_t at = 0; tokens[at].kind != TokenKind::end;) {
    size_t end = statement_end(tokens, at);
    if (starts_rule(tokens[at])) {
      tree.statements.push_back(StatementParser(tokens, at, end, limits, tree.nodes).parse());
    } else {
      Statement lost;
      lost.name_span = tokens[at].span;
      lost.fault = Fault{
          tokens[at].span, "expected a rule, found " + quoted(tokens[at]),
          "a rule starts with 'rule NAME:', 'review if', 'decline if' or 'approve always if'"};
      if (tokens[at].kind == TokenKind::bad)
        lost.fault = Fault{tokens[at].span, tokens[at].text, tokens[at].remedy};
      tree.statements.push_back(std::move(lost));
    }
    at = end;
  }
  return tree;
}

}  // namespace paywarden::rule_language
