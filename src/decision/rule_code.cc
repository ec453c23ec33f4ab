#include "decision/rule_code.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <map>

#include "base/check.h"

namespace paywarden::rule_language {
namespace {

constexpr double kMsPerSecond = 1000;

// Jumps whose target is not known yet.
using Label = std::vector<size_t>;

class Generator {
 public:
  Generator(const SyntaxTree& tree, const RuleVocabulary& words, const Lists& lists)
      : nodes_(tree.nodes), words_(words), lists_(lists) {
    program_.code.clear();
    program_.field_count = words.field_count();
    program_.feature_count = words.feature_count();
    program_.minor_per_base = minor_per_major(words.base_currency().exponent());
  }

  void rule(const Statement& statement) {
    Label next;
    branch(statement.condition, false, next, 0);
    emit({OpCode::fire, false, static_cast<uint32_t>(program_.rules.size())});
    bind(next);
    program_.rules.push_back(statement.rule);
  }

  RuleProgram finish() {
    emit({OpCode::halt});
    return std::move(program_);
  }

 private:
  void emit(Instruction instruction) { program_.code.push_back(instruction); }

  void jump(Label& to, OpCode test, bool sense, uint32_t a = 0, uint32_t b = 0) {
    to.push_back(program_.code.size());
    emit({test, sense, a, b});
  }

  void bind(const Label& label) {
    for (size_t at : label) program_.code[at].c = static_cast<uint32_t>(program_.code.size());
  }

  // ---- Conditions: jump to `to` where the node's truth is `sense`, else go on. `depth`
  // temporaries are in use.

  void branch(NodeId id, bool sense, Label& to, uint32_t depth) {
    const Node& node = nodes_[id];
    if (is_comparison(node.kind)) return comparison(node, sense, to, depth);
    if (node.kind == NodeKind::logical_not) return branch(node.children[0], !sense, to, depth);
    if (node.kind == NodeKind::all_of || node.kind == NodeKind::any_of)
      return chain(node, sense, to, depth);
    if (node.kind == NodeKind::in_set) return in_set(node, sense, to, depth);
    if (node.kind == NodeKind::in_list) return in_list(node, sense, to);
    if (node.kind == NodeKind::is_missing) return presence(node, sense, to, depth);
    jump(to, OpCode::number_true, sense, value(id, depth));
  }

  void chain(const Node& node, bool sense, Label& to, uint32_t depth) {
    bool deciding =
        node.kind == NodeKind::any_of;  // the truth of one child that makes the others not matter
    Label end;
    for (NodeId child : node.children) {
      bool last = child == node.children.back();
      if (sense == deciding || last)
        branch(child, sense, to, depth);
      else
        branch(child, deciding, end, depth);
    }
    bind(end);
  }

  void comparison(const Node& node, bool sense, Label& to, uint32_t depth) {
    NodeId left = node.children[0], right = node.children[1];
    bool swapped = node.kind == NodeKind::greater || node.kind == NodeKind::greater_equal;
    if (swapped) std::swap(left, right);
    if (is_text(left)) return text_comparison(node.kind, left, right, sense, to);
    uint32_t a = value(left, depth), b = value(right, depth + 1);
    jump(to, number_test(node.kind), sense, a, b);
  }

  static OpCode number_test(NodeKind kind) {
    if (kind == NodeKind::equal) return OpCode::number_equal;
    if (kind == NodeKind::not_equal) return OpCode::number_not_equal;
    bool strict = kind == NodeKind::less || kind == NodeKind::greater;
    return strict ? OpCode::number_less : OpCode::number_less_equal;
  }

  void text_comparison(NodeKind kind, NodeId left, NodeId right, bool sense, Label& to) {
    if (kind == NodeKind::equal) return text_equality(left, right, sense, to);
    if (kind == NodeKind::not_equal)
      return where_present({left, right}, sense, to,
                           [&](bool s, Label& l) { text_equality(left, right, s, l); });
    bool strict = kind == NodeKind::less || kind == NodeKind::greater;
    jump(to, strict ? OpCode::text_less : OpCode::text_less_equal, sense, text(left), text(right));
  }

  void text_equality(NodeId left, NodeId right, bool sense, Label& to) {
    if (nodes_[left].kind == NodeKind::text) std::swap(left, right);
    bool with_constant =
        nodes_[right].kind == NodeKind::text && nodes_[left].kind == NodeKind::word;
    if (with_constant)
      jump(to, OpCode::text_is, sense, hashed_text(left), constant_id(nodes_[right].text));
    else
      jump(to, OpCode::text_equal, sense, text(left), text(right));
  }

