// From a sender's value to a typed one. Both ways in, JSON and tables, use these, so that a payment
// means the same whichever way it came. Nothing here rounds through floating point except fields
// that are floating point.
//
//   int64_t count;
//   RejectReason no = to_integer({RawValue::Kind::text, "12"}, count);   // none; count == 12
//
// Numbers may come as text and text as numbers; then it is the sender's own digits that count
// ("007" stays "007"). Values other than text may have spaces around them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "intake/rejection.h"
#include "intake/schema.h"

namespace paywarden {

struct RawValue {
  enum class Kind : uint32_t {
    null,     // JSON null; the same as absent
    untyped,  // from CSV: means what the schema wants it to mean
    text,     // a JSON string, escapes resolved
    number,   // a JSON number, as written
    boolean,  // "true" or "false"
    nested,   // an object or array
    broken,   // no value at all; never reaches a converter
  };
  RawValue() = default;
  RawValue(Kind k, std::string_view s)
      : data_(s.data()), size_(static_cast<uint32_t>(s.size())), kind(k) {}
  std::string_view text() const { return {data_, size_}; }
  // An empty text is no value either: CSV cannot tell the two apart.
  bool is_missing() const { return kind == Kind::null || (size_ == 0 && kind != Kind::nested); }

 private:
  const char* data_ = nullptr;
  uint32_t size_ = 0;  // an input is far below 4 GiB

 public:
  Kind kind = Kind::null;
};
static_assert(sizeof(RawValue) == 16, "travels in two registers");

RejectReason to_integer(RawValue value, int64_t& out);  // 12, "12", 12.0
RejectReason to_number(RawValue value, double& out);    // finite; -0 becomes 0
RejectReason to_boolean(RawValue value, bool& out);     // true, false, 1, 0, in any case
RejectReason to_time(RawValue value, TimeFormat format, EventTime& out);  // years 1900 to 2199
RejectReason to_amount(RawValue value, int currency_exponent, AmountDecimals decimals,
                       int64_t& minor);
RejectReason to_currency(RawValue value, Currency& out);

// The text with its decimals cut to `exponent`, half to even ("146.005" -> "146.00", "63.449999" ->
// "63.45"); unchanged where there are no more, or where it is no plain decimal.
std::string rounded_decimal(std::string_view text, int exponent);

}  // namespace paywarden
