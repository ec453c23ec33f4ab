// Features of the payment alone: hour, weekday, distances within it, codes of its texts.
#pragma once

#include <utility>
#include <vector>

#include "features/feature.h"
#include "features/geo.h"
#include "payment/payment.h"

namespace paywarden {

class StatelessFeatures {
 public:
  StatelessFeatures(const FeatureSet& set, const FieldTable& fields);
  // Writes its features' places in `out` (one float for each declared feature); NaN where missing. Distances are there once `distances`
  // are settled.
  void compute(const Payment& payment, float* out, DistanceBatch& distances) const;

 private:
  struct Item {
    Operation operation;
    FieldIndex field = 0;
    FieldType type = FieldType::text;
    PlaceFields place, to;
    double scale = 1;
    size_t output = 0;
    std::vector<std::pair<uint64_t, float>> codes;  // hash of the text, ascending
  };
  static float value_of(const Item& item, const Payment& payment);
  static void distance(const Item& item, const Payment& payment, float* out,
                       DistanceBatch& distances);
  static float quantity(const Item& item, const Payment& payment);
  static float code(const Item& item, const Payment& payment);
  std::vector<Item> items_;
};

}  // namespace paywarden
