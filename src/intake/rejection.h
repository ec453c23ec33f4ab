// Why an input did not become a payment: said so that whoever sent it can mend it, and safe to
// keep, since nothing in it can be a card number.
//
//   if (std::optional<Rejection> no = parser.parse_json(body, receipt, payment)) {
//     answer(status_of(no->reason), no->line());  // 422 "amount: is negative (value '-5.00')"
//     rejects.add({"http", 0, *no});
//   }
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace paywarden {

// In the order of the ladder: of all that is wrong with an input the first is told. Everything up
// to `too_many_fields` concerns the input as a whole; everything from `missing` on concerns one
// field, and there the order of the fields (payment_id, event_time, card, merchant, amount, ... as
// in payment/fields.h, extra ones last) comes first.
enum class RejectReason : uint8_t {
  none,
  too_large,  // longer than body_bytes_max
  not_utf8,
  not_json,
  not_object,    // JSON, but not an object
  too_deep,      // nested beyond depth_max
  bad_quotes,    // CSV: a quote that is not closed, or text behind a closing one
  column_count,  // CSV: not as many values as the header has names
  too_many_fields,
  duplicate_field,  // one key twice in one object
  unknown_field,
  missing,
  nested,      // an object or array where a value is expected
  wrong_kind,  // true or false where text is expected, and the like
  too_long,
  has_pan,  // a payment id that holds a card number
  not_integer,
  not_number,
  not_boolean,
  not_time,
  not_amount,
  not_currency,
  no_rate,  // a currency without an exchange rate: its amounts cannot be compared
  negative,
  out_of_range,  // a time outside 1970..2199, a number that its type cannot hold
  below_min,
  above_max,
  pan_digits,  // something else than digits, spaces and dashes
  pan_length,
  pan_luhn,
  not_token,  // card_kind = "token": something else than 32 hexadecimal digits
  future,     // live intake: more than future_max past its receipt
  conflict,  // another payment under an id that was used before; known to who admits payments alone
};
inline constexpr size_t kRejectReasons = static_cast<size_t>(RejectReason::conflict) + 1;

std::string_view name_of(
    RejectReason reason);  // "pan_luhn": the word in metrics and in the rejects file
// 413 too large, 400 unparsable, 409 a conflict, 422 a field rejected.
int status_of(RejectReason reason);

struct Rejection {
  RejectReason reason = RejectReason::none;
  std::string field;  // as the sender calls it; empty where it is about the whole input
  std::string value;  // card numbers masked, cut to kRejectedValueBytes
  std::string rule;   // "is negative"
  std::string
      raw;  // what is left of the input to look at: the schema's fields with their values, without
            // dropped and unknown ones; where it could not be parsed, its shape (see shape_of)

  // One line for a person: "amount: is negative (value '-5.00')".
  std::string line() const;
};

inline constexpr size_t kRejectedValueBytes =
    64;  // enough to find it again in the sender's own files
inline constexpr size_t kRejectedRawBytes = 2'048;  // a card payment of 22 fields takes about 500

// What is wrong with a payment in a currency without an exchange rate, and what to do about it.
std::string no_rate_rule(std::string_view currency_code);

// Of a payment that was read and has such a currency: all that is kept of it is its id, masked, since an id may be made of the number.
Rejection no_rate_of(std::string_view currency_code, std::string_view payment_id);

// `field`: what the sender calls the payment's id.
Rejection conflict_of(std::string field, std::string_view payment_id);

// At most `most` bytes of `text`, cut between characters, with card numbers masked.
std::string masked_excerpt(std::string_view text, size_t most);

// An unparsable input as letters `a` and digits `9`, everything else as it is: shows where a quote
// or a comma is missing and nothing that could be a card number, a verification value or a name.
std::string shape_of(std::string_view input);

}  // namespace paywarden
