// One payment in the making: takes raw values in whatever order they come, converts each as the
// schema says, and at the end says what is wrong first, by the ladder, whatever the order was.
// payment_parser.h is what others use.
//
//   PaymentBuilder builder(schema, tokeniser, options);
//   builder.begin(payment, receipt);
//   builder.take(binding, raw_value);   // for each field; the bytes must stay where they are until
//   finish() std::optional<Rejection> no = builder.finish();
//
// One object, one thread; nothing is allocated for a payment that is fine, once buffers have grown.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "intake/card_tokens.h"
#include "intake/convert.h"
#include "intake/pan.h"
#include "intake/rejection.h"
#include "intake/schema.h"
#include "intake/tokeniser.h"
#include "payment/payment.h"

namespace paywarden {

struct ParserOptions {
  size_t body_bytes_max =
      64 * 1024;  // one payment; a card payment takes about 500 bytes, so far above any honest one
  size_t depth_max = 8;        // nesting in fields that are skipped; real messages have 2 to 4
  size_t fields_max = 256;     // keys in one object: skipping unknown ones must stay cheap
  bool reject_future = false;  // live intake: true. Files and history are as old as they are
  Duration future_max = minutes(
      5);  // how far a sender's clock may be ahead; a payment dated 2099 would expire all state
  // Those that are taken; empty: all. For who reads history, where no engine asks for the rate.
  std::vector<Currency> currencies;
  size_t cards_remembered = 0;  // whose tokens are kept (card_tokens.h); for who reads millions
};

class PaymentBuilder {
 public:
  // All three must outlive the builder.
  PaymentBuilder(const Schema& schema, const Tokeniser& tokeniser, const ParserOptions& options);
  PaymentBuilder(const PaymentBuilder&) = delete;
  PaymentBuilder& operator=(const PaymentBuilder&) = delete;

  void begin(Payment& out, EventTime receipt);
  // False when this field was given before.
  bool take(size_t binding, RawValue value) {
    const uint64_t bit = uint64_t{1} << binding;
    if (present_ & bit) return false;
    present_ |= bit;
    seen_[binding] = value;
    if (value.is_missing()) return true;  // finish() looks whether it was required
    given_ |= bit;
    // Most values are texts, and shorter than a card number.
    const Target& target = targets_[binding];
    const size_t bytes = value.text().size();
    if (padded_ && value.kind == RawValue::Kind::text && bytes <= target.plain_bytes)
      out_->set_padded_text(target.field, value.text());
    else
      take_converted(binding, value);
    return true;
  }
  void take_label(RawValue value);
  void take_card_masked(RawValue value);
  // Behind each value that comes now, kHashPadding bytes may be read.
  void expect_padding() { padded_ = true; }
  // Something wrong with the input as a whole, or with a key (`field`).
  void problem(RejectReason reason, std::string_view field = {});
  // What is wrong, or nothing, with the payment filled.
  std::optional<Rejection> finish();
  std::optional<bool> label() const { return label_; }
  const Schema& schema() const { return schema_; }

 private:
  struct Problem {
    uint32_t rank = 0;  // place on the ladder; the lowest is told
    RejectReason reason = RejectReason::none;
    const FieldBinding* binding = nullptr;
    std::string field;  // where there is no binding
  };

  // What take() needs to know of a binding, resolved beforehand and near to each other.
  enum class As : uint8_t { text, number, event_time, card, amount, currency, extra };
  struct Target {
    As as = As::extra;
    FieldType type = FieldType::text;
    TimeFormat format = TimeFormat::iso8601;
    FieldIndex field = 0;
    uint32_t max_bytes = 0;
    uint32_t plain_bytes = 0;  // a text of so many is taken as it is
    double min, max;           // infinite where there is none
  };
  static Target target_of(const FieldBinding& binding);

  void take_converted(size_t binding, RawValue value);
  RejectReason convert(const Target& target, RawValue value);
  RejectReason convert_text(const Target& target, RawValue value);
  RejectReason convert_event_time(const Target& target, RawValue value);
  RejectReason convert_currency(RawValue value);
  bool takes(Currency currency) const;
  RejectReason convert_any_card(RawValue value);
  RejectReason convert_card(RawValue value);
  RejectReason convert_card_id(RawValue value);
  RejectReason convert_card_token(RawValue value);
  RejectReason convert_number(const Target& target, RawValue value);
  RejectReason convert_extra(const Target& target, RawValue value);
  void refuse_default_currency();
  void convert_amounts();
  void check_payment_id();
  void check_numbers();
  void field_problem(const FieldBinding& binding, RejectReason reason);
  Rejection rejection() const;
  std::string rule_of(const Problem& problem) const;
  std::string input_rule(RejectReason reason) const;
  std::string field_rule(RejectReason reason, const FieldBinding& binding) const;
  std::string amount_rule(const FieldBinding& binding) const;
  std::string shown(const FieldBinding& binding, RawValue value, size_t most) const;
  std::string kept_fields() const;

  const Schema& schema_;
  const Tokeniser& tokeniser_;
  const ParserOptions& options_;
  CardTokens tokens_;
  std::vector<Target> targets_;  // one a binding
  uint64_t required_ = 0;        // bit i: schema.bindings[i]
  uint64_t amounts_ = 0;
  uint64_t numbers_ = 0;        // integers, numbers, amounts
  uint64_t currency_ = 0;       // the one bit of the currency's binding, if there is one
  uint64_t present_ = 0;        // given with any value, null too
  uint64_t given_ = 0;          // given with a value
  std::vector<RawValue> seen_;  // as given, by binding; valid where present_
  Payment* out_ = nullptr;
  PanDigits pan_;
  uint64_t asked_card_ = 0;  // of tokens_, where pan_ has digits
  Currency
      last_currency_;  // one that is taken: looking one up takes longer than seeing that it is the same again
  bool default_currency_taken_ = true;
  std::optional<bool> label_;
  bool label_seen_ = false, card_masked_seen_ = false, padded_ = false;
  std::optional<Problem> problem_;
};

static_assert(kFieldsMax <= 64, "a bit for every binding");

}  // namespace paywarden
