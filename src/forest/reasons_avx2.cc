// reasons_kernel.h with AVX2: 8 leaves in a register.
#include "forest/quantiser.h"
#include "forest/reasons_tables.h"

#if defined(__x86_64__)
#include <immintrin.h>

// From here on, after all headers: an inline function of a header must not be compiled for a
// processor that may be absent.
#pragma GCC push_options
#pragma GCC target("avx2")

namespace paywarden {
namespace {

#include "forest/reasons_kernel.h"

struct EightLanes {
  using Floats = __m256;
  static constexpr uint32_t width = 8;

  static Floats all(float x) { return _mm256_set1_ps(x); }
  static Floats load(const float* from) { return _mm256_load_ps(from); }
  static __m256i words(const void* from) {
    return _mm256_cvtepi16_epi32(_mm_load_si128(static_cast<const __m128i*>(from)));
  }
  static Floats goes_along(const TileStep& step, uint32_t lane, const int16_t* slots) {
    __m256i feature = words(step.feature + lane);  // negative: takes missing values
    __m256i used = _mm256_and_si256(feature, _mm256_set1_epi32(TileStep::takes_missing - 1));
    // The pair of slots; the first is its lower half.
    __m256i pair = _mm256_i32gather_epi32(reinterpret_cast<const int*>(slots), used, 4);
    __m256i value = _mm256_srai_epi32(_mm256_slli_epi32(pair, 16), 16);
    __m256i outside = _mm256_or_si256(_mm256_cmpgt_epi32(words(step.low + lane), value),
                                      _mm256_cmpgt_epi32(value, words(step.high + lane)));
    __m256i missing =
        _mm256_and_si256(_mm256_cmpeq_epi32(value, _mm256_set1_epi32(Quantiser::missing)),
                         _mm256_srai_epi32(feature, 31));
    __m256i not_along = _mm256_andnot_si256(missing, outside);
    return _mm256_andnot_ps(_mm256_castsi256_ps(not_along), all(1.0f));
  }
};

}  // namespace

void add_tiles_avx2(const ReasonsTables& tables, const int16_t* slots, float* sums) {
  add_tiles<EightLanes>(tables, slots, sums);
}

}  // namespace paywarden
#pragma GCC pop_options
#endif
