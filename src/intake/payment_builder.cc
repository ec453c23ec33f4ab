#include "intake/payment_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/json_writer.h"

namespace paywarden {
namespace {

constexpr RejectReason kFine = RejectReason::none;

// Whole-input reasons first, then field by field, and within a field in the order of the reasons.
uint32_t rank_of(RejectReason reason, const FieldBinding* binding) {
  uint32_t place = binding ? binding->field + 1u : 0u;
  return place << 8 | static_cast<uint32_t>(reason);
}

std::string_view type_rule(FieldType type) {
  switch (type) {
    case FieldType::text:
      return "is not a text";
    case FieldType::integer:
      return "is not a whole number";
    case FieldType::number:
      return "is not a number";
    case FieldType::boolean:
      return "is not true or false";
    case FieldType::time:
      return "is not a time";
    case FieldType::amount:
      return "is not an amount";
  }
  return "";
}

std::string_view format_rule(TimeFormat format) {
  switch (format) {
    case TimeFormat::iso8601:
      return "is not a time like 2020-06-21T12:14:58Z";
    case TimeFormat::datetime:
      return "is not a time like 2020-06-21 12:14:58";
    case TimeFormat::epoch_s:
      return "is not a time in seconds since 1970";
    case TimeFormat::epoch_ms:
      return "is not a time in milliseconds since 1970";
    case TimeFormat::epoch_us:
      return "is not a time in microseconds since 1970";
  }
  return "";
}

// The rules whose text depends on the reason alone, in the order of RejectReason; empty: see
// PaymentBuilder::rule_of.
constexpr std::array<std::string_view, kRejectReasons> kRules = {
    "",
    "",  // too_large
    "the input is not valid UTF-8",
    "the input is not valid JSON",
    "the input is not a JSON object",
    "",  // too_deep
    "the record has a quote that is not closed, or text behind a closing one",
    "the record has not as many values as the header has names",
    "",  // too_many_fields
    "stands there twice",
    "is not a field of the schema",
    "is missing",
    "is an object or a list where one value is expected",
    "",  // wrong_kind
    "",  // too_long
    "holds a card number; send something else there",
    "is not a whole number",
    "is not a number",
    "is not true or false",
    "",  // not_time
    "",  // not_amount
    "is not a currency code of three capital letters (ISO 4217)",
    "",  // no_rate
    "is negative",
    "",  // out_of_range
    "",  // below_min
    "",  // above_max
    "holds something else than digits, spaces and dashes",
    "",  // pan_length
    "does not pass the Luhn check",
    "is not a card token of 32 hexadecimal digits",
    "",  // future
    "",  // conflict: see conflict_of()
};

}  // namespace

PaymentBuilder::PaymentBuilder(const Schema& schema, const Tokeniser& tokeniser,
                               const ParserOptions& options)
    : schema_(schema),
      tokeniser_(tokeniser),
      options_(options),
      tokens_(tokeniser, options.cards_remembered),
      seen_(schema.bindings.size()) {
  CHECK(schema.bindings.size() <= kFieldsMax, "a schema has one binding a field");
  for (size_t i = 0; i < schema.bindings.size(); ++i) {
    targets_.push_back(target_of(schema.bindings[i]));
    if (schema.bindings[i].required) required_ |= uint64_t{1} << i;
    if (schema.bindings[i].field == field::currency) currency_ = uint64_t{1} << i;
    FieldType type = schema.bindings[i].type;
    if (type == FieldType::amount) amounts_ |= uint64_t{1} << i;
    bool counts =
        type == FieldType::integer || type == FieldType::number || type == FieldType::amount;
    if (counts) numbers_ |= uint64_t{1} << i;
  }
  default_currency_taken_ = takes(schema.currency);
  if (!options.currencies.empty()) last_currency_ = options.currencies.front();
}

PaymentBuilder::Target PaymentBuilder::target_of(const FieldBinding& binding) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  Target target{.type = binding.type,
                .format = binding.format,
                .field = binding.field,
                .max_bytes = binding.max_bytes,
                .min = binding.min.value_or(-kInfinite),
                .max = binding.max.value_or(kInfinite)};
  switch (binding.field) {
    case field::payment_id:
      target.as = As::text;
      target.plain_bytes = target.max_bytes;  // see check_payment_id()
      break;
    case field::event_time:
      target.as = As::event_time;
      break;
    case field::card:
      target.as = As::card;
      break;
    case field::amount:
      target.as = As::amount;
      break;
    case field::currency:
      target.as = As::currency;
      break;
    default:
      if (binding.type == FieldType::text) {
        target.as = As::text;
        target.plain_bytes = std::min<uint32_t>(target.max_bytes, kPanDigitsTextMin - 1);
      }
      if (binding.type == FieldType::number) target.as = As::number;
      if (binding.type == FieldType::amount) target.as = As::amount;
      break;
  }
  return target;
}

