#include "decision/rule_types.h"

#include <algorithm>
#include <cmath>

#include "base/spelling.h"
#include "decision/card_numbers.h"

namespace paywarden::rule_language {
namespace {

constexpr size_t kQuotedBytesMax = 60;  // of an operand in a message

std::string_view described(ValueType type) {
  switch (type) {
    case ValueType::number:
      return "a number";
    case ValueType::text:
      return "text";
    case ValueType::boolean:
      return "true or false";
    case ValueType::time:
      return "a time";
    case ValueType::card:
      return "a card";
    case ValueType::unknown:
      return "unknown";
  }
  return "";
}

bool is_ordered(ValueType type) {
  return type == ValueType::number || type == ValueType::text || type == ValueType::time;
}

bool is_equality(NodeKind kind) {
  return kind == NodeKind::equal || kind == NodeKind::not_equal;
}

// `kind` is one of the four operations.
double computed(NodeKind kind, double a, double b) {
  if (kind == NodeKind::add) return a + b;
  if (kind == NodeKind::subtract) return a - b;
  return kind == NodeKind::multiply ? a * b : a / b;
}

class TypeChecker {
 public:
  TypeChecker(std::string_view text, const RuleVocabulary& words, const Lists& lists,
              std::vector<Node>& nodes)
      : text_(text), words_(words), lists_(lists), nodes_(nodes) {}

  std::optional<Fault> check_condition(NodeId root) {
    fault_.reset();
    check(root);
    if (!fault_ && nodes_[root].type != ValueType::boolean)
      fault(root, "the condition is " + kind_of(root) + ", not true or false",
            "compare it with something");
    return std::move(fault_);
  }

 private:
  void fault(NodeId id, std::string what, std::string remedy = {}) {
    if (!fault_) fault_ = Fault{nodes_[id].span, std::move(what), std::move(remedy)};
  }

  std::string source(NodeId id) const {
    Span span = nodes_[id].span;
    std::string_view written = text_.substr(span.begin, span.end - span.begin);
    written = written.substr(0, std::min(written.find('\n'), kQuotedBytesMax));
    return "'" + std::string(written) + "'";
  }
  std::string kind_of(NodeId id) const { return std::string(described(nodes_[id].type)); }
  std::string source_and_kind(NodeId id) const { return source(id) + " is " + kind_of(id); }

  void check(NodeId id) {
    for (size_t i = 0; i < nodes_[id].children.size() && !fault_; ++i)
      check(nodes_[id].children[i]);
    if (!fault_) nodes_[id].type = type_of(id);
  }

  ValueType type_of(NodeId id) {
    switch (nodes_[id].kind) {
      case NodeKind::number:
        return ValueType::number;
      case NodeKind::text:
        return ValueType::text;
      case NodeKind::boolean:
        return ValueType::boolean;
      case NodeKind::word:
        return resolve(id);
      case NodeKind::negate:
        return negation(id);
      case NodeKind::add:
      case NodeKind::subtract:
      case NodeKind::multiply:
      case NodeKind::divide:
        return arithmetic(id);
      case NodeKind::less:
      case NodeKind::less_equal:
      case NodeKind::equal:
      case NodeKind::not_equal:
      case NodeKind::greater:
      case NodeKind::greater_equal:
        return comparison(id);
      case NodeKind::in_set:
        return in_set(id);
      case NodeKind::in_list:
        return in_list(id);
      case NodeKind::is_missing:
        return ValueType::boolean;
      case NodeKind::logical_not:
      case NodeKind::all_of:
      case NodeKind::any_of:
        return logic(id);
    }
    return ValueType::unknown;
  }

  ValueType resolve(NodeId id) {
    Node& node = nodes_[id];
    if (std::optional<RuleWord> word = words_.find(node.text)) {
      node.word = *word;
      return word->type;
    }
    std::vector<std::string_view> known = words_.names();
    known.insert(known.end(), {"true", "false"});
    std::string_view near = nearest_word(node.text, known);
    fault(id, "there is no field or feature '" + node.text + "'",
          near.empty() ? "if it is a text, write \"" + node.text + "\""
                       : "did you mean '" + std::string(near) + "'?");
    return ValueType::unknown;
  }

