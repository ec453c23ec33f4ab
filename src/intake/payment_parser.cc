#include "intake/payment_parser.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "intake/byte_order_mark.h"
#include "intake/flat_object.h"
#include "intake/json_fault.h"
#include "intake/json_scalar.h"

namespace paywarden {
namespace {

namespace od = simdjson::ondemand;
using Kind = RawValue::Kind;

RejectReason reason_of(simdjson::error_code error) {
  return error == simdjson::UTF8_ERROR ? RejectReason::not_utf8 : RejectReason::not_json;
}

// Where it is not, bytes counted from 1 as columns are.
std::string not_json_rule(std::string_view json, const std::string& rule) {
  if (json.empty()) return rule + ": it is empty";
  std::optional<size_t> fault = json_fault(json);
  if (!fault) return rule;
  return *fault == json.size() ? rule + ": it breaks off behind byte " + std::to_string(*fault)
                               : rule + " at byte " + std::to_string(*fault + 1);
}

}  // namespace

// Walks one JSON object and hands its values to the builder.
class PaymentParser::Json {
 public:
  Json(PaymentBuilder& builder, const ParserOptions& options)
      : builder_(builder),
        names_(builder.schema().names),
        options_(options),
        flat_(names_, options.fields_max) {
    simdjson::error_code error = parser_.allocate(options.body_bytes_max);
    CHECK(error == simdjson::SUCCESS, "no memory for a JSON parser");
    unescaper_.reserve(options.body_bytes_max);
    for (const SourceNames::Entry& entry : names_.entries()) uses_.push_back(entry.value);
  }

  void walk(std::string_view json, size_t readable, bool with_label) {
    with_label_ = with_label;
    field_count_ = 0;
    others_.clear();
    if (json.empty()) readable = 0;  // nothing may have no address
    if (readable >= json.size() + FlatObject::kPadding && read_flat(json)) return;
    if (json.starts_with(kByteOrderMark)) {
      json.remove_prefix(kByteOrderMark.size());
      readable -= std::min(readable, kByteOrderMark.size());
    }
    if (readable >= json.size() + simdjson::SIMDJSON_PADDING) return read(json, readable);
    copy_.assign(json);
    copy_.append(simdjson::SIMDJSON_PADDING, '\0');
    std::string_view copied(copy_.data(), json.size());
    if (!read_flat(copied)) read(copied, copy_.size());
  }

  // Card numbers may have passed through these buffers.
  void wipe() {
    unescaper_.wipe();
    if (!copy_.empty()) explicit_bzero(copy_.data(), copy_.size());
    copy_.clear();
  }

 private:
  // False, with nothing done, for what is not a flat object; read() says what it is.
  bool read_flat(std::string_view json) {
    if (!builder_.schema().object.empty() || !flat_.read(json)) return false;
    builder_.expect_padding();
    for (const FlatObject::Member& member : flat_.members()) {
      // Nearly each is the value of a field.
      if (member.entry < 0 || uses_[static_cast<size_t>(member.entry)] >= kLabelName ||
          !builder_.take(uses_[static_cast<size_t>(member.entry)], member.value))
        take_other(member);
    }
    return true;
  }

  void take_other(const FlatObject::Member& member) {
    if (member.entry < 0) return note_unknown(member.name);
    const SourceNames::Entry& known = names_.entries()[static_cast<size_t>(member.entry)];
    if (is_passed_over(known)) return note_repeat(known.name);
    take_known(known, member.value);  // that a field's value is a repeat is seen again
  }

  void read(std::string_view json, size_t readable) {
    unescaper_.start(json);
    od::document document;
    if (simdjson::error_code error = parser_.iterate(json, readable).get(document))
      return builder_.problem(reason_of(error));
    od::json_type type;
    if (simdjson::error_code error = document.type().get(type))
      return builder_.problem(reason_of(error));
    if (type != od::json_type::object) return builder_.problem(RejectReason::not_object);
    od::object object;
    if (simdjson::error_code error = document.get_object().get(object))
      return builder_.problem(reason_of(error));
    bool read = builder_.schema().object.empty() ? read_fields(object) : read_inner(object);
    if (!read) return;
    if (document.current_location().error() == simdjson::SUCCESS)
      builder_.problem(RejectReason::not_json);
  }

