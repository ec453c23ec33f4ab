// What a reason says where its feature declares no `says`: it follows from the operation, its field, key and window.
//
//   DefaultSentence sentence = default_sentence(spec, fields);
//   // of a `count` by card over 1h: "{value} payments of this card in the last hour", then ", {usual} is usual"
//   ValueFormat format = value_format(spec, fields, {"EUR", 2});
#pragma once

#include <string>

#include "features/feature.h"
#include "features/sentence_template.h"
#include "features/value_text.h"

namespace paywarden {

// A value for which the sentence needs other words.
enum class SpecialValue : uint8_t { none, one, zero, negative };

struct DefaultSentence {
  SentenceTemplate regular;
  SpecialValue special_at = SpecialValue::none;
  SentenceTemplate special;
  SentenceTemplate tail;  // how the usual value follows, where it is known; empty: it says nothing
  SentenceTemplate unknown;  // the value is missing, though the payment has all its fields
};

DefaultSentence default_sentence(const FeatureSpec& spec, const FieldTable& fields);

struct MoneyFormat {
  std::string currency;  // the base currency's code; empty: none
  int digits = 2;
};
ValueFormat value_format(const FeatureSpec& spec, const FieldTable& fields,
                         const MoneyFormat& money);
// Of the payment's own value of the field.
ValueFormat field_format(FieldIndex field, const FieldTable& fields, const MoneyFormat& money);

std::string field_words(FieldIndex field, const FieldTable& fields);  // entry_mode: "entry mode"
std::string span_words(Duration span);                                // "24 hours", "30 days"

}  // namespace paywarden
