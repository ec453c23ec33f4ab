#include "intake/pan.h"

#include <string.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/hash.h"

namespace paywarden {
namespace {

// Characters between two digits: "4111 - 1111" has more, and is no longer one number.
constexpr size_t kSeparatorsMax = 2;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alphanumeric(char c) {
  return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

// 1: a digit, 2: a separator, 3: the further bytes of one in UTF-8, 0: neither. Every character
// beyond ASCII separates, as some are spaces, dashes or invisible (U+00A0, U+200B, U+2011, U+FEFF)
// and bytes that are no UTF-8 are shown as U+FFFD: rather one number too many than one hidden.
constexpr std::array<uint8_t, 256> kClasses = [] {
  std::array<uint8_t, 256> classes{};
  for (char c = '0'; c <= '9'; ++c) classes[static_cast<uint8_t>(c)] = 1;
  for (char c : {' ', '-', '.', '/', '_', '\t', '\n', '\r'}) classes[static_cast<uint8_t>(c)] = 2;
  for (size_t byte = 0x80; byte < 0x100; ++byte) classes[byte] = byte < 0xc0 ? 3 : 2;
  return classes;
}();
uint8_t class_of(char c) {
  return kClasses[static_cast<uint8_t>(c)];
}
// A run: digits with at most kSeparatorsMax separators between neighbours. `at[i]` is where digit i
// stands.
struct Run {
  std::string digits;
  std::vector<size_t> at;
  Run() {
    digits.reserve(256);
  }  // nearly never grows, so that hardly a copy stays behind in freed memory
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() { explicit_bzero(digits.data(), digits.capacity()); }
};

// Reads the run that starts at text[begin] (a digit); returns the position behind its last digit.
size_t read_run(std::string_view text, size_t begin, Run& run,
                size_t separators_max = kSeparatorsMax) {
  run.digits.clear();
  run.at.clear();
  size_t end = begin;
  for (size_t i = begin, gap = 0; i < text.size() && gap <= separators_max; ++i) {
    if (is_digit(text[i])) {
      run.digits.push_back(text[i]);
      run.at.push_back(i);
      end = i + 1;
      gap = 0;
    } else if (class_of(text[i]) == 0) {
      break;
    } else {
      gap += class_of(text[i]) == 2;
    }
  }
  return end;
}

// Calls visit(first digit, digit count, run) for each part of each run that is a card number. Runs
// without a possible one are passed over quickly: this also reads files of gigabytes.
template <typename Visit>
void each_pan(std::string_view text, Visit visit) {
  Run run;
  for (size_t i = 0; i < text.size();) {
    if (!is_digit(text[i])) {
      ++i;
      continue;
    }
    i = read_run(text, i, run);
    std::string_view digits = run.digits;
    for (size_t from = 0; from + kPanDigitsTextMin <= digits.size(); ++from)
      for (size_t n = kPanDigitsTextMin; n <= kPanDigitsMax && from + n <= digits.size(); ++n)
        if (passes_luhn(digits.substr(from, n))) visit(from, n, run);
  }
}

// All-zero numbers pass the check and are nobody's card.
bool is_zeros(std::string_view digits) {
  return std::all_of(digits.begin(), digits.end(), [](char c) { return c == '0'; });
}

}  // namespace

void PanDigits::wipe() {
  explicit_bzero(digits, sizeof digits);
  length = 0;
}

bool passes_luhn(std::string_view digits) {
  constexpr uint8_t kDoubled[10] = {0, 2, 4, 6, 8, 1, 3, 5, 7, 9};
  unsigned sum = 0;
  size_t i = digits.size();
  for (; i >= 2; i -= 2)
    sum += static_cast<unsigned>(digits[i - 1] - '0') +
           kDoubled[static_cast<unsigned>(digits[i - 2] - '0')];
  if (i == 1) sum += static_cast<unsigned>(digits[0] - '0');
  return sum % 10 == 0;
}

namespace {

// Of 8 bytes.
bool are_digits(uint64_t bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101ull;
  uint64_t high = kOnes * 0xf0,
           carried = bytes + kOnes * 6;  // '9' + 6 is the last with the upper half of '0'
  return ((bytes | carried) & high) == kOnes * 0x30 && (bytes & high) == kOnes * 0x30;
}

// As nearly all card numbers come: no space, no dash.
bool is_bare_pan(std::string_view text) {
  if (text.size() < kPanDigitsMin || text.size() > kPanDigitsMax) return false;
  bool fine =
      are_digits(load_le64(text.data())) && are_digits(load_le64(text.data() + text.size() - 8));
  return fine && (text.size() <= 16 || are_digits(load_le64(text.data() + 8)));
}

}  // namespace

RejectReason read_pan(std::string_view text, PanCheck check, PanDigits& out) {
  if (is_bare_pan(text)) {
    std::memcpy(out.digits, text.data(), text.size());
    out.length = static_cast<uint8_t>(text.size());
    return check == PanCheck::luhn && !passes_luhn(text) ? RejectReason::pan_luhn
                                                         : RejectReason::none;
  }
  // Every byte is stored and the next takes its place unless it was a digit: no branch depends on
  // the digits.
  size_t count = 0;
  bool odd = false;
  for (char c : text) {
    bool digit = is_digit(c);
    odd |= !digit && c != ' ' && c != '-';
    out.digits[std::min(count, kPanDigitsMax)] = c;
    count += digit;
  }
  out.length = static_cast<uint8_t>(std::min(count, kPanDigitsMax));
  if (odd) return RejectReason::pan_digits;
  if (count < kPanDigitsMin || count > kPanDigitsMax) return RejectReason::pan_length;
  if (check == PanCheck::luhn && !passes_luhn(out.view())) return RejectReason::pan_luhn;
  return RejectReason::none;
}

// In its place, written once: a copy would wait for the memory of all that was written before.
void mask_pan(std::string_view digits, MaskedCard& out) {
  out.length = static_cast<uint8_t>(digits.size());
  char* text = out.text.data();
  std::memcpy(text, digits.data(), 6);
  std::memset(text + 6, '*', digits.size() - 10);
  std::memcpy(text + digits.size() - 4, digits.data() + digits.size() - 4, 4);
}

std::string masked_refused_pan(std::string_view text) {
  size_t digits = digit_count(text), seen = 0;
  bool like_a_pan = digits >= kPanDigitsMin && digits <= kPanDigitsMax;
  std::string masked(text.substr(0, kRejectedValueBytes));
  for (char& c : masked) {
    if (!is_digit(c)) continue;
    if (!like_a_pan || (seen >= 6 && seen + 4 < digits)) c = '*';
    ++seen;
  }
  return masked;
}

std::vector<PanPlace> find_pans(std::string_view text) {
  std::vector<PanPlace> places;
  each_pan(text, [&](size_t from, size_t n, const Run& run) {
    std::string number = run.digits.substr(from, n);
    if (is_zeros(number)) return;
    size_t begin = run.at[from], last = run.at[from + n - 1];
    places.push_back({begin, last + 1 - begin, std::move(number)});
  });
  return places;
}

std::string mask_pans(std::string_view text) {
  std::string masked(text);
  if (!may_hold_pan(text)) return masked;
  each_pan(text, [&](size_t from, size_t n, const Run& run) {
    if (is_zeros(std::string_view(run.digits).substr(from, n))) return;
    for (size_t i = from + 6; i + 4 < from + n; ++i) masked[run.at[i]] = '*';
  });
  return masked;
}

bool has_separate_pan(std::string_view text) {
  bool found = false;
  each_pan(text, [&](size_t from, size_t n, const Run& run) {
    size_t begin = run.at[from], end = run.at[from + n - 1] + 1;
    bool touched = (begin > 0 && is_alphanumeric(text[begin - 1])) ||
                   (end < text.size() && is_alphanumeric(text[end]));
    if (!touched && !is_zeros(std::string_view(run.digits).substr(from, n))) found = true;
  });
  return found;
}

bool has_digits(std::string_view text, std::string_view digits) {
  Run run;
  for (size_t i = 0; i < text.size();) {
    if (!is_digit(text[i])) {
      ++i;
      continue;
    }
    i = read_run(text, i, run, text.size());
    if (run.digits.find(digits) != std::string::npos) return true;
  }
  return false;
}

bool may_hold_pan(std::string_view text, size_t digits) {
  // Looks at every so many bytes, then back from there to the last byte that no card number can
  // contain.
  auto fits = [&](size_t at) { return class_of(text[at]) != 0; };
  for (size_t at = digits - 1; at < text.size();) {
    size_t back = 0, count = 0;
    while (back < digits && fits(at - back)) count += is_digit(text[at - back++]);
    if (back < digits) {
      at += digits - back;
      continue;
    }
    while (++at < text.size() && fits(at)) count += is_digit(text[at]);
    if (count >= digits) return true;
    at += digits;
  }
  return false;
}

size_t digit_count(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), is_digit));
}

}  // namespace paywarden