void PaymentBuilder::begin(Payment& out, EventTime receipt) {
  out.reset(schema_.fields.size());
  out.receipt_time = receipt;
  out.currency = schema_.currency;
  out.amount_base_minor = 0;
  out_ = &out;
  present_ = given_ = 0;
  pan_.length = 0;
  label_seen_ = card_masked_seen_ = padded_ = false;
  if (schema_.card_kind == CardKind::token) out.card_masked.assign({});  // there may be none
  label_.reset();
  problem_.reset();
}

void PaymentBuilder::take_converted(size_t binding, RawValue value) {
  if (RejectReason no = convert(targets_[binding], value); no != kFine)
    field_problem(schema_.bindings[binding], no);
}

void PaymentBuilder::take_label(RawValue value) {
  if (label_seen_) return problem(RejectReason::duplicate_field, schema_.label);
  label_seen_ = true;
  if (value.is_missing()) return;
  bool fraud = false;
  if (RejectReason no = to_boolean(value, fraud); no != kFine) return problem(no, schema_.label);
  label_ = fraud;
}

// Only for people to look at: more digits than a masked number shows are masked here.
void PaymentBuilder::take_card_masked(RawValue value) {
  if (std::exchange(card_masked_seen_, true))
    return problem(RejectReason::duplicate_field, schema_.card_masked);
  if (value.kind == RawValue::Kind::nested)
    return problem(RejectReason::nested, schema_.card_masked);
  std::string_view text = value.text();
  bool shows_too_much = digit_count(text) > kPanDigitsShown;
  out_->card_masked.assign(shows_too_much ? masked_refused_pan(text) : std::string(text));
}

RejectReason PaymentBuilder::convert(const Target& target, RawValue value) {
  switch (target.as) {
    case As::text:
      return convert_text(target, value);
    case As::number:
      return convert_number(target, value);
    case As::event_time:
      return convert_event_time(target, value);
    case As::card:
      return convert_any_card(value);
    case As::amount:
      return kFine;  // needs the currency: convert_amounts()
    case As::currency:
      return convert_currency(value);
    case As::extra:
      break;
  }
  return convert_extra(target, value);
}

RejectReason PaymentBuilder::convert_text(const Target& target, RawValue value) {
  if (value.kind == RawValue::Kind::nested) return RejectReason::nested;
  if (value.kind == RawValue::Kind::boolean) return RejectReason::wrong_kind;
  std::string_view text = value.text();
  if (text.size() > target.max_bytes) return RejectReason::too_long;
  if (text.size() <= target.plain_bytes || !may_hold_pan(text))
    out_->set_text(target.field, text);
  else
    out_->set_text(target.field, mask_pans(text));
  return kFine;
}

RejectReason PaymentBuilder::convert_event_time(const Target& target, RawValue value) {
  if (RejectReason no = to_time(value, target.format, out_->event_time); no != kFine) return no;
  if (out_->event_time < EventTime(0)) return RejectReason::out_of_range;
  bool future =
      options_.reject_future && out_->event_time > out_->receipt_time + options_.future_max;
  return future ? RejectReason::future : kFine;
}

RejectReason PaymentBuilder::convert_currency(RawValue value) {
  if (value.kind == RawValue::Kind::text && value.text() == last_currency_.code()) {
    out_->currency = last_currency_;
    return kFine;
  }
  RejectReason no = to_currency(value, out_->currency);
  if (no == kFine && !takes(out_->currency)) no = RejectReason::no_rate;
  if (no == kFine) last_currency_ = out_->currency;
  return no;
}

bool PaymentBuilder::takes(Currency currency) const {
  const std::vector<Currency>& taken = options_.currencies;
  return taken.empty() || std::find(taken.begin(), taken.end(), currency) != taken.end();
}

// The payment brings no currency, and the schema's is not taken.
void PaymentBuilder::refuse_default_currency() {
  if (currency_)
    field_problem(*schema_.binding_of(field::currency), RejectReason::no_rate);
  else
    problem(RejectReason::no_rate, "currency");
}

RejectReason PaymentBuilder::convert_any_card(RawValue value) {
  switch (schema_.card_kind) {
    case CardKind::pan:
      return convert_card(value);
    case CardKind::id:
      return convert_card_id(value);
    case CardKind::token:
      break;
  }
  return convert_card_token(value);
}

