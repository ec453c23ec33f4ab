// How a source's fields map onto the canonical payment: read from the [schema] section of a
// configuration file.
//
//   Result<Schema> schema = read_schema(config, "config/cards.toml");   // config: the whole parsed
//   file const FieldTable& fields = schema->fields;                          // the standard fields
//   and the schema's own
//
//   [schema]
//   name = "cards"
//   currency = "USD"             # of payments without a currency field; ISO 4217; default USD
//   card_kind = "pan"            # "pan": card numbers; "id": something that stands for a card;
//   "token": what tokeniser.h made of a number; default pan pan_check = "luhn"           # "luhn" or "length" (12 to 19 digits, no more);
//   default luhn payment_id_check = "pan"     # "pan": refuse ids in which a card number stands
//   alone; "own_card": only those that hold
//                                # the payment's own one (for ids of 13 to 19 digits: one in ten
//                                passes the Luhn check)
//   amount_decimals = "exact"    # "exact": refuse more decimals than the currency has; "round":
//   half to even unknown_fields = "ignore"    # or "reject" label = "is_fraud"           # column
//   that holds the label, in files alone; 1/0/true/false; optional drop = ["first", "street"]   #
//   never read, never kept; verification values and track data are dropped without being named
//   card_masked = "card"         # with card_kind = "token": the field that holds the masked number
//   object = "payment"           # JSON: the member that is the payment; default: the whole
//   [[schema.field]]
//   source = "cc_num"            # the sender's name
//   to = "card"                  # a standard field, or the name of an extra one; default: the same
//   name type = "text"                # text, integer, number, boolean, time, amount; standard
//   fields have theirs format = "iso8601"           # times: iso8601, datetime (YYYY-MM-DD[
//   HH:MM:SS], UTC), epoch_s, epoch_ms, epoch_us required = false             # payment_id,
//   event_time, card and amount always are volatile = false             # may differ between two
//   sendings of the same payment max_bytes = 1024             # text alone min = 0 # integer and
//   number alone; latitudes and longitudes have theirs max = 100
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "intake/pan.h"
#include "intake/source_names.h"
#include "payment/fields.h"
#include "payment/money.h"

namespace paywarden {

enum class TimeFormat : uint8_t { iso8601, datetime, epoch_s, epoch_ms, epoch_us };
enum class CardKind : uint8_t { pan, id, token };
enum class UnknownFields : uint8_t { ignore, reject };
enum class PaymentIdCheck : uint8_t { pan, own_card };
enum class AmountDecimals : uint8_t { exact, round };

inline constexpr uint32_t kTextBytesMax =
    1'024;  // default of max_bytes: longer than any merchant name or device id
inline constexpr uint32_t kIdBytesMax = 128;  // payment ids: UUIDs and references stay well below

struct FieldBinding {
  std::string source;
  FieldIndex field = 0;
  FieldType type = FieldType::text;
  TimeFormat format = TimeFormat::iso8601;
  bool required = false;
  uint32_t max_bytes = kTextBytesMax;
  std::optional<double> min, max;
};

struct Schema {
  std::string name;
  Currency currency;
  CardKind card_kind = CardKind::pan;
  PanCheck pan_check = PanCheck::luhn;
  PaymentIdCheck payment_id_check = PaymentIdCheck::pan;
  AmountDecimals amount_decimals = AmountDecimals::exact;
  UnknownFields unknown_fields = UnknownFields::ignore;
  std::string label;        // the label column's name; empty: none
  std::string card_masked;  // card_kind = "token": the field with the masked number; empty: none
  std::string object;       // JSON: the member that is the payment; empty: the whole
  FieldTable fields;
  std::vector<FieldBinding> bindings;  // in the order of `fields`; at most kFieldsMax
  std::vector<std::string> dropped;
  SourceNames names;  // of all the above; see index_names

  // Makes `names` new; needed after a change of bindings, label or dropped.
  void index_names();
  // The binding of one standard or extra field; null where the schema has none.
  const FieldBinding* binding_of(FieldIndex field) const;
};

// What stands in `names` for a source name: the index of a binding, or one of these.
inline constexpr uint16_t kLabelName = 0xfff0;
inline constexpr uint16_t kDroppedName = 0xfff1;
inline constexpr uint16_t kCardMaskedName = 0xfff2;

// Reads the section [schema]. `file` names the configuration in errors: "config/cards.toml:12:
// ...".
Result<Schema> read_schema(const toml::table& config, const std::string& file);

// The same schema with the event time taken from another source field, for sources that stamp
// payments themselves.
Schema with_event_time(Schema schema, const std::string& source, TimeFormat format);

// How this schema's payments stand in the archive (archive/archive_line.h): the same fields, so that a payment that is read again is the
// same to the last bit of its identity. What was taken once is not judged again: no bounds, nothing required but what every payment has.
Schema archived(const Schema& schema);

// True for names of card verification values, PIN and track data, in any case: what must never be
// kept (PCI DSS 4.0, 3.3.1).
bool is_forbidden_name(std::string_view source);

}  // namespace paywarden
