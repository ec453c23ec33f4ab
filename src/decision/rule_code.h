// Trees that have been checked -> a program.
//
//   RuleProgram program = generate_code(tree, words, lists);
#pragma once

#include "decision/rule_program.h"
#include "decision/rule_syntax.h"

namespace paywarden::rule_language {

// No statement of the tree may have a fault.
RuleProgram generate_code(const SyntaxTree& tree, const RuleVocabulary& words, const Lists& lists);

}  // namespace paywarden::rule_language
