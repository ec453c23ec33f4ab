#include "decision/rule_program.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace paywarden {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kScanMax = 8;  // sets up to this size are looked through from the start

double finite_or_missing(double value) {
  return std::isfinite(value) ? value : kMissing;
}

double loaded(const NumberLoad& load, const RuleProgram& program, const RuleInput& input) {
  const Payment& payment = input.payment;
  auto field = static_cast<FieldIndex>(load.index);
  switch (load.source) {
    case NumberSource::score:
      return finite_or_missing(input.score);
    case NumberSource::feature:
      return finite_or_missing(input.features[load.index]);
    case NumberSource::amount:
      return static_cast<double>(payment.amount_minor) /
             minor_per_major(payment.currency.exponent());
    case NumberSource::amount_base:
      return static_cast<double>(payment.amount_base_minor) / program.minor_per_base;
    case NumberSource::event_time:
      return static_cast<double>(payment.event_time.ms());
    case NumberSource::field_amount:
      return payment.has(field) ? static_cast<double>(payment.value(field).integer) /
                                      minor_per_major(payment.currency.exponent())
                                : kMissing;
    case NumberSource::field_integer:
      return payment.has(field) ? static_cast<double>(payment.value(field).integer) : kMissing;
    case NumberSource::field_number:
      return payment.has(field) ? payment.value(field).number : kMissing;
  }
  return kMissing;
}

std::string_view write_hex(const CardToken& card, char* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < card.bytes.size(); ++i) {
    out[2 * i] = kDigits[card.bytes[i] >> 4];
    out[2 * i + 1] = kDigits[card.bytes[i] & 15];
  }
  return {out, 2 * card.bytes.size()};
}

void look_up(const RuleProgram& program, TextValue& value) {
  value.hash = hash64(value.text);
  value.id = program.constants.find(value.text, value.hash);
}

void load_text(const TextLoad& load, const RuleProgram& program, const Payment& payment,
               RuleMemory& memory) {
  TextValue& value = memory.texts[load.register_];
  switch (load.source) {
    case TextSource::card:
      value.text = write_hex(payment.card, memory.card_hex);
      break;
    case TextSource::currency:
      value.text = payment.currency.code();
      break;
    case TextSource::field:
      value.text = payment.text(static_cast<FieldIndex>(load.index));
      break;
  }
  value.id = StringSet::kAbsent;
  if (load.hashed && !value.missing()) look_up(program, value);
}

// `set` is sorted. NaN is in no set.
template <typename T>
bool is_in(const std::vector<T>& set, T wanted) {
  if (set.size() <= kScanMax) return std::find(set.begin(), set.end(), wanted) != set.end();
  auto it = std::lower_bound(set.begin(), set.end(), wanted);
  return it != set.end() && *it == wanted;
}

bool test(const RuleProgram& program, const RuleMemory& memory, const Instruction& at) {
  const double* n = memory.numbers.data();
  const TextValue* t = memory.texts.data();
  switch (at.operation) {
    case OpCode::number_less:
      return n[at.a] < n[at.b];
    case OpCode::number_less_equal:
      return n[at.a] <= n[at.b];
    case OpCode::number_equal:
      return n[at.a] == n[at.b];
    case OpCode::number_not_equal:
      return n[at.a] < n[at.b] || n[at.a] > n[at.b];
    case OpCode::number_missing:
      return n[at.a] != n[at.a];
    case OpCode::number_true:
      return n[at.a] == 1;
    case OpCode::number_in_set:
      return is_in(program.number_sets[at.b], n[at.a]);
    case OpCode::text_less:
      return !t[at.a].missing() && !t[at.b].missing() && t[at.a].text < t[at.b].text;
    case OpCode::text_less_equal:
      return !t[at.a].missing() && !t[at.b].missing() && t[at.a].text <= t[at.b].text;
    case OpCode::text_equal:
      return !t[at.a].missing() && !t[at.b].missing() && t[at.a].text == t[at.b].text;
    case OpCode::text_missing:
      return t[at.a].missing();
    case OpCode::text_is:
      return t[at.a].id == at.b;
    case OpCode::text_in_set:
      return is_in(program.text_sets[at.b], t[at.a].id);  // kAbsent is in none
    case OpCode::text_in_list:
      return !t[at.a].missing() &&
             program.lists[at.b].entries->find(t[at.a].text, t[at.a].hash) != StringSet::kAbsent;
    case OpCode::jump:
      return at.sense;
    case OpCode::copy:
    case OpCode::negate:
    case OpCode::add:
    case OpCode::subtract:
    case OpCode::multiply:
    case OpCode::divide:
    case OpCode::fire:
    case OpCode::halt:
      break;
  }
  return false;
}

void run_code(const RuleProgram& program, RuleMemory& memory) {
  double* n = memory.numbers.data();
  const Instruction* code = program.code.data();
  for (const Instruction* at = code;;) {
    switch (at->operation) {
      case OpCode::number_less:
      case OpCode::number_less_equal:
      case OpCode::number_equal:
      case OpCode::number_not_equal:
      case OpCode::number_missing:
      case OpCode::number_true:
      case OpCode::number_in_set:
      case OpCode::text_less:
      case OpCode::text_less_equal:
      case OpCode::text_equal:
      case OpCode::text_missing:
      case OpCode::text_is:
      case OpCode::text_in_set:
      case OpCode::text_in_list:
      case OpCode::jump:
        at = test(program, memory, *at) == at->sense ? code + at->c : at + 1;
        continue;
      case OpCode::copy:
        n[at->c] = n[at->a];
        break;
      case OpCode::negate:
        n[at->c] = -n[at->a];
        break;
      case OpCode::add:
        n[at->c] = finite_or_missing(n[at->a] + n[at->b]);
        break;
      case OpCode::subtract:
        n[at->c] = finite_or_missing(n[at->a] - n[at->b]);
        break;
      case OpCode::multiply:
        n[at->c] = finite_or_missing(n[at->a] * n[at->b]);
        break;
      case OpCode::divide:
        n[at->c] = finite_or_missing(n[at->a] / n[at->b]);
        break;
      case OpCode::fire:
        memory.fired[memory.fired_count++] = at->a;
        break;
      case OpCode::halt:
        return;
    }
    ++at;
  }
}

}  // namespace

RuleMemory::RuleMemory(const RuleProgram& program)
    : numbers(program.numbers), texts(program.text_registers), fired(program.rules.size()) {
  for (const TextConstant& constant : program.text_constants) {
    TextValue& value = texts[constant.register_];
    value.text = constant.text;
    look_up(program, value);
  }
}

void run_program(const RuleProgram& program, const RuleInput& input, RuleMemory& memory) {
  memory.fired_count = 0;
  for (const NumberLoad& load : program.number_loads)
    memory.numbers[load.register_] = loaded(load, program, input);
  for (const TextLoad& load : program.text_loads) load_text(load, program, input.payment, memory);
  run_code(program, memory);
}

}  // namespace paywarden