  void become_number(NodeId id, double value, std::string_view why) {
    if (!std::isfinite(value)) return fault(id, std::string(why), "a rule on it could never fire");
    Node& node = nodes_[id];
    node.kind = NodeKind::number;
    node.number = value;
    node.children.clear();
  }

  bool is_constant(NodeId id) const {
    return nodes_[id].kind == NodeKind::number && nodes_[id].type == ValueType::number;
  }

  ValueType negation(NodeId id) {
    NodeId operand = nodes_[id].children[0];
    if (nodes_[operand].type != ValueType::number)
      fault(operand, "'-' needs a number: " + source_and_kind(operand));
    else if (is_constant(operand))
      become_number(id, -nodes_[operand].number, "");
    return ValueType::number;
  }

  ValueType arithmetic(NodeId id) {
    NodeKind kind = nodes_[id].kind;
    NodeId left = nodes_[id].children[0], right = nodes_[id].children[1];
    if (kind == NodeKind::subtract) take_as(left, right);
    ValueType result = result_of(kind, nodes_[left].type, nodes_[right].type);
    if (result == ValueType::unknown) return not_computable(left, right);
    if (is_constant(left) && is_constant(right))
      become_number(id, computed(kind, nodes_[left].number, nodes_[right].number),
                    source(id) + " has no value (division by zero or overflow)");
    return result;
  }

  // Times: time - time is seconds; time + seconds, seconds + time and time - seconds are times.
  static ValueType result_of(NodeKind kind, ValueType left, ValueType right) {
    bool numbers = left == ValueType::number && right == ValueType::number;
    if (numbers) return ValueType::number;
    bool time_left = left == ValueType::time, time_right = right == ValueType::time;
    if (kind == NodeKind::subtract && time_left && time_right) return ValueType::number;
    if (kind == NodeKind::subtract && time_left && right == ValueType::number)
      return ValueType::time;
    if (kind == NodeKind::add && time_left && right == ValueType::number) return ValueType::time;
    if (kind == NodeKind::add && left == ValueType::number && time_right) return ValueType::time;
    return ValueType::unknown;
  }

  ValueType not_computable(NodeId left, NodeId right) {
    bool left_fits = nodes_[left].type == ValueType::number;
    NodeId odd = left_fits ? right : left;
    bool times = nodes_[left].type == ValueType::time || nodes_[right].type == ValueType::time;
    fault(odd, "arithmetic needs numbers: " + source_and_kind(odd),
          times ? "with times: time - time (in seconds), time + seconds, time - seconds" : "");
    return ValueType::unknown;
  }

  ValueType comparison(NodeId id) {
    NodeId left = nodes_[id].children[0], right = nodes_[id].children[1];
    take_as(left, right);
    ValueType type = nodes_[left].type;
    if (type != nodes_[right].type)
      fault(id, source_and_kind(left) + " and " + source_and_kind(right) + ": they do not compare",
            hint(left, right));
    else if (!is_ordered(type) && !is_equality(nodes_[id].kind))
      fault(id, source_and_kind(left) + ": it has no order", "use '==' or '!='");
    round_like(left, right);
    round_like(right, left);
    return ValueType::boolean;
  }

  std::string hint(NodeId left, NodeId right) const {
    for (NodeId id : {left, right}) {
      NodeId other = id == left ? right : left;
      if (nodes_[other].type == ValueType::text && nodes_[id].kind == NodeKind::number)
        return "a text stands in double quotes";
      if (nodes_[other].type == ValueType::number && nodes_[id].kind == NodeKind::text)
        return "a number stands without quotes";
      if (nodes_[other].type == ValueType::time && nodes_[id].type == ValueType::number)
        return "write a time as \"2026-01-31T08:00:00Z\"";
      if (nodes_[other].type == ValueType::card && nodes_[id].type == ValueType::text)
        return "a card compares with its token alone";
    }
    return "";
  }