RejectReason PaymentBuilder::convert_card(RawValue value) {
  if (value.kind == RawValue::Kind::nested) return RejectReason::nested;
  if (value.kind == RawValue::Kind::boolean) return RejectReason::wrong_kind;
  if (RejectReason no = read_pan(value.text(), schema_.pan_check, pan_); no != kFine) {
    pan_.wipe();  // no card number, so nothing to look for in the payment's id
    return no;
  }
  asked_card_ = tokens_.ask(pan_.view());  // finish() fetches the token
  mask_pan(pan_.view(), out_->card_masked);
  return kFine;
}

RejectReason PaymentBuilder::convert_card_id(RawValue value) {
  if (value.kind == RawValue::Kind::nested) return RejectReason::nested;
  if (value.kind == RawValue::Kind::boolean) return RejectReason::wrong_kind;
  if (value.text().size() > kIdBytesMax) return RejectReason::too_long;
  out_->card = tokeniser_.token(value.text());
  out_->card_masked.assign(mask_pans(value.text()));
  return kFine;
}

RejectReason PaymentBuilder::convert_card_token(RawValue value) {
  if (value.kind == RawValue::Kind::nested) return RejectReason::nested;
  auto token = CardToken::parse(value.text());
  if (!token) return RejectReason::not_token;
  out_->card = *token;
  return kFine;
}

RejectReason PaymentBuilder::convert_number(const Target& target, RawValue value) {
  double number = 0;
  if (RejectReason no = to_number(value, number); no != kFine) return no;
  if (number > target.max) return RejectReason::above_max;
  if (number < target.min) return RejectReason::below_min;
  out_->set_number(target.field, number);
  return kFine;
}

RejectReason PaymentBuilder::convert_extra(const Target& target, RawValue value) {
  int64_t integer = 0;
  bool truth = false;
  EventTime time;
  RejectReason no = kFine;
  switch (target.type) {
    case FieldType::integer:
      no = to_integer(value, integer);
      if (no == kFine && static_cast<double>(integer) < target.min) no = RejectReason::below_min;
      if (no == kFine && static_cast<double>(integer) > target.max) no = RejectReason::above_max;
      break;
    case FieldType::boolean:
      no = to_boolean(value, truth);
      integer = truth;
      break;
    case FieldType::time:
      no = to_time(value, target.format, time);
      integer = time.ms();
      break;
    case FieldType::text:
    case FieldType::number:
    case FieldType::amount:
      CHECK(false, "handled by convert()");
  }
  if (no == kFine) out_->set_integer(target.field, integer);
  return no;
}

// The payment's amount, and extra fields that are amounts, in the currency that is now known.
void PaymentBuilder::convert_amounts() {
  for (uint64_t left = amounts_ & given_; left; left &= left - 1) {
    size_t i = static_cast<size_t>(std::countr_zero(left));
    const FieldBinding& binding = schema_.bindings[i];
    int64_t minor = 0;
    RejectReason no =
        to_amount(seen_[i], out_->currency.exponent(), schema_.amount_decimals, minor);
    if (no != kFine)
      field_problem(binding, no);
    else if (binding.field == field::amount)
      out_->amount_minor = minor;
    else
      out_->set_integer(binding.field, minor);
  }
}

void PaymentBuilder::check_payment_id() {
  std::string_view id = out_->id();
  if (!may_hold_pan(
          id, pan_.length ? std::min<size_t>(pan_.length, kPanDigitsTextMin) : kPanDigitsTextMin))
    return;
  bool own = pan_.length > 0 && has_digits(id, pan_.view());
  bool any = schema_.payment_id_check == PaymentIdCheck::pan && has_separate_pan(id);
  if (own || any) field_problem(*schema_.binding_of(field::payment_id), RejectReason::has_pan);
}

// Texts are masked; a number that is this payment's card number cannot be. Others that look like one are left: each tenth long number does.
void PaymentBuilder::check_numbers() {
  if (pan_.length == 0) return;
  for (uint64_t left = numbers_ & given_; left; left &= left - 1) {
    size_t i = static_cast<size_t>(std::countr_zero(left));
    std::string_view text = seen_[i].text();
    if (text.size() >= pan_.length && has_digits(text, pan_.view()))
      field_problem(schema_.bindings[i], RejectReason::has_pan);
  }
}

void PaymentBuilder::problem(RejectReason reason, std::string_view field) {
  uint32_t rank = rank_of(reason, nullptr);
  if (problem_ && problem_->rank <= rank) return;
  problem_ = Problem{rank, reason, nullptr, masked_excerpt(field, kRejectedValueBytes)};
}

