// Features of the payment alone: hour, weekday, distances within it, codes of its texts.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
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
  // From a text's hash to the place of the text among the codes; NaN where it is none.
  class CodeTable {
   public:
    CodeTable() = default;
    explicit CodeTable(const std::vector<std::string>& codes);
    float find(uint64_t hash) const { return slots_[place_of(hash)].code; }

   private:
    struct Slot {
      uint64_t hash = 0;  // 0: free
      float code = std::numeric_limits<float>::quiet_NaN();
    };
    size_t place_of(uint64_t hash) const;
    std::vector<Slot> slots_;  // a power of two, at least three quarters free
  };
  struct Item {
    Operation operation;
    FieldIndex field = 0;
    FieldType type = FieldType::text;
    PlaceFields place, to;
    double scale = 1;
    size_t output = 0;
    CodeTable codes;
  };
  static float value_of(const Item& item, const Payment& payment);
  static void distance(const Item& item, const Payment& payment, float* out,
                       DistanceBatch& distances);
  static float quantity(const Item& item, const Payment& payment);
  static float code(const Item& item, const Payment& payment);
  std::vector<Item> items_;
};

}  // namespace paywarden
