#include "intake/rejection.h"

#include <array>
#include <utility>

#include "intake/pan.h"

namespace paywarden {
namespace {

constexpr std::array<std::string_view, kRejectReasons> kNames = {
    "none",          "too_large",    "not_utf8",     "not_json",        "not_object",
    "too_deep",      "bad_quotes",   "column_count", "too_many_fields", "duplicate_field",
    "unknown_field", "missing",      "nested",       "wrong_kind",      "too_long",
    "has_pan",       "not_integer",  "not_number",   "not_boolean",     "not_time",
    "not_amount",    "not_currency", "no_rate",      "negative",        "out_of_range",
    "below_min",     "above_max",    "pan_digits",   "pan_length",      "pan_luhn",
    "not_token",     "future",       "conflict"};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_continuation(char c) {
  return (static_cast<uint8_t>(c) & 0xc0) == 0x80;
}

}  // namespace

std::string_view name_of(RejectReason reason) {
  return kNames[static_cast<size_t>(reason)];
}

int status_of(RejectReason reason) {
  if (reason == RejectReason::too_large) return 413;
  if (reason == RejectReason::conflict) return 409;
  return reason <= RejectReason::too_many_fields ? 400 : 422;
}

std::string Rejection::line() const {
  std::string text = field.empty() ? rule : field + ": " + rule;
  if (!value.empty()) text += " (value '" + value + "')";
  return text;
}

std::string no_rate_rule(std::string_view currency_code) {
  return "there is no exchange rate for " + std::string(currency_code) +
         "; add it to [currency] rates";
}

Rejection no_rate_of(std::string_view currency_code, std::string_view payment_id) {
  return {RejectReason::no_rate, "currency", std::string(currency_code),
          no_rate_rule(currency_code), masked_excerpt(payment_id, kRejectedValueBytes)};
}

std::string masked_excerpt(std::string_view text, size_t most) {
  // Masking comes first: a number cut in two would pass the check as none. Far more than is shown
  // need not be masked.
  std::string masked = mask_pans(text.substr(0, most + 4 * kPanDigitsMax));
  if (masked.size() <= most) return masked;
  while (most > 0 && is_continuation(masked[most])) --most;
  masked.resize(most);
  return masked;
}

Rejection conflict_of(std::string field, std::string_view payment_id) {
  return {RejectReason::conflict,
          std::move(field),
          masked_excerpt(payment_id, kRejectedValueBytes),
          "is the id of another payment before it; each payment needs an id of its own",
          {}};
}

std::string shape_of(std::string_view input) {
  std::string shape(input.substr(0, kRejectedRawBytes));
  for (char& c : shape) {
    if (is_letter(c)) c = 'a';
    if (is_digit(c)) c = '9';
    if (static_cast<uint8_t>(c) >= 0x80) c = '?';
  }
  return shape;
}

}  // namespace paywarden
