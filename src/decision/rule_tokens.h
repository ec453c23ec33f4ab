// The words of the rules language: text -> tokens with their places. Comments ('#' to the line's
// end) and blanks go.
//
//   read_tokens("amount > 2000")   // a word, a symbol, a number, the end
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paywarden::rule_language {

// Bytes [begin, end) of the text.
struct Span {
  uint32_t begin = 0, end = 0;
};

// What is wrong at a place; the text's caller makes a RuleProblem of it.
struct Fault {
  Span span;
  std::string what;
  std::string remedy;
};

enum class TokenKind : uint8_t { word, number, text, symbol, bad, end };

struct Token {
  TokenKind kind = TokenKind::end;
  Span span;
  std::string_view source;  // as written
  double number = 0;        // number; a duration ("10m") in seconds
  std::string text;         // text: without quotes and escapes; bad: what is wrong
  std::string remedy;       // bad
  bool is(std::string_view word) const {
    return (kind == TokenKind::word || kind == TokenKind::symbol) && source == word;
  }
};

// Ends with an `end` token. Texts of more than 4 GB are not for this.
std::vector<Token> read_tokens(std::string_view text);

// Words that cannot be names.
bool is_keyword(std::string_view word);

}  // namespace paywarden::rule_language