  // False when the input turned out not to be JSON, or beyond a limit; the builder then knows.
  bool read_fields(od::object& object) {
    for (auto result : object) {
      if (result.error()) return stop(reason_of(result.error()));
      od::field& field = in_place(result);
      if (++field_count_ > options_.fields_max) return stop(RejectReason::too_many_fields);
      int entry = find_name(field.key().raw());
      od::value& value = field.value();
      bool read = entry >= 0 ? read_known(names_.entries()[static_cast<size_t>(entry)], value)
                             : pass_over(value, 1);
      if (!read) return false;
    }
    return true;
  }

  // The payment is one member of the object; the others are passed over.
  bool read_inner(od::object& object) {
    const std::string& wanted = builder_.schema().object;
    bool found = false;
    for (auto result : object) {
      if (result.error()) return stop(reason_of(result.error()));
      od::field& field = in_place(result);
      if (++field_count_ > options_.fields_max) return stop(RejectReason::too_many_fields);
      std::string_view name;
      if (!read_key(field.key().raw(), name)) return false;
      od::object inner;
      if (name != wanted) {
        if (!pass_over(field.value(), 1)) return false;
      } else if (std::exchange(found, true)) {
        return stop(RejectReason::duplicate_field, wanted);
      } else if (field.value().get_object().get(inner) || !read_fields(inner)) {
        return stop(RejectReason::not_object);
      }
    }
    return found || stop(RejectReason::missing, wanted);
  }

  // The entry of the key that starts at `key`, -1 for one that is unknown (then noted, for repeats).
  int find_name(const char* key) {
    std::string_view name;
    if (!read_key(key, name)) return -1;
    int entry = names_.find_entry(name);
    if (entry < 0) note_unknown(name);
    return entry;
  }

  bool read_key(const char* key, std::string_view& name) {
    size_t length = 0;
    while (key[length] != '"' && key[length] != '\\') ++length;
    name = {key, length};
    return key[length] == '"' || unescape(key, name);
  }

  void note_unknown(std::string_view name) {
    if (builder_.schema().unknown_fields == UnknownFields::reject && !is_forbidden_name(name))
      builder_.problem(RejectReason::unknown_field, name);
    note_repeat(name);
  }

  void note_repeat(std::string_view name) {
    uint64_t hash = hash64(name);
    if (std::find(others_.begin(), others_.end(), hash) != others_.end())
      builder_.problem(RejectReason::duplicate_field, name);
    others_.push_back(hash);
  }

  bool is_passed_over(const SourceNames::Entry& entry) const {
    return entry.value == kDroppedName || (entry.value == kLabelName && !with_label_);
  }

  bool read_known(const SourceNames::Entry& entry, od::value& value) {
    bool passed_over = is_passed_over(entry);
    if (passed_over) note_repeat(entry.name);
    if (passed_over) return pass_over(value, 1);
    RawValue raw = read_value(value);
    if (raw.kind == Kind::broken) return false;
    take_known(entry, raw);
    return true;
  }

  void take_known(const SourceNames::Entry& entry, RawValue raw) {
    if (entry.value == kLabelName)
      builder_.take_label(raw);
    else if (entry.value == kCardMaskedName)
      builder_.take_card_masked(raw);
    else if (!builder_.take(entry.value, raw))
      builder_.problem(RejectReason::duplicate_field, entry.name);
  }

  RawValue read_value(od::value& value) {
    RawValue raw = json_scalar(value, parser_, unescaper_);
    if (raw.kind == Kind::broken) stop(RejectReason::not_json);
    if (raw.kind == Kind::nested && !pass_over(value, 1)) return RawValue(Kind::broken, {});
    return raw;
  }

  bool unescape(const char* from, std::string_view& out) {
    return unescaper_.resolve(parser_, from, out) ? true : stop(RejectReason::not_json);
  }

  // A value that nobody wants still has to be JSON, and not too deep.
  bool pass_over(od::value& value, size_t depth) {
    od::json_type type;
    if (simdjson::error_code error = value.type().get(type)) return stop(reason_of(error));
    bool nested = type == od::json_type::object || type == od::json_type::array;
    if (!nested) return read_value(value).kind != Kind::broken;
    if (depth >= options_.depth_max) return stop(RejectReason::too_deep);
    return type == od::json_type::object ? pass_over_object(value, depth)
                                         : pass_over_array(value, depth);
  }

