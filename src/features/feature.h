// Features as they are declared in the configuration: what to compute, over which key and window.
//
//   [[feature]]
//   name = "card_amount_sum_24h"
//   operation = "sum"
//   field = "amount"
//   by = "card"              # or a pair: ["card", "category"]
//   over = "24h"             # a list, with {over} in the name, declares one feature for each
//   unit = "EUR"
//   why = "a burst of spending"
//   says = "the card spent {value} within {over}, {usual} is usual"   # see sentence_template.h
//
//   auto set = FeatureSet::parse(toml, fields, "config/demo.toml");
//   set->specs()[0].name
//
// Meaning: for payment P at event time t a window of length w covers the payments that stand before
// P in the log with event time in (t - w, t], and P itself. Values are float32; NaN means missing.
#pragma once

#include <toml++/toml.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "payment/fields.h"

namespace paywarden {

enum class Operation : uint8_t {
  // Over the history of a key (`by`), within a window (`over`):
  count,   // payments
  sum,     // of `field` (amount in major units of the base currency; integer; number at 10^-6)
  mean,    // of `field` where present; missing where none has it
  min,     // "
  max,     // "
  stddev,  // population standard deviation of `field`
  count_distinct,  // distinct values of `field` where present
  ratio,  // P's `field` / its mean over the window without P; missing without history or with mean
          // 0
  fraud_count,  // payments of the window known to be fraud when P arrives
  fraud_rate,   // those / payments whose truth is known: labelled, or older than `label_delay`;
                // missing where
                // none is
  rank,  // share of the window's other payments whose `field` is below P's; missing without any
  median_ratio,  // P's `field` / its median over the window without P
  deviation,  // (P's `field` - that median) / the median distance from it; missing where that is 0
  count_above,  // payments whose `field` is above `factor` x its mean over `reference` without P;
                // missing without history
  fraud_min,  // least `field` of the window's payments known to be fraud when P arrives; missing where
              // none is
  time_since_fraud,        // seconds since the latest of those; missing where none is
  time_since_first_fraud,  // seconds since the earliest of them
  count_since_fraud,       // payments since the latest of them whose truth is known: genuine ones
  // Over the whole history of a key (while it is not idle for `key_idle_max`):
  time_since_last,  // seconds since the key's previous payment by event time; missing for the first
  age,              // seconds since the key was first seen; 0 for the first payment
  distance,  // km from the place of the key's previous payment (`place`); missing where either has
             // none
  speed,     // km/h from there, with at least one second between
  // Of the payment alone:
  value,             // `field` as a number (boolean: 0 or 1)
  log,               // natural logarithm of 1 + `field`; missing below 0
  hour,              // 0..23, UTC
  weekday,           // 0 = Monday .. 6
  years_since,       // from the time in `field` to the payment, in years of 365.25 days
  distance_between,  // km between `place` and `to`
  code,              // place of the text in `codes`, from 0; missing where it is not among them
};
std::string_view name_of(Operation operation);
bool is_keyed(Operation operation);
bool is_windowed(Operation operation);

struct PlaceFields {
  FieldIndex latitude = field::merchant_latitude;
  FieldIndex longitude = field::merchant_longitude;
  bool operator==(const PlaceFields&) const = default;
};

struct FeatureSpec {
  std::string name;
  Operation operation = Operation::count;
  std::optional<FieldIndex> field;
  std::vector<FieldIndex> by;  // one or two fields, for keyed operations
  Duration over;               // > 0 for windowed operations
  Duration reference;          // count_above: the window of the mean
  double factor = 0;           // count_above
  PlaceFields place, to;
  std::vector<std::string> codes;
  std::string unit;
  std::string why;
  std::string says;  // a SentenceTemplate that parses; empty: the operation's own sentence
};

struct FeatureOptions {
  Duration lateness_max = hours(24);  // an arrival up to this much older than the newest is exact;
                                      // older ones are flagged late
  Duration label_delay = days(7);     // after this a payment without a label counts as genuine
  Duration key_idle_max = days(
      400);  // a key without payments for so long is forgotten (over a year: yearly habits survive)
  uint32_t events_per_key_max =
      4096;  // beyond, the oldest fold into buckets of 2 x retention / this (see key_group.h)
  int base_exponent = 2;  // digits behind the point of the base currency
};
inline constexpr size_t kFeaturesMax = 512;  // a feature vector is at most 2 KiB
inline constexpr size_t kWindowsPerKeyMax =
    12;  // window lengths of one key: their ends fit the line that begins a block
inline constexpr size_t kCodesMax = 4096;  // values of one `codes` list
inline constexpr Duration kWindowMax = days(400);
inline constexpr double kFactorMax = 1000;  // of count_above

class FeatureSet {
 public:
  // Reads `[features]` and every `[[feature]]`. Errors name `file:line` and the feature.
  // `base_exponent`: digits behind the point of the base currency, in which amounts are summed.
  static Result<FeatureSet> parse(const toml::table& config, const FieldTable& fields,
                                  std::string_view file, int base_exponent = 2);

  // The features for which `keep` answers true, in the same order, with the same options.
  FeatureSet only(const std::function<bool(const FeatureSpec&)>& keep,
                  const FieldTable& fields) const;

  const std::vector<FeatureSpec>& specs() const { return specs_; }
  const FeatureOptions& options() const { return options_; }
  std::vector<std::string> names() const;
  // SHA-256 over every declaration and option that changes a value: equal hashes compute equal
  // features. What is said of them (`unit`, `why`, `says`) changes none.
  const std::string& hash() const { return hash_; }

 private:
  std::vector<FeatureSpec> specs_;
  FeatureOptions options_;
  std::string hash_;
};

}  // namespace paywarden
