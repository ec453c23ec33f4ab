#include "features/default_sentence.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace paywarden {
namespace {

// In the longest unit that goes into it; a day as 24 hours, which nobody takes for the calendar's day.
struct SpanWords {
  int64_t count = 0;
  std::string_view unit;
};
SpanWords words_of(Duration span) {
  constexpr std::array<std::pair<Duration, std::string_view>, 4> kUnits = {
      {{days(1), "day"}, {hours(1), "hour"}, {minutes(1), "minute"}, {seconds(1), "second"}}};
  if (span == days(1)) return {24, "hour"};
  for (auto [unit, name] : kUnits)
    if (span.ms() % unit.ms() == 0) return {span.ms() / unit.ms(), name};
  return {span.ms(), "millisecond"};
}

std::string plural(std::string noun) {
  auto ends = [&](std::string_view end) { return noun.ends_with(end); };
  bool vowel_y = ends("ay") || ends("ey") || ends("oy") || ends("uy");
  if (ends("y") && !vowel_y) return noun.substr(0, noun.size() - 1) + "ies";
  if (ends("s") || ends("x") || ends("ch") || ends("sh")) return noun + "es";
  return noun + "s";
}

// The words that the sentences of one feature share.
struct Words {
  std::string owner;  // "this card"
  std::string pair;   // " in this category"; empty: the key is one field
  std::string of;     // "of this card in this category"
  std::string span;   // "30-day"
  std::string last;   // "in the last 30 days"
  std::string field;  // "amount"
};

std::string preposition(FieldIndex f, std::string_view other) {
  return f == field::merchant ? "at" : f == field::category ? "in" : std::string(other);
}

Words words_of(const FeatureSpec& spec, const FieldTable& fields) {
  Words words;
  if (!spec.by.empty()) words.owner = "this " + field_words(spec.by[0], fields);
  if (spec.by.size() > 1)
    words.pair = fmt::format(" {} this {}", preposition(spec.by[1], "with"),
                             field_words(spec.by[1], fields));
  if (!spec.by.empty()) words.of = preposition(spec.by[0], "of") + ' ' + words.owner + words.pair;
  if (is_windowed(spec.operation)) {
    SpanWords span = words_of(spec.over);
    words.span = fmt::format("{}-{}", span.count, span.unit);
    words.last =
        "in the last " + (span.count == 1 ? std::string(span.unit) : span_words(spec.over));
  }
  if (spec.field) words.field = field_words(*spec.field, fields);
  return words;
}

DefaultSentence said(const std::string& regular, const std::string& unknown,
                     const std::string& tail = ", {usual} is usual") {
  DefaultSentence out;
  out.regular = SentenceTemplate::of_default(regular);
  out.unknown = SentenceTemplate::of_default(unknown);
  out.tail = SentenceTemplate::of_default(tail);
  return out;
}

DefaultSentence with(DefaultSentence sentence, SpecialValue at, const std::string& special) {
  sentence.special_at = at;
  sentence.special = SentenceTemplate::of_default(special);
  return sentence;
}

// "3 payments ...", "1 payment ...".
DefaultSentence counted(const std::string& one, const std::string& many, const std::string& rest,
                        const std::string& unknown) {
  return with(said("{value} " + many + ' ' + rest, unknown), SpecialValue::one,
              "{value} " + one + ' ' + rest);
}

// "this card's 30-day mean amount is 45.20 EUR, 60.12 EUR is usual".
DefaultSentence measured(const Words& w, std::string_view what) {
  return said(fmt::format("{}'s {} {} {}{} is {{value}}", w.owner, w.span, what, w.field, w.pair),
              fmt::format("no payment {} {} has a known {}", w.of, w.last, w.field));
}

std::string nothing_to_compare(const Words& w) {
  return fmt::format("there is nothing {} {} to compare {} {{field}} with", w.of, w.last, w.field);
}

// "amount 912.40 EUR is 14 x this card's 30-day mean, 1.1 x is usual".
DefaultSentence against(const Words& w, std::string_view average) {
  return said(fmt::format("{} {{field}} is {{value}} {}'s {} {}{}", w.field, w.owner, w.span,
                          average, w.pair),
              nothing_to_compare(w));
}

DefaultSentence deviation(const Words& w) {
  auto lies = [&](std::string_view where) {
    return fmt::format("{} {{field}} is {{size}} the typical distance {} {}'s {} median{}", w.field,
                       where, w.owner, w.span, w.pair);
  };
  return with(
      said(lies("above"), fmt::format("there is no spread {} {} to compare {} {{field}} with", w.of,
                                      w.last, w.field)),
      SpecialValue::negative, lies("below"));
}

DefaultSentence above(const Words& w, const FeatureSpec& spec) {
  SpanWords span = words_of(spec.reference);
  return counted("payment", "payments",
                 fmt::format("{} {} above {:g} x {}'s {}-{} mean {}", w.of, w.last, spec.factor,
                             w.owner, span.count, span.unit, w.field),
                 fmt::format("there is nothing {} in the last {} to compare with", w.of,
                             span_words(spec.reference)));
}

DefaultSentence rank(const Words& w) {
  return said(fmt::format("{} {{field}} is higher than in {{value}} of {}'s other payments{} {}",
                          w.field, w.owner, w.pair, w.last),
              nothing_to_compare(w));
}

DefaultSentence of_age(const Words& w) {
  return with(said(fmt::format("the first payment {} was {{value}} ago", w.of),
                   w.of + " nothing is known", ", first seen {usual} ago is usual"),
              SpecialValue::zero, fmt::format("this is the first payment {}", w.of));
}

// Home and shop are what the standard fields say; others have no names here.
DefaultSentence apart(const FeatureSpec& spec) {
  bool standard =
      spec.place == PlaceFields{field::latitude, field::longitude} && spec.to == PlaceFields{};
  return said(standard ? "the merchant is {value} from the cardholder"
                       : "the two places of the payment are {value} apart",
              "one of the payment's two places is unknown");
}

std::string no_fraud(const Words& w) {
  return fmt::format("no fraud {} {} is known", w.of, w.last);
}

DefaultSentence of_frauds(Operation operation, const Words& w) {
  std::string recent = w.of + ' ' + w.last;
  if (operation == Operation::fraud_count)
    return counted("known fraud", "known frauds", recent, no_fraud(w));
  if (operation == Operation::fraud_rate)
    return said(fmt::format("{{value}} of the payments of known truth {} are fraud", recent),
                fmt::format("no payment {} is known to be fraud or genuine", recent));
  if (operation == Operation::fraud_min)
    return said(fmt::format("the lowest {} of the known frauds {} is {{value}}", w.field, recent),
                no_fraud(w));
  if (operation == Operation::count_since_fraud)
    return counted("genuine payment", "genuine payments",
                   fmt::format("{} since the latest known fraud {}", w.of, w.last), no_fraud(w));
  return said(fmt::format("the {} known fraud {} was {{value}} ago",
                          operation == Operation::time_since_fraud ? "latest" : "first", recent),
              no_fraud(w));
}

DefaultSentence from_last_place(const Words& w, std::string_view what) {
  return said(fmt::format("the {} from the place of {}'s previous payment{} is {{value}}", what,
                          w.owner, w.pair),
              "no earlier place " + w.of + " is known");
}

DefaultSentence keyed(const FeatureSpec& spec, const Words& w) {
  std::string no_payment = "no earlier payment " + w.of + " is known";
  std::string recent = w.of + ' ' + w.last;
  switch (spec.operation) {
    case Operation::sum:
      return measured(w, "total");
    case Operation::mean:
      return measured(w, "mean");
    case Operation::min:
      return measured(w, "lowest");
    case Operation::max:
      return measured(w, "highest");
    case Operation::stddev:
      return measured(w, "standard deviation of");
    case Operation::count_distinct:
      return counted(w.field, "different " + plural(w.field), recent, no_payment);
    case Operation::ratio:
      return against(w, "mean");
    case Operation::median_ratio:
      return against(w, "median");
    case Operation::rank:
      return rank(w);
    case Operation::deviation:
      return deviation(w);
    case Operation::count_above:
      return above(w, spec);
    case Operation::fraud_count:
    case Operation::fraud_rate:
    case Operation::fraud_min:
    case Operation::time_since_fraud:
    case Operation::time_since_first_fraud:
    case Operation::count_since_fraud:
      return of_frauds(spec.operation, w);
    case Operation::time_since_last:
      return said(fmt::format("{}'s previous payment{} was {{value}} ago", w.owner, w.pair),
                  no_payment);
    case Operation::age:
      return of_age(w);
    case Operation::distance:
      return from_last_place(w, "distance");
    case Operation::speed:
      return from_last_place(w, "speed");
    case Operation::count:
    case Operation::value:
    case Operation::log:
    case Operation::hour:
    case Operation::weekday:
    case Operation::years_since:
    case Operation::distance_between:
    case Operation::code:
      break;
  }
  return counted("payment", "payments", recent, no_payment);
}

// The median of codes and of weekdays is no usual one: their sentences end without.
DefaultSentence of_payment_alone(const FeatureSpec& spec, const Words& w) {
  std::string unknown = w.field + " is unknown";
  if (spec.operation == Operation::hour)
    return said("paid in the hour from {value}", "the time of day is unknown");
  if (spec.operation == Operation::weekday)
    return said("the day of the week is {value}", "the day of the week is unknown", "");
  if (spec.operation == Operation::years_since) return said(w.field + " was {value} ago", unknown);
  if (spec.operation == Operation::distance_between) return apart(spec);
  if (spec.operation == Operation::code)
    return said(w.field + " is {value}", w.field + " is none of those that are known", "");
  return said(w.field + " is {value}", unknown);
}

// `type`: of the operation's field.
ValueKind kind_of_field(FieldType type) {
  if (type == FieldType::amount) return ValueKind::money;
  return type == FieldType::boolean ? ValueKind::flag : ValueKind::number;
}

ValueKind kind_of(Operation operation, FieldType type) {
  switch (operation) {
    case Operation::value:
      return kind_of_field(type);
    case Operation::sum:
    case Operation::mean:
    case Operation::min:
    case Operation::max:
    case Operation::stddev:
    case Operation::fraud_min:  // of flags: how many, which share
      return type == FieldType::boolean ? ValueKind::number : kind_of_field(type);
    case Operation::count:
    case Operation::count_distinct:
    case Operation::count_above:
    case Operation::fraud_count:
    case Operation::count_since_fraud:
      return ValueKind::number;
    case Operation::ratio:
    case Operation::median_ratio:
    case Operation::deviation:
      return ValueKind::times;
    case Operation::rank:
    case Operation::fraud_rate:
      return ValueKind::share;
    case Operation::time_since_fraud:
    case Operation::time_since_first_fraud:
    case Operation::time_since_last:
    case Operation::age:
      return ValueKind::seconds;
    case Operation::distance:
    case Operation::distance_between:
      return ValueKind::kilometres;
    case Operation::speed:
      return ValueKind::kilometres_hour;
    case Operation::log:
      return ValueKind::logarithm;
    case Operation::hour:
      return ValueKind::hour;
    case Operation::weekday:
      return ValueKind::weekday;
    case Operation::years_since:
      return ValueKind::years;
    case Operation::code:
      return ValueKind::code;
  }
  return ValueKind::number;
}

// Whose values are the field's own, so in the declared unit. Counts say what they count.
bool has_unit(Operation operation) {
  return operation == Operation::value || operation == Operation::fraud_min ||
         (operation >= Operation::sum && operation <= Operation::stddev);
}

}  // namespace

