// Decimals of at most eight bytes, as nearly all amounts and coordinates are ("-52.3702"), read without a loop over their digits:
// how many there are differs from payment to payment, so no processor foresees it.
//
//   ShortDecimal d;
//   if (read_short_decimal("12.34", d)) use(d.digits, d.places);   // 1234, 2
//
// All bytes are looked at in one 64-bit word, and eight digits become a number in three multiplications (D. Lemire, "Number Parsing at
// a Gigabyte per Second", 2021).
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace paywarden {

struct ShortDecimal {
  int64_t digits = 0;   // with the point left out, signed
  uint32_t places = 0;  // behind the point; 0 to 6
};

// False for what is none (a point without digits on both sides, another character, an exponent) and for what is longer than
// eight bytes, the sign not counted.
[[gnu::always_inline]] inline bool read_short_decimal(std::string_view text, ShortDecimal& out) {
  constexpr uint64_t kEach = 0x0101010101010101;
  if (text.empty()) return false;
  const bool minus = text[0] == '-';
  const char* const from = text.data() + minus;
  const size_t size = text.size() - minus;
  if (size == 0 || size > 8) return false;
  const uint64_t unused = ~uint64_t{0} << 1 << (8 * size - 1);  // bits
  // A digit becomes its value; behind the last one zeros stand, which count as digits.
  uint64_t values = (load_le64_padded(from, size) ^ '0' * kEach) & ~unused;
  const uint64_t others = (values | ((values & 0x7f * kEach) + (0x7f - 9) * kEach)) & 0x80 * kEach;
  size_t count = size;
  out.places = 0;
  if (others != 0) {
    const auto point = static_cast<size_t>(std::countr_zero(others)) / 8;
    if ((others & (others - 1)) != 0 || from[point] != '.') return false;
    if (point == 0 || point + 1 == size) return false;
    const uint64_t whole = (uint64_t{1} << (8 * point)) - 1;
    values = (values & whole) | (values >> 8 & ~whole);
    --count;
    out.places = static_cast<uint32_t>(count - point);
  }
  values <<= 8 * (8 - count);  // zeros before the first
  values = values * 10 + (values >> 8);
  constexpr uint64_t kPairs = 0x000000ff000000ff;
  const auto digits = static_cast<int64_t>(
      ((values & kPairs) * 0x000f424000000064 + (values >> 16 & kPairs) * 0x0000271000000001) >>
      32);
  out.digits = minus ? -digits : digits;
  return true;
}

}  // namespace paywarden
