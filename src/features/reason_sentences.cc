#include "features/reason_sentences.h"

#include <cmath>

#include "base/check.h"
#include "features/group_plan.h"
#include "features/key_group_rows.h"

namespace paywarden {
namespace {

// Operations that look at the payment's own field, so that none is their value where it has none.
bool needs_field(Operation operation) {
  return !is_keyed(operation) || operation == Operation::ratio || operation == Operation::rank ||
         operation == Operation::median_ratio || operation == Operation::deviation;
}

bool is_special(SpecialValue special, double value) {
  switch (special) {
    case SpecialValue::none:
      return false;
    case SpecialValue::one:
      return value == 1;
    case SpecialValue::zero:
      return value == 0;
    case SpecialValue::negative:
      return value < 0;
  }
  return false;
}

}  // namespace

// What one sentence is filled with.
struct ReasonSentences::Filling {
  const Item& item;
  const Payment& payment;
  const Reason& reason;

  bool has_field_value() const { return has_field(payment, item.field_index); }
  double field_value() const {
    if (item.field_type == FieldType::number) return payment.value(item.field_index).number;
    return static_cast<double>(quantity_of(payment, item.field_index, item.field_type)) /
           item.field_scale;
  }
  double quotient() const { return reason.value / reason.usual; }
  // Whether all places of the sentence can be filled. A quotient by 0, or of two signs, is none.
  bool suffices(const SentenceTemplate& sentence) const {
    bool knows_usual = std::isfinite(reason.usual);
    if (sentence.uses(SentencePlace::usual) && !knows_usual) return false;
    if (sentence.uses(SentencePlace::field) && !has_field_value()) return false;
    return !sentence.uses(SentencePlace::times) ||
           (knows_usual && std::isfinite(quotient()) && quotient() >= 0);
  }
};

ReasonSentences::Item ReasonSentences::item_of(const FeatureSpec& spec, const FieldTable& fields,
                                               const MoneyFormat& money, int base_exponent) {
  Item item;
  if (!spec.says.empty()) {
    auto declared = SentenceTemplate::parse(spec.says);
    CHECK(declared, "a feature's sentence was not checked when it was read");
    item.declared = std::move(*declared);
    item.declared.settle(SentencePlace::over, span_words(spec.over));
  }
  item.usual = default_sentence(spec, fields);
  item.value = value_format(spec, fields, money);
  auto need = [&](FieldIndex f) {
    item.needs.emplace_back(f, "this payment has no " + field_words(f, fields));
  };
  for (FieldIndex f : spec.by) need(f);
  if (!spec.field) return item;
  item.field_index = *spec.field;
  item.field_type = fields[*spec.field].type;
  item.field_scale = quantity_scale(*spec.field, item.field_type, base_exponent);
  item.field = field_format(*spec.field, fields, money);
  if (needs_field(spec.operation)) need(*spec.field);
  return item;
}

ReasonSentences::ReasonSentences(const FeatureSet& features, const FieldTable& fields,
                                 Currency base) {
  int exponent = features.options().base_exponent;
  MoneyFormat money{base == Currency() ? std::string() : std::string(base.code()), exponent};
  for (const FeatureSpec& spec : features.specs()) {
    places_.emplace(spec.name, items_.size());
    items_.push_back(item_of(spec, fields, money, exponent));
  }
}

void ReasonSentences::say(const Payment& payment, std::span<Reason> reasons) const {
  for (Reason& reason : reasons) {
    auto place = places_.find(reason.feature);
    if (place != places_.end()) say(items_[place->second], payment, reason);
  }
}

void ReasonSentences::say(const Item& item, const Payment& payment, Reason& reason) {
  Filling filling{item, payment, reason};
  std::string& out = reason.text;
  out.clear();
  if (!std::isfinite(reason.value)) return say_unknown(item, filling, out);
  if (!item.declared.empty() && filling.suffices(item.declared))
    return fill(item.declared, filling, out);
  bool special = is_special(item.usual.special_at, reason.value);
  fill(special ? item.usual.special : item.usual.regular, filling, out);
  if (std::isfinite(reason.usual)) fill(item.usual.tail, filling, out);
}

void ReasonSentences::say_unknown(const Item& item, const Filling& filling, std::string& out) {
  for (const auto& [field, words] : item.needs)
    if (!has_field(filling.payment, field)) {
      out = words;
      return;
    }
  fill(item.usual.unknown, filling, out);
}

void ReasonSentences::fill(const SentenceTemplate& sentence, const Filling& filling,
                           std::string& out) {
  for (const auto& piece : sentence.pieces()) switch (piece.place) {
      case SentencePlace::words:
      case SentencePlace::over:  // settled
        out += piece.words;
        break;
      case SentencePlace::value:
        append_value(filling.item.value, filling.reason.value, out);
        break;
      case SentencePlace::size:
        append_value(filling.item.value, std::abs(filling.reason.value), out);
        break;
      case SentencePlace::usual:
        append_value(filling.item.value, filling.reason.usual, out);
        break;
      case SentencePlace::times:
        append_times(filling.quotient(), out);
        break;
      case SentencePlace::field:
        if (filling.has_field_value()) append_value(filling.item.field, filling.field_value(), out);
        break;
    }
}

}  // namespace paywarden