DefaultSentence default_sentence(const FeatureSpec& spec, const FieldTable& fields) {
  Words words = words_of(spec, fields);
  return is_keyed(spec.operation) ? keyed(spec, words) : of_payment_alone(spec, words);
}

ValueFormat field_format(FieldIndex f, const FieldTable& fields, const MoneyFormat& money) {
  ValueFormat format{.kind = kind_of_field(fields[f].type)};
  if (format.kind != ValueKind::money) return format;
  format.digits = money.digits;
  if (f == field::amount) format.unit = money.currency;
  return format;
}

ValueFormat value_format(const FeatureSpec& spec, const FieldTable& fields,
                         const MoneyFormat& money) {
  FieldType type = spec.field ? fields[*spec.field].type : FieldType::text;
  ValueFormat format{.kind = kind_of(spec.operation, type), .codes = spec.codes};
  format.digits = type == FieldType::amount ? money.digits : -1;
  // Only `amount` itself is converted into the base currency.
  bool is_money = format.kind == ValueKind::money || format.kind == ValueKind::logarithm;
  if (spec.field == field::amount && is_money)
    format.unit = money.currency;
  else if (has_unit(spec.operation))
    format.unit = spec.unit;
  return format;
}

std::string field_words(FieldIndex field, const FieldTable& fields) {
  std::string words = fields[field].name;
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

std::string span_words(Duration span) {
  SpanWords words = words_of(span);
  return fmt::format("{} {}{}", words.count, words.unit, words.count == 1 ? "" : "s");
}

}  // namespace paywarden