  // A text constant beside a time or a card is meant as one.
  void take_as(NodeId left, NodeId right) {
    take_one_as(left, nodes_[right].type);
    take_one_as(right, nodes_[left].type);
  }

  void take_one_as(NodeId id, ValueType type) {
    if (nodes_[id].kind != NodeKind::text || nodes_[id].type != ValueType::text) return;
    if (type == ValueType::time) take_as_time(id);
    if (type == ValueType::card) take_as_card(id);
  }

  void take_as_time(NodeId id) {
    Result<EventTime> time = parse_rfc3339(nodes_[id].text);
    if (!time)
      return fault(id, source(id) + " is not a time",
                   "write \"2026-01-31\" or \"2026-01-31T08:00:00Z\"");
    nodes_[id].kind = NodeKind::number;
    nodes_[id].type = ValueType::time;
    nodes_[id].number = static_cast<double>(time->ms());
  }

  void take_as_card(NodeId id) {
    if (!is_card_token(nodes_[id].text))
      return fault(id, source(id) + " is not a card token",
                   "a token is 32 hex digits in lower case, as the decision page shows it");
    nodes_[id].type = ValueType::card;
  }

  void round_like(NodeId value, NodeId constant) {
    if (nodes_[value].kind == NodeKind::word && nodes_[value].word.is_float &&
        is_constant(constant))
      nodes_[constant].number = static_cast<float>(nodes_[constant].number);
  }

  ValueType in_set(NodeId id) {
    const std::vector<NodeId> children = nodes_[id].children;
    ValueType type = nodes_[children[0]].type;
    if (type != ValueType::number && type != ValueType::text && type != ValueType::card) {
      fault(children[0],
            "'in' looks for numbers, texts and cards: " + source_and_kind(children[0]));
      return ValueType::boolean;
    }
    for (size_t i = 1; i < children.size() && !fault_; ++i) {
      take_one_as(children[i], type);
      round_like(children[0], children[i]);
      if (!fault_ && nodes_[children[i]].type != type)
        fault(children[i],
              source_and_kind(children[0]) + ", so the set cannot hold " + source(children[i]),
              hint(children[0], children[i]));
    }
    return ValueType::boolean;
  }

  ValueType in_list(NodeId id) {
    const Node& node = nodes_[id];
    NodeId value = node.children[0];
    ValueType type = nodes_[value].type;
    const StringSet* list = lists_.find(node.text);
    if (type != ValueType::text && type != ValueType::card) {
      fault(value, "a list holds texts or cards: " + source_and_kind(value),
            "use a set: in (1, 2)");
    } else if (!list) {
      std::string_view near = nearest_word(node.text, lists_.names());
      fault(id, "there is no list '" + node.text + "'",
            near.empty() ? "make the list first, it may be empty"
                         : "did you mean '" + std::string(near) + "'?");
    } else if (type == ValueType::card && !holds_tokens_only(*list)) {
      fault(id, "the list '" + node.text + "' holds entries that are no card tokens",
            "look for another field in it");
    }
    return ValueType::boolean;
  }

  ValueType logic(NodeId id) {
    for (NodeId child : nodes_[id].children)
      if (nodes_[child].type != ValueType::boolean)
        fault(child, "'and', 'or' and 'not' join conditions: " + source_and_kind(child),
              "compare it with something");
    return ValueType::boolean;
  }

  std::string_view text_;
  const RuleVocabulary& words_;
  const Lists& lists_;
  std::vector<Node>& nodes_;
  std::optional<Fault> fault_;
};

}  // namespace

void check_types(std::string_view text, const RuleVocabulary& words, const Lists& lists,
                 SyntaxTree& tree) {
  TypeChecker checker(text, words, lists, tree.nodes);
  for (Statement& statement : tree.statements)
    if (!statement.fault) statement.fault = checker.check_condition(statement.condition);
}

}  // namespace paywarden::rule_language