  bool pass_over_object(od::value& value, size_t depth) {
    od::object object;
    if (simdjson::error_code error = value.get_object().get(object)) return stop(reason_of(error));
    for (auto result : object) {
      if (result.error()) return stop(reason_of(result.error()));
      if (++field_count_ > options_.fields_max) return stop(RejectReason::too_many_fields);
      std::string_view ignored;
      if (!read_key(in_place(result).key().raw(), ignored)) return false;
      if (!pass_over(in_place(result).value(), depth + 1)) return false;
    }
    return true;
  }

  bool pass_over_array(od::value& value, size_t depth) {
    od::array array;
    if (simdjson::error_code error = value.get_array().get(array)) return stop(reason_of(error));
    for (auto result : array) {
      if (result.error()) return stop(reason_of(result.error()));
      if (!pass_over(in_place(result), depth + 1)) return false;
    }
    return true;
  }

  bool stop(RejectReason reason, std::string_view field = {}) {
    builder_.problem(reason, field);
    return false;
  }

  PaymentBuilder& builder_;
  const SourceNames& names_;
  const ParserOptions& options_;
  FlatObject flat_;
  std::vector<uint16_t> uses_;  // by entry of the names: its value, near to each other
  od::parser parser_;
  std::string copy_;  // of an input without padding
  Unescaper unescaper_;
  std::vector<uint64_t> others_;  // hashes of the keys that are not the schema's
  size_t field_count_ = 0;
  bool with_label_ = false;
};

PaymentParser::PaymentParser(const Schema& schema, const Tokeniser& tokeniser,
                             const ParserOptions& options)
    : options_(options),
      builder_(schema, tokeniser, options_),
      json_(std::make_unique<Json>(builder_, options_)) {}

PaymentParser::~PaymentParser() = default;

const Schema& PaymentParser::schema() const {
  return builder_.schema();
}

std::optional<Rejection> PaymentParser::parse_json(std::string_view json, EventTime receipt,
                                                   Payment& out, std::optional<bool>* label,
                                                   size_t readable) {
  if (json.size() > options_.body_bytes_max) return unparsable(RejectReason::too_large, json);
  builder_.begin(out, receipt);
  json_->walk(json, readable, label != nullptr);
  std::optional<Rejection> no = builder_.finish();
  if (no && status_of(no->reason) == 400) no->raw = shape_of(json);
  if (no && no->reason == RejectReason::not_json)
    no->rule = not_json_rule(without_byte_order_mark(json), no->rule);
  if (label) *label = builder_.label();
  json_->wipe();
  return no;
}

Result<ColumnMap> PaymentParser::columns(std::span<const std::string_view> names) const {
  const Schema& schema = builder_.schema();
  ColumnMap map;
  SourceNames seen;
  for (std::string_view name : names) {
    std::string shown = masked_excerpt(name, kRejectedValueBytes);
    if (!seen.add(name, 0)) return fail("the column '" + shown + "' stands there twice");
    uint16_t target = schema.names.find(name);
    bool unknown = target == SourceNames::kUnknown && !is_forbidden_name(name);
    if (unknown && schema.unknown_fields == UnknownFields::reject)
      return fail("the column '" + shown + "' is not in the schema", {}, "map it or drop it");
    map.targets.push_back(target);
  }
  for (const FieldBinding& binding : schema.bindings)
    if (binding.required && seen.find(binding.source) == SourceNames::kUnknown)
      return fail(
          "the column '" + binding.source + "' is missing", {},
          "the schema '" + schema.name + "' needs it for " + schema.fields[binding.field].name);
  return map;
}

std::optional<Rejection> PaymentParser::parse_row(const ColumnMap& columns,
                                                  std::span<const RawValue> values,
                                                  EventTime receipt, Payment& out,
                                                  std::optional<bool>* label) {
  builder_.begin(out, receipt);
  if (values.size() != columns.targets.size()) builder_.problem(RejectReason::column_count);
  size_t count = std::min(values.size(), columns.targets.size());
  for (size_t i = 0; i < count; ++i) {
    uint16_t target = columns.targets[i];
    if (target < kLabelName)
      builder_.take(target, values[i]);
    else if (target == kLabelName && label)
      builder_.take_label(values[i]);
    else if (target == kCardMaskedName)
      builder_.take_card_masked(values[i]);
  }
  if (label) *label = builder_.label();
  return builder_.finish();
}

Rejection PaymentParser::unparsable(RejectReason reason, std::string_view input) {
  Payment none;
  builder_.begin(none, EventTime());
  builder_.problem(reason);
  Rejection rejection = *builder_.finish();
  rejection.raw = shape_of(input);
  return rejection;
}

}  // namespace paywarden
