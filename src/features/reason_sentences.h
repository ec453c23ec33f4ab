// Reasons as sentences: 'amount 912.40 EUR is 14 x this card's 30-day mean, 1.1 x is usual'. Their templates are
// those that the features declare (`says`), or follow from their operations (default_sentence.h).
//
//   ReasonSentences sentences(features, fields, base_currency);   // once
//   sentences.say(payment, decision.reasons);                     // fills Reason::text
//
// A function of the features, the payment and the reason alone: replay says what the live decision said. Never changes;
// any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "features/default_sentence.h"
#include "payment/decision.h"
#include "payment/money.h"
#include "payment/payment.h"

namespace paywarden {

class ReasonSentences {
 public:
  ReasonSentences(const FeatureSet& features, const FieldTable& fields, Currency base);
  // The payment's amount must stand in the base currency already. A reason of no feature of the set keeps its text.
  void say(const Payment& payment, std::span<Reason> reasons) const;

 private:
  struct Item {
    SentenceTemplate declared;
    DefaultSentence usual;
    ValueFormat value, field;
    FieldIndex field_index = field::amount;
    FieldType field_type = FieldType::amount;
    double field_scale = 1;  // stored units in one that is shown
    // Fields without which the payment has no such feature, and what is said then.
    std::vector<std::pair<FieldIndex, std::string>> needs;
  };
  struct Filling;
  static Item item_of(const FeatureSpec& spec, const FieldTable& fields, const MoneyFormat& money,
                      int base_exponent);
  static void say(const Item& item, const Payment& payment, Reason& reason);
  static void say_unknown(const Item& item, const Filling& filling, std::string& out);
  static void fill(const SentenceTemplate& sentence, const Filling& filling, std::string& out);

  std::vector<Item> items_;
  std::unordered_map<std::string, size_t> places_;  // by the feature's name
};

}  // namespace paywarden
