// A rule set as the machine runs it: one array of small instructions over two files of registers,
// numbers and texts.
//
// Constants lie in their registers from the start, a payment's values are loaded into theirs once,
// then the instructions run: a condition is a chain of "jump where this holds (or does not)", a
// rule that is not jumped over fires. A missing number is NaN, a missing text has no data; a time
// is a number of ms, true and false are 1 and 0.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "decision/rules.h"
#include "decision/string_set.h"

namespace paywarden {

enum class OpCode : uint8_t {
  // Jump to c where the test comes out as `sense`. A test on a missing value comes out false.
  number_less,
  number_less_equal,
  number_equal,
  number_not_equal,  // a, b: numbers
  number_missing,
  number_true,    // a: number
  number_in_set,  // a: number, b: set
  text_less,
  text_less_equal,
  text_equal,    // a, b: texts
  text_missing,  // a: text
  text_is,       // a: text, b: id of a constant
  text_in_set,
  text_in_list,  // a: text, b: set or list
  // Compute into number c.
  copy,
  negate,
  add,
  subtract,
  multiply,
  divide,
  jump,  // to c
  fire,  // rule a
  halt,
};

struct Instruction {
  OpCode operation;
  bool sense = false;
  uint32_t a = 0, b = 0, c = 0;
};

enum class NumberSource : uint8_t {
  score,
  feature,
  amount,
  amount_base,
  event_time,
  field_amount,
  field_integer,
  field_number
};

struct NumberLoad {
  NumberSource source;
  uint32_t index;  // of the field or feature
  uint32_t register_;
};

enum class TextSource : uint8_t { card, currency, field };

struct TextLoad {
  TextSource source;
  uint32_t index;
  uint32_t register_;
  bool hashed = false;  // looked up among the constants or in a list
};

struct TextConstant {
  uint32_t register_;
  std::string text;
};

struct RuleProgram {
  std::vector<Rule> rules;
  std::vector<Instruction> code = {{OpCode::halt}};
  std::vector<NumberLoad> number_loads;
  std::vector<TextLoad> text_loads;
  std::vector<double> numbers;  // the registers at the start
  uint32_t text_registers = 0;
  std::vector<TextConstant> text_constants;      // those that lie in registers
  StringSet constants;                           // those that text_is and text_in_set know by place
  std::vector<std::vector<double>> number_sets;  // sorted
  std::vector<std::vector<uint32_t>> text_sets;  // places in `constants`, sorted
  struct ListUse {
    std::string name;
    const StringSet* entries;
    bool of_cards;
  };
  std::vector<ListUse> lists;
  size_t field_count = 0, feature_count = 0;  // the vocabulary's
  double minor_per_base = 100;                // minor units in one of the base currency
};

// A text register: the text and what is known of it.
struct TextValue {
  std::string_view text;             // data() == nullptr: missing
  uint64_t hash = 0;                 // hash64, where the load is hashed
  uint32_t id = StringSet::kAbsent;  // its place among the program's constants
  bool missing() const { return text.data() == nullptr; }
};

struct RuleMemory {
  explicit RuleMemory(const RuleProgram& program);
  std::vector<double> numbers;
  std::vector<TextValue> texts;
  std::vector<uint32_t> fired;  // as large as the number of rules; the first fired_count count
  size_t fired_count = 0;
  char card_hex[32];
};

// Runs every rule; the rules that fired stand in memory.fired.
void run_program(const RuleProgram& program, const RuleInput& input, RuleMemory& memory);

}  // namespace paywarden
