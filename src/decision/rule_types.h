// Looks at what a tree's names mean and whether its types fit: fills Node::type and Node::word,
// turns constant arithmetic into constants, texts that are compared with times or cards into those,
// and rounds constants that are compared with a float (a feature, the score) to a float.
//
//   SyntaxTree tree = parse_rules(text, limits);
//   check_types(text, words, lists, tree);   // a statement without a fault may get its first one
#pragma once

#include "decision/lists.h"
#include "decision/rule_syntax.h"

namespace paywarden::rule_language {

void check_types(std::string_view text, const RuleVocabulary& words, const Lists& lists,
                 SyntaxTree& tree);

}  // namespace paywarden::rule_language
