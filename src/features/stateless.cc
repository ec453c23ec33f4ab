#include "features/stateless.h"

#include <bit>

#include "base/fixed_math.h"
#include "features/group_plan.h"
#include "features/key_group_rows.h"

namespace paywarden {

StatelessFeatures::CodeTable::CodeTable(const std::vector<std::string>& codes)
    : slots_(4 * std::bit_ceil(codes.size() + 1)) {
  for (size_t c = 0; c < codes.size(); ++c) {
    const uint64_t hash = hash64(codes[c]);
    if (Slot& slot = slots_[place_of(hash)]; slot.hash != hash)
      slot = {hash, static_cast<float>(c)};
  }
}

// Of the hash, or the free one where it would stand.
size_t StatelessFeatures::CodeTable::place_of(uint64_t hash) const {
  size_t at = hash & (slots_.size() - 1);
  while (slots_[at].hash != hash && slots_[at].hash != 0) at = (at + 1) & (slots_.size() - 1);
  return at;
}

StatelessFeatures::StatelessFeatures(const FeatureSet& set, const FieldTable& fields) {
  for (size_t i = 0; i < set.specs().size(); ++i) {
    const FeatureSpec& spec = set.specs()[i];
    if (is_keyed(spec.operation)) continue;
    Item& item = items_.emplace_back();
    item.operation = spec.operation;
    item.output = i;
    item.place = spec.place;
    item.to = spec.to;
    item.codes = CodeTable(spec.codes);
    if (!spec.field) continue;
    item.field = *spec.field;
    item.type = fields[*spec.field].type;
    item.scale = quantity_scale(*spec.field, item.type, set.options().base_exponent);
  }
}

void StatelessFeatures::compute(const Payment& payment, float* out,
                                DistanceBatch& distances) const {
  for (const Item& item : items_) {
    out[item.output] = value_of(item, payment);
    if (item.operation == Operation::distance_between)
      distance(item, payment, &out[item.output], distances);
  }
}

void StatelessFeatures::distance(const Item& item, const Payment& payment, float* out,
                                 DistanceBatch& distances) {
  for (FieldIndex f :
       {item.place.latitude, item.place.longitude, item.to.latitude, item.to.longitude})
    if (!payment.has(f)) return;
  auto place = [&](const PlaceFields& p) {
    return GeoPoint{payment.value(p.latitude).number, payment.value(p.longitude).number};
  };
  distances.add_distance(place(item.place), place(item.to), out);
}

float StatelessFeatures::quantity(const Item& item, const Payment& payment) {
  if (!has_field(payment, item.field)) return kMissing;
  double value =
      item.type == FieldType::number
          ? payment.value(item.field).number
          : static_cast<double>(quantity_of(payment, item.field, item.type)) / item.scale;
  if (item.operation == Operation::value) return static_cast<float>(value);
  return value < 0 ? kMissing : static_cast<float>(fixed_log(1 + value));
}

float StatelessFeatures::code(const Item& item, const Payment& payment) {
  if (!has_field(payment, item.field)) return kMissing;
  uint64_t hash = item.field == field::currency ? hash64(payment.currency.code())
                                                : payment.text_hash64(item.field);
  return item.codes.find(hash);
}

float StatelessFeatures::value_of(const Item& item, const Payment& payment) {
  switch (item.operation) {
    case Operation::value:
    case Operation::log:
      return quantity(item, payment);
    case Operation::hour:
      return static_cast<float>(hour_of(payment.event_time));
    case Operation::weekday:
      return static_cast<float>(weekday_of(payment.event_time));
    case Operation::years_since:
      if (!payment.has(item.field)) return kMissing;
      return static_cast<float>(
          static_cast<double>(payment.event_time.ms() - payment.value(item.field).integer) /
          (365.25 * 86'400'000));
    case Operation::code:
      return code(item, payment);
    default:
      return kMissing;  // a distance, as long as it is not known
  }
}

}  // namespace paywarden
