// The numbers of JSON (RFC 8259, section 6).
#pragma once

#include <cstddef>
#include <string_view>

namespace paywarden {

// Bytes of the number that `s` begins with; 0 where it begins with none.
inline size_t json_number_length(std::string_view s) {
  size_t at = 0;
  auto digits = [&] {
    size_t first = at;
    while (at < s.size() && s[at] >= '0' && s[at] <= '9') ++at;
    return at - first;
  };
  if (at < s.size() && s[at] == '-') ++at;
  bool zero = at < s.size() && s[at] == '0';
  size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return 0;
  if (at < s.size() && s[at] == '.' && (++at, digits() == 0)) return 0;
  if (at < s.size() && (s[at] == 'e' || s[at] == 'E')) {
    ++at;
    if (at < s.size() && (s[at] == '+' || s[at] == '-')) ++at;
    if (digits() == 0) return 0;
  }
  return at;
}

inline bool is_json_number(std::string_view s) {
  return !s.empty() && json_number_length(s) == s.size();
}

}  // namespace paywarden
