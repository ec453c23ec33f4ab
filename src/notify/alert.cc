// Names and JSON of alerts.
#include "notify/alert.h"

#include <array>

#include "base/json_writer.h"

namespace paywarden {
namespace {

constexpr std::array<std::string_view, 3> kStates = {"open", "confirmed", "dismissed"};
constexpr std::array<std::string_view, 3> kKinds = {"card", "guard", "system"};
constexpr std::array<std::string_view, 3> kDeliveryStates = {"waiting", "delivered", "dead"};

template <typename E>
std::optional<E> find_name(const std::array<std::string_view, 3>& names, std::string_view name) {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<E>(i);
  return std::nullopt;
}

}  // namespace

std::string_view name_of(AlertState state) {
  return kStates[static_cast<size_t>(state)];
}
std::string_view name_of(AlertKind kind) {
  return kKinds[static_cast<size_t>(kind)];
}
std::string_view name_of(DeliveryState state) {
  return kDeliveryStates[static_cast<size_t>(state)];
}

std::optional<AlertState> alert_state_of(std::string_view name) {
  return find_name<AlertState>(kStates, name);
}
std::optional<AlertKind> alert_kind_of(std::string_view name) {
  return find_name<AlertKind>(kKinds, name);
}
std::optional<DeliveryState> delivery_state_of(std::string_view name) {
  return find_name<DeliveryState>(kDeliveryStates, name);
}

std::string amount_text(int64_t minor, Currency currency) {
  return format_minor_units(minor, currency.exponent());
}

void append_json(const AlertSummary& s, std::string& out) {
  JsonWriter json(out);
  json.open_object().key("id").integer(s.id).key("state").string(name_of(s.state));
  json.key("kind").string(name_of(s.kind)).key("card").string(s.card);
  json.key("outcome").string(name_of(s.outcome)).key("score").number(static_cast<float>(s.score));
  json.key("payments")
      .integer(s.payments)
      .key("amount")
      .string(amount_text(s.amount_minor, s.currency));
  json.key("currency").string(s.currency.code()).key("merchant").string(s.merchant);
  json.key("opened")
      .string(format_rfc3339(s.opened))
      .key("updated")
      .string(format_rfc3339(s.updated));
  json.key("title").string(s.title).close_object();
}

}  // namespace paywarden
