#include "intake/schema.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace paywarden {
namespace {

constexpr size_t kDroppedMax = 1'000;
constexpr size_t kSourceNameBytesMax = 128;

// PCI DSS 4.0, 3.3.1: full track data, the card verification code and the PIN may not be kept, not
// even encrypted.
constexpr std::array<std::string_view, 24> kForbidden = {"cvv",
                                                         "cvv2",
                                                         "cvc",
                                                         "cvc2",
                                                         "cid",
                                                         "csc",
                                                         "cav",
                                                         "cav2",
                                                         "track",
                                                         "track1",
                                                         "track2",
                                                         "track3",
                                                         "track_1",
                                                         "track_2",
                                                         "track_3",
                                                         "track_data",
                                                         "card_verification_value",
                                                         "card_verification_code",
                                                         "magstripe",
                                                         "magnetic_stripe",
                                                         "pin",
                                                         "pin_block",
                                                         "card_cvv",
                                                         "card_cvc"};

struct Choice {
  std::string_view word;
  int value;
};
constexpr std::array kCardKinds = {Choice{"pan", int(CardKind::pan)},
                                   Choice{"id", int(CardKind::id)},
                                   Choice{"token", int(CardKind::token)}};
constexpr std::array kPanChecks = {Choice{"luhn", int(PanCheck::luhn)},
                                   Choice{"length", int(PanCheck::length)}};
constexpr std::array kIdChecks = {Choice{"pan", int(PaymentIdCheck::pan)},
                                  Choice{"own_card", int(PaymentIdCheck::own_card)}};
constexpr std::array kDecimals = {Choice{"exact", int(AmountDecimals::exact)},
                                  Choice{"round", int(AmountDecimals::round)}};
constexpr std::array kUnknowns = {Choice{"ignore", int(UnknownFields::ignore)},
                                  Choice{"reject", int(UnknownFields::reject)}};
constexpr std::array kFormats = {
    Choice{"iso8601", int(TimeFormat::iso8601)}, Choice{"datetime", int(TimeFormat::datetime)},
    Choice{"epoch_s", int(TimeFormat::epoch_s)}, Choice{"epoch_ms", int(TimeFormat::epoch_ms)},
    Choice{"epoch_us", int(TimeFormat::epoch_us)}};
constexpr std::array kTypes = {
    Choice{"text", int(FieldType::text)},     Choice{"integer", int(FieldType::integer)},
    Choice{"number", int(FieldType::number)}, Choice{"boolean", int(FieldType::boolean)},
    Choice{"time", int(FieldType::time)},     Choice{"amount", int(FieldType::amount)}};

constexpr std::array<std::string_view, 12> kSchemaKeys = {
    "name",           "currency", "card_kind", "pan_check", "payment_id_check", "amount_decimals",
    "unknown_fields", "label",    "drop",      "field",     "card_masked",      "object"};
constexpr std::array<std::string_view, 9> kFieldKeys = {
    "source", "to", "type", "format", "required", "volatile", "max_bytes", "min", "max"};

std::string listed(std::span<const Choice> choices) {
  std::string text;
  for (const Choice& choice : choices)
    text += (text.empty() ? "" : ", ") + std::string(choice.word);
  return text;
}

std::string listed(std::span<const std::string_view> words) {
  std::string text;
  for (std::string_view word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

bool is_standard(FieldIndex field) {
  return field < field::standard_count;
}
bool is_always_required(FieldIndex f) {
  return f == field::payment_id || f == field::event_time || f == field::card || f == field::amount;
}

// Reads typed values of one TOML table; each failure says file and line.
class TableReader {
 public:
  TableReader(const toml::table& table, const std::string& file) : table_(table), file_(file) {}

  std::string where(const toml::node& node) const {
    return file_ + ":" + std::to_string(node.source().begin.line);
  }
  std::string where() const { return where(table_); }

  Status known_keys(std::span<const std::string_view> keys) const {
    for (const auto& [key, node] : table_)
      if (std::find(keys.begin(), keys.end(), key.str()) == keys.end())
        return fail("unknown key '" + std::string(key.str()) + "'", where(node),
                    "known are: " + listed(keys));
    return {};
  }

  Status text(std::string_view key, std::string& out) const {
    return value(key, out, "a text in quotes");
  }
  Status boolean(std::string_view key, bool& out) const { return value(key, out, "true or false"); }

  Status number(std::string_view key, std::optional<double>& out) const {
    double read = 0;
    if (!table_.contains(key)) return {};
    TRY(value(key, read, "a number"));
    if (!std::isfinite(read)) return wrong(key, "a finite number");
    out = read;
    return {};
  }

  template <typename Enum>
  Status choice(std::string_view key, std::span<const Choice> choices, Enum& out) const {
    std::string word;
    TRY(text(key, word));
    if (word.empty())
      return table_.contains(key) ? wrong(key, "one of: " + listed(choices)) : Status();
    for (const Choice& known : choices)
      if (known.word == word) {
        out = static_cast<Enum>(known.value);
        return {};
      }
    return wrong(key, "one of: " + listed(choices));
  }

  tl::unexpected<Error> wrong(std::string_view key, std::string expected) const {
    const toml::node* node = table_.get(key);
    return fail("'" + std::string(key) + "' must be " + std::move(expected),
                node ? where(*node) : where());
  }

  const toml::table& table() const { return table_; }

 private:
  template <typename T>
  Status value(std::string_view key, T& out, const char* expected) const {
    const toml::node* node = table_.get(key);
    if (!node) return {};
    std::optional<T> read = node->value<T>();
    if (!read) return wrong(key, expected);
    out = std::move(*read);
    return {};
  }
  const toml::table& table_;
  const std::string& file_;
};

Status check_source_name(const std::string& name, const std::string& where) {
  auto bad = [](char c) { return c == '"' || c == '\\' || static_cast<uint8_t>(c) < 0x20; };
  if (name.empty()) return fail("a field needs its name at the sender: source = \"...\"", where);
  if (name.size() > kSourceNameBytesMax)
    return fail("the source name is longer than 128 bytes", where);
  if (std::any_of(name.begin(), name.end(), bad))
    return fail("the source name '" + name + "' holds a quote, backslash or control character",
                where);
  return {};
}

Status read_head(const TableReader& in, Schema& schema) {
  TRY(in.known_keys(kSchemaKeys));
  TRY(in.text("name", schema.name));
  std::string currency = "USD";
  TRY(in.text("currency", currency));
  Result<Currency> parsed = Currency::parse(currency);
  if (!parsed) return in.wrong("currency", "a currency code of three capital letters (ISO 4217)");
  schema.currency = *parsed;
  TRY(in.choice("card_kind", kCardKinds, schema.card_kind));
  TRY(in.choice("pan_check", kPanChecks, schema.pan_check));
  TRY(in.choice("payment_id_check", kIdChecks, schema.payment_id_check));
  TRY(in.choice("amount_decimals", kDecimals, schema.amount_decimals));
  TRY(in.choice("unknown_fields", kUnknowns, schema.unknown_fields));
  TRY(in.text("label", schema.label));
  TRY(in.text("card_masked", schema.card_masked));
  TRY(in.text("object", schema.object));
  if (!schema.card_masked.empty() && schema.card_kind != CardKind::token)
    return in.wrong("card_masked", "left out: it goes with card_kind = \"token\"");
  for (const std::string* name : {&schema.card_masked, &schema.object})
    if (!name->empty()) TRY(check_source_name(*name, in.where()));
  if (schema.name.empty()) return fail("the schema needs a name: name = \"...\"", in.where());
  return {};
}

Status read_drop(const TableReader& in, Schema& schema) {
  const toml::node* node = in.table().get("drop");
  if (!node) return {};
  const toml::array* list = node->as_array();
  if (!list) return in.wrong("drop", "a list of source names");
  if (list->size() > kDroppedMax) return in.wrong("drop", "a list of at most 1000 names");
  for (const toml::node& entry : *list) {
    std::optional<std::string> name = entry.value<std::string>();
    if (!name) return in.wrong("drop", "a list of source names");
    TRY(check_source_name(*name, in.where(entry)));
    schema.dropped.push_back(std::move(*name));
  }
  return {};
}

// Latitudes and longitudes have bounds that need no declaring.
void set_standard_bounds(FieldBinding& binding) {
  bool latitude = binding.field == field::latitude || binding.field == field::merchant_latitude;
  bool longitude = binding.field == field::longitude || binding.field == field::merchant_longitude;
  if (!latitude && !longitude) return;
  binding.min = latitude ? -90 : -180;
  binding.max = latitude ? 90 : 180;
}

Status read_bounds(const TableReader& in, FieldBinding& binding) {
  set_standard_bounds(binding);
  bool counts = binding.type == FieldType::integer || binding.type == FieldType::number;
  for (std::string_view key : {"min", "max"})
    if (in.table().contains(key) && !counts)
      return in.wrong(key, "left out: it is for integer and number alone");
  TRY(in.number("min", binding.min));
  TRY(in.number("max", binding.max));
  if (binding.min && binding.max && *binding.min > *binding.max)
    return in.wrong("min", "at most 'max'");
  return {};
}

Status read_max_bytes(const TableReader& in, FieldBinding& binding) {
  if (binding.field == field::payment_id) binding.max_bytes = kIdBytesMax;
  if (!in.table().contains("max_bytes")) return {};
  if (binding.type != FieldType::text)
    return in.wrong("max_bytes", "left out: it is for text alone");
  std::optional<double> bytes;
  TRY(in.number("max_bytes", bytes));
  if (*bytes < 1 || *bytes > kTextBytesMax || *bytes != std::floor(*bytes))
    return in.wrong("max_bytes", "a whole number from 1 to 1024");
  binding.max_bytes = static_cast<uint32_t>(*bytes);
  return {};
}

Result<FieldIndex> target_of(const TableReader& in, const std::string& to, FieldType type,
                             bool is_volatile, Schema& schema) {
  std::optional<FieldIndex> known = schema.fields.find(to);
  if (known && schema.binding_of(*known))
    return fail("a second field goes to '" + to + "'", in.where());
  if (known) return *known;
  Result<FieldIndex> added = schema.fields.add(to, type, is_volatile);
  if (!added) return fail(added.error().what, in.where(), added.error().remedy);
  return *added;
}

Status check_target(const TableReader& in, const FieldBinding& binding, bool is_volatile,
                    const Schema& schema) {
  const FieldSpec& spec = schema.fields[binding.field];
  if (spec.type != binding.type)
    return in.wrong("type",
                    std::string(name_of(spec.type)) + ": '" + spec.name + "' is a standard field");
  if (is_standard(binding.field) && is_volatile)
    return in.wrong("volatile", "left out: '" + spec.name + "' is part of what a payment is");
  if (in.table().contains("format") && binding.type != FieldType::time)
    return in.wrong("format", "left out: it is for times alone");
  if (is_forbidden_name(binding.source))
    return fail("'" + binding.source + "' may not be kept (PCI DSS 3.3.1)", in.where(),
                "leave it out; it is dropped");
  return {};
}

Status read_field(const TableReader& in, Schema& schema) {
  TRY(in.known_keys(kFieldKeys));
  FieldBinding binding;
  TRY(in.text("source", binding.source));
  TRY(check_source_name(binding.source, in.where()));
  std::string to = binding.source;
  TRY(in.text("to", to));
  std::optional<FieldIndex> known = schema.fields.find(to);
  binding.type = known ? schema.fields[*known].type : FieldType::text;
  TRY(in.choice("type", kTypes, binding.type));
  TRY(in.choice("format", kFormats, binding.format));
  bool is_volatile = false;
  TRY(in.boolean("volatile", is_volatile));
  TRY_ASSIGN(binding.field, target_of(in, to, binding.type, is_volatile, schema));
  TRY(check_target(in, binding, is_volatile, schema));
  binding.required = is_always_required(binding.field);
  bool required = binding.required;
  TRY(in.boolean("required", required));
  if (binding.required && !required) return in.wrong("required", "true for '" + to + "'");
  binding.required = required;
  TRY(read_max_bytes(in, binding));
  TRY(read_bounds(in, binding));
  schema.bindings.push_back(std::move(binding));
  return {};
}

Status read_fields(const TableReader& in, const std::string& file, Schema& schema) {
  const toml::node* node = in.table().get("field");
  const toml::array* list = node ? node->as_array() : nullptr;
  if (!list) return fail("the schema has no fields", in.where(), "add [[schema.field]] tables");
  for (const toml::node& entry : *list) {
    const toml::table* table = entry.as_table();
    if (!table) return in.wrong("field", "a list of tables: [[schema.field]]");
    TRY(read_field(TableReader(*table, file), schema));
  }
  return {};
}

Status check_complete(const TableReader& in, const Schema& schema) {
  for (FieldIndex f = 0; f < field::standard_count; ++f)
    if (is_always_required(f) && !schema.binding_of(f))
      return fail("no field goes to '" + schema.fields[f].name + "'", in.where(),
                  "every schema needs payment_id, event_time, card and amount");
  SourceNames seen;
  auto twice = [&](const std::string& name) {
    return fail("the source field '" + name + "' is named twice", in.where(),
                "map, drop or label it, one of them");
  };
  for (const FieldBinding& binding : schema.bindings)
    if (!seen.add(binding.source, 0)) return twice(binding.source);
  for (const std::string& name : schema.dropped)
    if (!seen.add(name, 0)) return twice(name);
  if (!schema.label.empty() && !seen.add(schema.label, 0)) return twice(schema.label);
  if (!schema.card_masked.empty() && !seen.add(schema.card_masked, 0))
    return twice(schema.card_masked);
  return {};
}

}  // namespace

void Schema::index_names() {
  names = SourceNames();
  for (size_t i = 0; i < bindings.size(); ++i)
    names.add(bindings[i].source, static_cast<uint16_t>(i));
  for (const std::string& source : dropped) names.add(source, kDroppedName);
  for (std::string_view source : kForbidden) names.add(source, kDroppedName);
  if (!label.empty()) names.add(label, kLabelName);
  if (!card_masked.empty()) names.add(card_masked, kCardMaskedName);
}

const FieldBinding* Schema::binding_of(FieldIndex field) const {
  for (const FieldBinding& binding : bindings)
    if (binding.field == field) return &binding;
  return nullptr;
}

bool is_forbidden_name(std::string_view source) {
  std::string lower(source);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return std::find(kForbidden.begin(), kForbidden.end(), lower) != kForbidden.end();
}

Result<Schema> read_schema(const toml::table& config, const std::string& file) {
  const toml::node* node = config.get("schema");
  const toml::table* table = node ? node->as_table() : nullptr;
  if (!table)
    return fail("there is no section [schema]", file,
                "say how the source's fields map: see config/demo.toml");
  TableReader in(*table, file);
  Schema schema;
  TRY(read_head(in, schema));
  TRY(read_drop(in, schema));
  TRY(read_fields(in, file, schema));
  TRY(check_complete(in, schema));
  std::stable_sort(schema.bindings.begin(), schema.bindings.end(),
                   [](const FieldBinding& a, const FieldBinding& b) { return a.field < b.field; });
  schema.index_names();
  return schema;
}

Schema with_event_time(Schema schema, const std::string& source, TimeFormat format) {
  for (FieldBinding& binding : schema.bindings) {
    if (binding.field != field::event_time) continue;
    binding.source = source;
    binding.format = format;
  }
  std::erase(schema.dropped, source);
  schema.index_names();
  return schema;
}

Schema archived(const Schema& schema) {
  Schema out;
  out.name = schema.name;
  out.currency = schema.currency;
  out.card_kind = CardKind::token;
  out.payment_id_check = PaymentIdCheck::own_card;
  out.fields = schema.fields;
  out.card_masked = "card";
  out.object = "payment";
  for (FieldIndex f = 0; f < schema.fields.size(); ++f) {
    FieldBinding binding;
    binding.source = f == field::card ? "card_token" : schema.fields[f].name;
    binding.field = f;
    binding.type = schema.fields[f].type;
    binding.required = is_always_required(f);
    out.bindings.push_back(std::move(binding));
  }
  out.index_names();
  return out;
}

}  // namespace paywarden
