#include "decision/card_numbers.h"

#include <algorithm>

namespace paywarden {
namespace {

constexpr size_t kDigitsMin = 13, kDigitsMax = 19;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_separator(char c) {
  return c == ' ' || c == '-' || c == '.' || c == '/';
}
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}

// The Luhn sum from the left: it needs both sums, as which digits are doubled is known at the end
// only.
struct Luhn {
  int plain = 0, doubled = 0;
  size_t digits = 0;
  void add(int digit) {
    int twice = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
    int odd = doubled + digit, even = plain + twice;  // the places swap with each further digit
    plain = odd;
    doubled = even;
    ++digits;
  }
  bool could_be_card() const {
    return digits >= kDigitsMin && digits <= kDigitsMax && plain % 10 == 0;
  }
};

// `at` is the first digit of a group.
bool card_number_at(std::string_view text, size_t at) {
  if (text[at] == '0')
    return false;  // 0 is not for payment cards (ISO/IEC 7812-1); zeros would pass
  Luhn luhn;
  while (luhn.digits <= kDigitsMax) {
    luhn.add(text[at++] - '0');
    if (at < text.size() && is_digit(text[at])) continue;
    if (luhn.could_be_card()) return true;
    if (at + 1 >= text.size() || !is_separator(text[at]) || !is_digit(text[at + 1])) return false;
    ++at;
  }
  return false;
}

size_t word_end(std::string_view text, size_t at) {
  while (at < text.size() && is_word(text[at])) ++at;
  return at;
}

}  // namespace

bool is_card_token(std::string_view text) {
  return text.size() == kCardTokenHexBytes && std::all_of(text.begin(), text.end(), is_hex);
}

std::optional<size_t> find_card_number(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    bool after_word = at > 0 && is_word(text[at - 1]),
         after_digit = at > 0 && is_digit(text[at - 1]);
    if (!after_word && is_card_token(text.substr(at, word_end(text, at) - at)))
      at += kCardTokenHexBytes - 1;
    else if (is_digit(text[at]) && !after_digit && card_number_at(text, at))
      return at;
  }
  return std::nullopt;
}

}  // namespace paywarden
