// The fields that a payment can have: eleven that every schema shares, at fixed places, and the
// schema's own extra ones behind them. A FieldTable is made once from the schema and then only
// read.
//
//   FieldTable fields;
//   FieldIndex device = *fields.add("device", FieldType::text);
//   fields.find("amount") == field::amount
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paywarden {

enum class FieldType : uint8_t {
  text,     // UTF-8, at most `text_bytes_max` bytes
  integer,  // int64
  number,   // double, finite
  boolean,
  time,    // EventTime, ms
  amount,  // int64 in minor units of the payment's currency
};
std::string_view name_of(FieldType type);
std::optional<FieldType> field_type_of(std::string_view name);

using FieldIndex = uint16_t;

namespace field {
inline constexpr FieldIndex payment_id = 0;  // text; unique for ever
inline constexpr FieldIndex event_time = 1;  // time
inline constexpr FieldIndex card = 2;        // the token (CardToken), never the PAN
inline constexpr FieldIndex merchant = 3;    // text
inline constexpr FieldIndex amount = 4;      // amount, 0 or more
inline constexpr FieldIndex currency = 5;    // text, ISO 4217 letters
inline constexpr FieldIndex category = 6;    // text: merchant category (name or ISO 18245 code)
inline constexpr FieldIndex latitude = 7;   // number, degrees: where the cardholder lives or stands
inline constexpr FieldIndex longitude = 8;  // number, degrees
inline constexpr FieldIndex merchant_latitude = 9;    // number, degrees: where the payment happens
inline constexpr FieldIndex merchant_longitude = 10;  // number, degrees
inline constexpr FieldIndex standard_count = 11;
}  // namespace field

inline constexpr size_t kFieldsMax =
    64;  // standard and extra; bounds a payment's memory and a record's size

struct FieldSpec {
  std::string name;  // [a-z][a-z0-9_]*, at most 64 bytes
  FieldType type;
  bool is_volatile = false;  // may differ between two sendings of one payment
};

class FieldTable {
 public:
  FieldTable();  // the standard fields
  Result<FieldIndex> add(std::string name, FieldType type, bool is_volatile = false);
  std::optional<FieldIndex> find(std::string_view name) const;
  const FieldSpec& operator[](FieldIndex index) const { return specs_[index]; }
  FieldIndex size() const { return static_cast<FieldIndex>(specs_.size()); }

 private:
  std::vector<FieldSpec> specs_;
};

}  // namespace paywarden
