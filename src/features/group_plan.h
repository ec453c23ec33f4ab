// The features of one key, laid out: which columns a row of its history has, which windows are
// kept, and the steps that turn a window into feature values. Made once from the declarations, then
// only read.
#pragma once

#include <cstdint>
#include <vector>

#include "features/feature.h"
#include "payment/payment.h"

namespace paywarden {

// A row is an array of 64-bit words. Sums are kept as prefixes over the key's history ("sum up to
// and with this row", modulo 2^64, or 2^128 for squares), so that a window's sum is one
// subtraction, exact, and the same whatever was evicted before.
enum class ColumnKind : uint8_t {
  sum,       // prefix of a quantity; 1 word
  present,   // prefix count of rows where the field is present; 1 word
  squares,   // prefix of squares; 2 words, low first
  minimum,   // the quantity itself (kMissingQuantity where missing); the least of a folded bucket
  maximum,   // the same, the greatest
  distinct,  // hash of the value (0: missing); in a folded bucket the number of values last seen
             // there
  labels,    // prefix counts: low 32 bits known frauds, high 32 bits labelled payments
  place,     // two int32 of 1e-7 degrees (kMissingPlace where missing), latitude low
};
inline constexpr int64_t kMissingQuantity = INT64_MIN;
inline constexpr uint64_t kMissingPlace = 0x8000000080000000ull;

struct Column {
  ColumnKind kind;
  FieldIndex field = 0;
  uint16_t word = 0;            // first word in the row
  uint16_t distinct_index = 0;  // distinct: which of the flag bits is its own
  uint16_t hash = 0;            // distinct: which of a payment's hashes (KeyGroup::bind_hashes)
  FieldType type = FieldType::text;
  PlaceFields place;
};

struct Step {
  Operation operation;
  bool windowed = false;
  uint8_t window = 0;     // index into GroupPlan::windows
  uint8_t reference = 0;  // count_above: the same, of the mean's
  uint16_t word = 0;      // the column read
  uint16_t present = 0;   // the column that counts where the field is present; 0: it always is
  uint16_t running =
      0;  // index among the block's running values (count_distinct, min, max); the squares or
          // the sums that are read as well (stddev, count_above)
  uint16_t output = 0;  // index in the feature vector
  double factor = 0;    // count_above
  double scale = 1;     // quantity / scale = the field's own unit
};

// A value kept up to date with the newest row, for one column and window.
struct Running {
  ColumnKind kind;  // distinct: a count; minimum, maximum: the row that holds the extreme
  uint16_t word = 0;
  uint16_t distinct_index = 0;
  uint8_t window = 0;
};

struct GroupPlan {
  std::vector<FieldIndex> by;
  std::vector<Duration> windows;  // ascending, at most kWindowsPerKeyMax
  Duration retention;             // longest window + lateness_max
  std::vector<Column> columns;
  std::vector<Step> steps;  // those with a window first, by window
  std::vector<Running> running;
  uint16_t row_words = 2;    // time; count prefix and flags; then the columns
  uint8_t label_window = 0;  // index of the window of length label_delay, where a step wants it
  bool has_labels = false;
};

// One plan for each distinct key, in the order in which the declarations first name them.
Result<std::vector<GroupPlan>> make_group_plans(const FeatureSet& set, const FieldTable& fields);

// The field as a whole number: amount in minor units (the payment's own `amount` in those of the
// base currency), integer and boolean as they are, number in 10^-6 (rounded half away from zero,
// held within
// +-9e15).
inline int64_t quantity_of(const Payment& payment, FieldIndex f, FieldType type) {
  if (f == field::amount) return payment.amount_base_minor;
  const FieldValue& value = payment.value(f);
  if (type != FieldType::number) return value.integer;
  double micro = value.number * 1e6;
  if (!(micro > -9e15)) micro = -9e15;
  if (!(micro < 9e15)) micro = 9e15;
  return static_cast<int64_t>(micro < 0 ? micro - 0.5 : micro + 0.5);
}
double quantity_scale(FieldIndex field, FieldType type, int base_exponent);

}  // namespace paywarden
