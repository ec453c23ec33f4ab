// Card numbers (primary account numbers, PAN): told from other digits, masked for people, found in
// free text.
//
//   mask_pans("card 4111 1111 1111 1111 refused")   // "card 4111 11** **** 1111 refused"
//   PanDigits digits;                               // wiped when it goes out of scope
//   RejectReason no = read_pan("4111-1111-1111-1111", PanCheck::luhn, digits);
//
// Lengths: ISO/IEC 7812-1 allows 12 to 19 digits in a card field; free text is searched for 13 to
// 19, as PCI DSS scans do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "intake/rejection.h"
#include "payment/payment.h"

namespace paywarden {

inline constexpr size_t kPanDigitsMin = 12;      // in a card field
inline constexpr size_t kPanDigitsTextMin = 13;  // in free text
inline constexpr size_t kPanDigitsMax = 19;
inline constexpr size_t kPanDigitsShown = 10;  // first six and last four (PCI DSS 4.0, 3.4.1)

// The digits of one card number, on the stack, wiped at the end of its life.
struct PanDigits {
  char digits[kPanDigitsMax + 1];  // one to spare for read_pan
  uint8_t length = 0;
  PanDigits() = default;
  PanDigits(const PanDigits&) = delete;
  PanDigits& operator=(const PanDigits&) = delete;
  ~PanDigits() { wipe(); }
  void wipe();
  std::string_view view() const { return {digits, length}; }
};

enum class PanCheck : uint8_t { luhn, length };

bool passes_luhn(std::string_view digits);  // ISO/IEC 7812-1 annex B; digits only

// Takes the digits out of a card field (spaces and dashes between them are allowed). `none` when it
// is a PAN, else pan_digits, pan_length or pan_luhn.
RejectReason read_pan(std::string_view text, PanCheck check, PanDigits& out);

// First six and last four (PCI DSS 4.0, 3.4.1). `digits`: 12 or more.
void mask_pan(std::string_view digits, MaskedCard& out);

// What may be shown of a card field that was refused, and so may be a card number with a typing
// error.
std::string masked_refused_pan(std::string_view text);

// A place in a text that holds 13 to 19 digits which pass the Luhn check, with at most two
// separators (space, dash, dot, slash, underscore, tab, no-break space) between neighbours. Begins
// and ends with a digit.
struct PanPlace {
  size_t offset;
  size_t length;       // in bytes, separators included
  std::string digits;  // alone
};

// Every such place, overlapping ones too, in order. `text` is any bytes.
std::vector<PanPlace> find_pans(std::string_view text);

// The text with all but the first six and last four digits of every such place replaced by '*'. No
// place is left.
std::string mask_pans(std::string_view text);

// True when a card number stands alone in the text: no letter or further digit touches it. Ids made
// of hexadecimal or base-36 digits hold a Luhn-valid run by chance, one in a few hundred; those are
// no card numbers.
bool has_separate_pan(std::string_view text);

// True when the text's digits, separators left out, however many, contain `digits`.
bool has_digits(std::string_view text, std::string_view digits);

// False when there surely is no card number of `digits` or more in the text: what makes masking
// cost next to nothing for nearly every text. Allocates nothing.
bool may_hold_pan(std::string_view text, size_t digits = kPanDigitsTextMin);

size_t digit_count(std::string_view text);

}  // namespace paywarden
