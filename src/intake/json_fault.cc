#include "intake/json_fault.h"

#include <string>

namespace paywarden {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hex_digit(char c) {
  return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

// Each step goes on as far as the text is what it should be there; false where it is not.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  // Without recursion: a text may be nested as deep as it is long.
  bool document() {
    if (!value()) return false;
    while (!open_.empty()) {
      skip_spaces();
      if (take(end_of(open_.back())))
        open_.pop_back();
      else if (!take(',') || !member())
        return false;
    }
    skip_spaces();
    return at_ == text_.size();
  }

  size_t at() const { return at_; }

 private:
  static char end_of(char begin) { return begin == '{' ? '}' : ']'; }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_spaces() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }

  bool member() { return (open_.back() != '{' || name()) && value(); }

  bool name() {
    skip_spaces();
    if (!string()) return false;
    skip_spaces();
    return take(':');
  }

  // Of objects and lists their beginning, up to the first value that has none.
  bool value() {
    for (;;) {
      skip_spaces();
      char begin = peek();
      if (begin != '{' && begin != '[') return scalar();
      ++at_;
      skip_spaces();
      if (take(end_of(begin))) return true;
      open_.push_back(begin);
      if (begin == '{' && !name()) return false;
    }
  }

  bool scalar() {
    char first = peek();
    if (first == '"') return string();
    if (first == 't') return word("true");
    if (first == 'f') return word("false");
    return first == 'n' ? word("null") : number();
  }

  bool word(std::string_view word) {
    for (char c : word)
      if (!take(c)) return false;
    return true;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (!take('e') && !take('E')) return true;
    if (!take('+')) take('-');
    return digits();
  }

  bool digits() {
    size_t first = at_;
    while (is_digit(peek())) ++at_;
    return at_ > first;
  }

  bool string() {
    if (!take('"')) return false;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return false;
      if (text_[at_++] == '\\' && !escape()) return false;
    }
    return take('"');
  }

  bool escape() {
    constexpr std::string_view kShort = "\"\\/bfnrt";
    if (!take('u')) return kShort.find(peek()) != std::string_view::npos && take(peek());
    for (int i = 0; i < 4; ++i, ++at_)
      if (!is_hex_digit(peek())) return false;
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string open_;  // '{' and '[', the innermost last
};

}  // namespace

std::optional<size_t> json_fault(std::string_view text) {
  Reader reader(text);
  if (reader.document()) return std::nullopt;
  return reader.at();
}

}  // namespace paywarden