  // For != and `not in`, which are false on a missing text: truth is "all are present, and `test`
  // does not hold".
  void where_present(std::initializer_list<NodeId> texts, bool sense, Label& to,
                     const std::function<void(bool, Label&)>& test) {
    Label end;
    for (NodeId id : texts)
      if (nodes_[id].kind == NodeKind::word)
        jump(sense ? end : to, OpCode::text_missing, true, text(id));
    test(!sense, to);
    bind(end);
  }

  void in_set(const Node& node, bool sense, Label& to, uint32_t depth) {
    NodeId looked_for = node.children[0];
    if (!is_text(looked_for)) return in_number_set(node, sense, to, depth);
    uint32_t set = text_set(node), a = hashed_text(looked_for);
    auto test = [&](bool s, Label& l) { jump(l, OpCode::text_in_set, s, a, set); };
    node.negated ? where_present({looked_for}, sense, to, test) : test(sense, to);
  }

  void in_number_set(const Node& node, bool sense, Label& to, uint32_t depth) {
    uint32_t set = number_set(node), a = value(node.children[0], depth);
    if (!node.negated) return jump(to, OpCode::number_in_set, sense, a, set);
    Label end;
    jump(sense ? end : to, OpCode::number_missing, true, a);
    jump(to, OpCode::number_in_set, !sense, a, set);
    bind(end);
  }

  void in_list(const Node& node, bool sense, Label& to) {
    NodeId looked_for = node.children[0];
    uint32_t list = list_use(node), a = hashed_text(looked_for);
    auto test = [&](bool s, Label& l) { jump(l, OpCode::text_in_list, s, a, list); };
    node.negated ? where_present({looked_for}, sense, to, test) : test(sense, to);
  }

  void presence(const Node& node, bool sense, Label& to, uint32_t depth) {
    NodeId looked_at = node.children[0];
    bool missing = sense != node.negated;
    if (is_text(looked_at))
      jump(to, OpCode::text_missing, missing, text(looked_at));
    else
      jump(to, OpCode::number_missing, missing, value(looked_at, depth));
  }

  // ---- Values: the register in which a number, a time or a boolean stands.

  uint32_t value(NodeId id, uint32_t depth) {
    const Node& node = nodes_[id];
    switch (node.kind) {
      case NodeKind::number:
      case NodeKind::boolean:
        return constant(node.number);
      case NodeKind::word:
        return load(node.word);
      case NodeKind::negate:
        return computed(OpCode::negate, node, depth);
      case NodeKind::add:
        return sum(OpCode::add, node, depth);
      case NodeKind::subtract:
        return sum(OpCode::subtract, node, depth);
      case NodeKind::multiply:
        return computed(OpCode::multiply, node, depth);
      case NodeKind::divide:
        return computed(OpCode::divide, node, depth);
      case NodeKind::text:
      case NodeKind::less:
      case NodeKind::less_equal:
      case NodeKind::equal:
      case NodeKind::not_equal:
      case NodeKind::greater:
      case NodeKind::greater_equal:
      case NodeKind::in_set:
      case NodeKind::in_list:
      case NodeKind::is_missing:
      case NodeKind::logical_not:
      case NodeKind::all_of:
      case NodeKind::any_of:
        break;
    }
    return truth(id, depth);
  }

  uint32_t computed(OpCode operation, const Node& node, uint32_t depth) {
    uint32_t a = value(node.children[0], depth);
    uint32_t b = node.children.size() > 1 ? value(node.children[1], depth + 1) : 0;
    return compute(operation, a, b, depth);
  }

  uint32_t compute(OpCode operation, uint32_t a, uint32_t b, uint32_t depth) {
    uint32_t to = temporary(depth);
    emit({operation, false, a, b, to});
    return to;
  }

  // Times are in ms, what is added to them and what their difference gives in seconds.
  uint32_t sum(OpCode operation, const Node& node, uint32_t depth) {
    bool left_time = nodes_[node.children[0]].type == ValueType::time;
    bool right_time = nodes_[node.children[1]].type == ValueType::time;
    uint32_t a = value(node.children[0], depth);
    if (!left_time && right_time) a = compute(OpCode::multiply, a, constant(kMsPerSecond), depth);
    uint32_t b = value(node.children[1], depth + 1);
    if (left_time && !right_time)
      b = compute(OpCode::multiply, b, constant(kMsPerSecond), depth + 1);
    uint32_t result = compute(operation, a, b, depth);
    if (left_time && right_time)
      result = compute(OpCode::divide, result, constant(kMsPerSecond), depth);
    return result;
  }

  // A condition as a value: 1 or 0, never missing.
  uint32_t truth(NodeId id, uint32_t depth) {
    uint32_t to = temporary(depth);
    Label no, end;
    branch(id, false, no, depth);  // writes before `to` is written
    emit({OpCode::copy, false, constant(1), 0, to});
    jump(end, OpCode::jump, true);
    bind(no);
    emit({OpCode::copy, false, constant(0), 0, to});
    bind(end);
    return to;
  }

