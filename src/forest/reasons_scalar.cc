// reasons_kernel.h with g++'s own vectors of four floats: SSE2, NEON, or whatever there is.
#include <cstring>

#include "forest/quantiser.h"
#include "forest/reasons_tables.h"

namespace paywarden {
namespace {

#include "forest/reasons_kernel.h"

struct FourLanes {
  typedef float Floats __attribute__((vector_size(16)));
  static constexpr uint32_t width = 4;

  static Floats all(float x) { return Floats{x, x, x, x}; }
  static Floats load(const float* from) {
    Floats values;
    std::memcpy(&values, from, sizeof values);
    return values;
  }
  static Floats goes_along(const TileStep& step, uint32_t lane, const int16_t* slots) {
    Floats along;
    for (uint32_t k = 0; k < width; ++k) {
      uint32_t feature = step.feature[lane + k];
      int16_t value = slots[2 * (feature & (TileStep::takes_missing - 1u))];
      bool inside = (value >= step.low[lane + k]) & (value <= step.high[lane + k]);
      bool missing = (value == Quantiser::missing) & (feature >= TileStep::takes_missing);
      along[k] = inside | missing ? 1.0f : 0.0f;
    }
    return along;
  }
};

}  // namespace

void add_tiles_scalar(const ReasonsTables& tables, const int16_t* slots, float* sums) {
  add_tiles<FourLanes>(tables, slots, sums);
}

}  // namespace paywarden
