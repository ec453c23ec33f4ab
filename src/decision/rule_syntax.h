// Rules as trees: what was written, before names and types are looked at (rule_types.h does that in
// place).
//
//   rule      = [ "rule" NAME ":" ] ( "review" | "decline" | "approve" "always" ) "if" condition
//   condition = both { "or" both }
//   both      = negation { "and" negation }
//   negation  = "not" negation | test
//   test      = sum [ comparison | membership | presence ]
//   comparison = ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) sum
//   membership = [ "not" ] "in" ( "(" constant { "," constant } ")" | "list" "(" TEXT ")" )
//   presence  = "is" ( "missing" | "present" )
//   sum       = product { ( "+" | "-" ) product }
//   product   = factor { ( "*" | "/" ) factor }
//   factor    = "-" factor | NUMBER | TEXT | "true" | "false" | NAME | "(" condition ")"
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "decision/rule_tokens.h"
#include "decision/rules.h"

namespace paywarden::rule_language {

enum class NodeKind : uint8_t {
  number,  // a constant; also a time (ms) once the types are known
  text,    // a constant; also a card token
  boolean,
  word,  // a name
  negate,
  add,
  subtract,
  multiply,
  divide,
  less,
  less_equal,
  equal,
  not_equal,
  greater,
  greater_equal,
  in_set,   // children: the value, then the constants
  in_list,  // child: the value; text: the list's name
  is_missing,
  logical_not,
  all_of,
  any_of,
};

using NodeId = uint32_t;

struct Node {
  NodeKind kind = NodeKind::boolean;
  ValueType type = ValueType::unknown;
  bool negated = false;  // not in; is present
  uint32_t depth = 1;    // 1 + the deepest child's
  Span span;
  std::vector<NodeId> children;
  double number = 0;  // number; boolean: 0 or 1
  std::string text;   // text; word: the name; in_list: the list
  RuleWord word{};    // word, once it is known
};

struct Statement {
  Rule rule;
  Span name_span;  // of the name, or of the first word
  NodeId condition = 0;
  std::optional<Fault> fault;  // the first one; the rest of the statement is then of no use
};

struct SyntaxTree {
  std::vector<Node> nodes;
  std::vector<Statement> statements;
};

// Rule::line stays 0 and unnamed rules stay without a name: the caller knows the lines.
SyntaxTree parse_rules(std::string_view text, const RuleLimits& limits);

bool is_comparison(NodeKind kind);

}  // namespace paywarden::rule_language