  // ---- Registers

  uint32_t number_register(double start) {
    program_.numbers.push_back(start);
    return static_cast<uint32_t>(program_.numbers.size() - 1);
  }

  uint32_t temporary(uint32_t depth) {
    while (temporaries_.size() <= depth) temporaries_.push_back(number_register(0));
    return temporaries_[depth];
  }

  uint32_t constant(double value) {
    auto [it, added] = numbers_.try_emplace(std::bit_cast<uint64_t>(value), 0);
    if (added) it->second = number_register(value);
    return it->second;
  }

  NumberSource source_of(const RuleWord& word) const {
    if (word.kind == WordKind::score) return NumberSource::score;
    if (word.kind == WordKind::feature) return NumberSource::feature;
    if (word.kind == WordKind::amount_base) return NumberSource::amount_base;
    if (word.index == field::amount) return NumberSource::amount;
    if (word.index == field::event_time) return NumberSource::event_time;
    FieldType type = words_.field_type(static_cast<FieldIndex>(word.index));
    if (type == FieldType::amount) return NumberSource::field_amount;
    return type == FieldType::number ? NumberSource::field_number : NumberSource::field_integer;
  }

  uint32_t load(const RuleWord& word) {
    auto [it, added] = loads_.try_emplace({word.kind, word.index}, 0);
    if (added) {
      it->second = number_register(std::numeric_limits<double>::quiet_NaN());
      program_.number_loads.push_back({source_of(word), word.index, it->second});
    }
    return it->second;
  }

  bool is_text(NodeId id) const {
    return nodes_[id].type == ValueType::text || nodes_[id].type == ValueType::card;
  }

  size_t text_load(const RuleWord& word) {
    auto [it, added] = text_loads_.try_emplace(word.index, program_.text_loads.size());
    if (added) {
      TextSource source = word.index == field::card       ? TextSource::card
                          : word.index == field::currency ? TextSource::currency
                                                          : TextSource::field;
      program_.text_loads.push_back({source, word.index, program_.text_registers++});
    }
    return it->second;
  }

  uint32_t text(NodeId id) {
    if (nodes_[id].kind == NodeKind::word)
      return program_.text_loads[text_load(nodes_[id].word)].register_;
    program_.text_constants.push_back({program_.text_registers, nodes_[id].text});
    return program_.text_registers++;
  }

  // For what is looked up: a constant is hashed when the memory is made.
  uint32_t hashed_text(NodeId id) {
    if (nodes_[id].kind != NodeKind::word) return text(id);
    TextLoad& load = program_.text_loads[text_load(nodes_[id].word)];
    load.hashed = true;
    return load.register_;
  }

  uint32_t constant_id(const std::string& text) {
    program_.constants.insert(text);
    return program_.constants.find(text, hash64(text));
  }

  uint32_t text_set(const Node& node) {
    std::vector<uint32_t> ids;
    for (size_t i = 1; i < node.children.size(); ++i)
      ids.push_back(constant_id(nodes_[node.children[i]].text));
    std::sort(ids.begin(), ids.end());
    program_.text_sets.push_back(std::move(ids));
    return static_cast<uint32_t>(program_.text_sets.size() - 1);
  }

  uint32_t number_set(const Node& node) {
    std::vector<double> numbers;
    for (size_t i = 1; i < node.children.size(); ++i)
      numbers.push_back(nodes_[node.children[i]].number);
    std::sort(numbers.begin(), numbers.end());
    program_.number_sets.push_back(std::move(numbers));
    return static_cast<uint32_t>(program_.number_sets.size() - 1);
  }

  uint32_t list_use(const Node& node) {
    bool of_cards = nodes_[node.children[0]].type == ValueType::card;
    const StringSet* entries = lists_.find(node.text);
    CHECK(entries != nullptr, "the types were checked against these lists");
    program_.lists.push_back({node.text, entries, of_cards});
    return static_cast<uint32_t>(program_.lists.size() - 1);
  }

  const std::vector<Node>& nodes_;
  const RuleVocabulary& words_;
  const Lists& lists_;
  RuleProgram program_;
  std::vector<uint32_t> temporaries_;
  std::map<uint64_t, uint32_t> numbers_;  // bits -> register
  std::map<std::pair<WordKind, uint32_t>, uint32_t> loads_;
  std::map<uint32_t, size_t> text_loads_;  // field -> place in text_loads
};

}  // namespace

RuleProgram generate_code(const SyntaxTree& tree, const RuleVocabulary& words, const Lists& lists) {
  Generator generator(tree, words, lists);
  for (const Statement& statement : tree.statements) generator.rule(statement);
  return generator.finish();
}

}  // namespace paywarden::rule_language
