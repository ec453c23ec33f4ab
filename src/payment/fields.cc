#include "payment/fields.h"

#include <array>

namespace paywarden {
namespace {

constexpr std::array<std::string_view, 6> kTypeNames = {"text",    "integer", "number",
                                                        "boolean", "time",    "amount"};

bool is_field_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || name[0] < 'a' || name[0] > 'z') return false;
  for (char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  return true;
}

}  // namespace

std::string_view name_of(FieldType type) {
  return kTypeNames[static_cast<size_t>(type)];
}

std::optional<FieldType> field_type_of(std::string_view name) {
  for (size_t i = 0; i < kTypeNames.size(); ++i)
    if (kTypeNames[i] == name) return static_cast<FieldType>(i);
  return std::nullopt;
}

FieldTable::FieldTable()
    : specs_{{"payment_id", FieldType::text},
             {"event_time", FieldType::time},
             {"card", FieldType::text},
             {"merchant", FieldType::text},
             {"amount", FieldType::amount},
             {"currency", FieldType::text},
             {"category", FieldType::text},
             {"latitude", FieldType::number},
             {"longitude", FieldType::number},
             {"merchant_latitude", FieldType::number},
             {"merchant_longitude", FieldType::number}} {}

Result<FieldIndex> FieldTable::add(std::string name, FieldType type, bool is_volatile) {
  if (!is_field_name(name))
    return fail("'" + name + "' is not a field name", {},
                "use a-z, 0-9 and _, a letter first, at most 64");
  if (name == "card_token" || name == "receipt_time")
    return fail("the name '" + name + "' is taken", {},
                "it stands beside the fields in the archive");
  if (find(name)) return fail("the field '" + name + "' is declared twice");
  if (specs_.size() >= kFieldsMax)
    return fail("more than " + std::to_string(kFieldsMax) + " fields", {}, "leave fields out");
  specs_.push_back({std::move(name), type, is_volatile});
  return static_cast<FieldIndex>(specs_.size() - 1);
}

std::optional<FieldIndex> FieldTable::find(std::string_view name) const {
  for (size_t i = 0; i < specs_.size(); ++i)
    if (specs_[i].name == name) return static_cast<FieldIndex>(i);
  return std::nullopt;
}

}  // namespace paywarden