void PaymentBuilder::field_problem(const FieldBinding& binding, RejectReason reason) {
  uint32_t rank = rank_of(reason, &binding);
  if (problem_ && problem_->rank <= rank) return;
  problem_ = Problem{rank, reason, &binding, {}};
}

std::optional<Rejection> PaymentBuilder::finish() {
  for (uint64_t left = required_ & ~given_; left; left &= left - 1)
    field_problem(schema_.bindings[static_cast<size_t>(std::countr_zero(left))],
                  RejectReason::missing);
  if (!default_currency_taken_ && !(given_ & currency_)) refuse_default_currency();
  convert_amounts();
  check_payment_id();
  check_numbers();
  if (pan_.length) out_->card = tokens_.of(asked_card_, pan_.view());
  std::optional<Rejection> no;
  if (problem_) no = rejection();
  pan_.wipe();
  asked_card_ = 0;
  return no;
}

Rejection PaymentBuilder::rejection() const {
  const Problem& problem = *problem_;
  Rejection out;
  out.reason = problem.reason;
  out.rule = rule_of(problem);
  out.field = problem.field;
  if (status_of(problem.reason) == 422) out.raw = kept_fields();
  if (!problem.binding) return out;
  const FieldBinding& binding = *problem.binding;
  size_t index = static_cast<size_t>(&binding - schema_.bindings.data());
  out.field = binding.source;
  if (present_ >> index & 1) out.value = shown(binding, seen_[index], kRejectedValueBytes);
  return out;
}

std::string PaymentBuilder::rule_of(const Problem& problem) const {
  std::string_view fixed = kRules[static_cast<size_t>(problem.reason)];
  if (!fixed.empty()) return std::string(fixed);
  if (problem.reason == RejectReason::no_rate) return no_rate_rule(out_->currency.code());
  return problem.binding ? field_rule(problem.reason, *problem.binding)
                         : input_rule(problem.reason);
}

std::string PaymentBuilder::input_rule(RejectReason reason) const {
  if (reason == RejectReason::too_deep)
    return fmt::format("the input is nested deeper than {}", options_.depth_max);
  if (reason == RejectReason::too_many_fields)
    return fmt::format("the input has more than {} fields", options_.fields_max);
  return fmt::format("the input is longer than {} bytes", options_.body_bytes_max);
}

std::string PaymentBuilder::field_rule(RejectReason reason, const FieldBinding& b) const {
  if (reason == RejectReason::too_long) return fmt::format("is longer than {} bytes", b.max_bytes);
  if (reason == RejectReason::not_time) return std::string(format_rule(b.format));
  if (reason == RejectReason::not_amount) return amount_rule(b);
  if (reason == RejectReason::below_min) return fmt::format("is below {}", *b.min);
  if (reason == RejectReason::above_max) return fmt::format("is above {}", *b.max);
  if (reason == RejectReason::pan_length)
    return fmt::format("has not {} to {} digits", kPanDigitsMin, kPanDigitsMax);
  if (reason == RejectReason::future)
    return fmt::format("is more than {} in the future", format_duration(options_.future_max));
  if (reason == RejectReason::out_of_range && b.type == FieldType::time)
    return b.field == field::event_time ? "is outside the years 1970 to 2199"
                                        : "is outside the years 1900 to 2199";
  return reason == RejectReason::out_of_range ? "is out of range" : std::string(type_rule(b.type));
}

// What parse_minor_units said: that it is no number, has too many decimals, or is too large.
std::string PaymentBuilder::amount_rule(const FieldBinding& binding) const {
  size_t index = static_cast<size_t>(&binding - schema_.bindings.data());
  Result<int64_t> again = parse_minor_units(seen_[index].text(), out_->currency.exponent());
  return again ? "is not an amount" : again.error().what;
}

std::string PaymentBuilder::shown(const FieldBinding& binding, RawValue value, size_t most) const {
  bool is_pan = binding.field == field::card && schema_.card_kind == CardKind::pan;
  return is_pan ? masked_refused_pan(value.text()) : masked_excerpt(value.text(), most);
}

std::string PaymentBuilder::kept_fields() const {
  std::string out;
  JsonWriter json(out);
  json.open_object();
  for (size_t i = 0; i < seen_.size(); ++i) {
    if (!(present_ >> i & 1) || out.size() > kRejectedRawBytes) continue;
    std::string value = shown(schema_.bindings[i], seen_[i], kRejectedValueBytes);
    json.key(schema_.bindings[i].source).string(value);
  }
  json.close_object();
  return out;
}

}  // namespace paywarden
