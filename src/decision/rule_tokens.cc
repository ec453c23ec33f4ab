#include "decision/rule_tokens.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace paywarden::rule_language {
namespace {

constexpr std::array<std::string_view, 15> kKeywords = {
    "rule", "approve", "review", "decline", "always",  "if",   "and",  "or",
    "not",  "in",      "is",     "missing", "present", "true", "false"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Seconds in a duration's unit; 0: no unit.
double seconds_of(std::string_view unit) {
  struct Unit {
    std::string_view name;
    double seconds;
  };
  constexpr std::array<Unit, 5> kUnits = {
      {{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}}};
  for (const Unit& known : kUnits)
    if (known.name == unit) return known.seconds;
  return 0;
}

// What people write who know another language.
std::string_view remedy_for(std::string_view symbol) {
  struct Row {
    std::string_view symbol, remedy;
  };
  constexpr std::array<Row, 9> kRows = {
      {{"=", "compare with '=='"},
       {"<>", "write '!='"},
       {"&&", "write 'and'"},
       {"&", "write 'and'"},
       {"||", "write 'or'"},
       {"|", "write 'or'"},
       {"!", "write 'not'"},
       {"'", "texts stand in double quotes"},
       {";", "a rule needs no end: the next one starts with its own word"}}};
  for (const Row& row : kRows)
    if (row.symbol == symbol) return row.remedy;
  return "";
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Token next() {
    skip_blanks();
    start_ = at_;
    if (at_ == text_.size()) return made(TokenKind::end);
    char c = text_[at_];
    if (is_letter(c)) return word();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (c == '"') return text();
    return symbol();
  }

 private:
  char peek(size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void skip_blanks() {
    while (at_ < text_.size() && (is_blank(text_[at_]) || text_[at_] == '#')) {
      if (text_[at_] == '#')
        at_ = std::min(text_.find('\n', at_), text_.size());
      else
        ++at_;
    }
  }

  Token made(TokenKind kind) const {
    Token token;
    token.kind = kind;
    token.span = {static_cast<uint32_t>(start_), static_cast<uint32_t>(at_)};
    token.source = text_.substr(start_, at_ - start_);
    return token;
  }

  Token bad(std::string what, std::string remedy) const {
    Token token = made(TokenKind::bad);
    token.text = std::move(what);
    token.remedy = std::move(remedy);
    return token;
  }

  void pass_word() {
    while (is_letter(peek(0)) || is_digit(peek(0))) ++at_;
  }

  Token word() {
    pass_word();
    return made(TokenKind::word);
  }

  Token number() {
    double value = 0;
    auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    at_ = static_cast<size_t>(end - text_.data());
    std::string_view unit = text_.substr(at_);
    pass_word();
    unit = unit.substr(0, at_ - static_cast<size_t>(end - text_.data()));
    if (error != std::errc()) return bad("the number is too large or too small", "");
    if (unit.empty()) return number_of(value);
    double seconds = seconds_of(unit);
    if (seconds == 0)
      return bad("'" + std::string(unit) + "' is no unit",
                 "a duration is 500ms, 30s, 10m, 24h or 7d");
    return number_of(unit == "ms" ? value / 1000 : value * seconds);
  }

  Token number_of(double value) const {
    if (!std::isfinite(value)) return bad("the number is too large", "");
    Token token = made(TokenKind::number);
    token.number = value;
    return token;
  }

  Token text() {
    std::string decoded;
    for (++at_; at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n'; ++at_) {
      char c = text_[at_];
      if (c == '\\' && (peek(1) == '"' || peek(1) == '\\'))
        c = text_[++at_];
      else if (c == '\\' || static_cast<unsigned char>(c) < 0x20)
        return bad_byte();
      decoded.push_back(c);
    }
    if (peek(0) != '"') return bad("the text has no closing '\"' on its line", "add it");
    ++at_;
    Token token = made(TokenKind::text);
    token.text = std::move(decoded);
    return token;
  }

  // In a text: a control character, or a backslash before anything but a quote or another.
  Token bad_byte() {
    start_ = at_;
    bool escape = text_[at_++] == '\\';
    at_ = std::min(text_.find_first_of("\"\n", at_), text_.size());  // go on behind the text
    Token token = escape ? bad("a text has no such escape", "a backslash is '\\\\', a quote '\\\"'")
                         : bad("a text holds a control character", "remove it");
    token.span.end = token.span.begin + 1;
    if (peek(0) == '"') ++at_;
    return token;
  }

  Token symbol() {
    constexpr std::array<std::string_view, 7> kPairs = {"==", "!=", "<=", ">=", "<>", "&&", "||"};
    std::string_view rest = text_.substr(at_);
    for (std::string_view pair : kPairs)
      if (rest.starts_with(pair)) return symbol_of(2);
    size_t bytes = 1;  // or the whole of a UTF-8 character
    while (static_cast<unsigned char>(rest[0]) >= 0xc0 &&
           (static_cast<unsigned char>(peek(bytes)) & 0xc0) == 0x80)
      ++bytes;
    return symbol_of(bytes);
  }

  Token symbol_of(size_t bytes) {
    at_ += bytes;
    std::string source(text_.substr(start_, bytes));
    std::string_view remedy = remedy_for(source);
    if (!remedy.empty())
      return bad("'" + source + "' is not part of the language", std::string(remedy));
    bool known = bytes == 2 || (bytes == 1 && std::string_view("+-*/<>(),:").find(source[0]) !=
                                                  std::string_view::npos);
    if (known) return made(TokenKind::symbol);
    bool printable = bytes > 1 || (source[0] > 0x20 && source[0] < 0x7f);
    return bad(printable ? "'" + source + "' is not part of the language"
                         : "a character that is not part of the language",
               "");
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t start_ = 0;
};

}  // namespace

std::vector<Token> read_tokens(std::string_view text) {
  std::vector<Token> tokens;
  Reader reader(text);
  do tokens.push_back(reader.next());
  while (tokens.back().kind != TokenKind::end);
  return tokens;
}

bool is_keyword(std::string_view word) {
  return word == "list" || std::find(kKeywords.begin(), kKeywords.end(), word) != kKeywords.end();
}

}  // namespace paywarden::rule_language
