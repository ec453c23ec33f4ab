// reasons_kernel.h with AVX-512: 16 leaves in a register, and with up to 32 used features the row
// too.
#include "forest/quantiser.h"
#include "forest/reasons_tables.h"

#if defined(__x86_64__)
#include <immintrin.h>

// From here on, after all headers: an inline function of a header must not be compiled for a
// processor that may be absent.
#pragma GCC push_options
// g++ 12 takes the "undefined" registers of its own intrinsics for mistakes of ours (GCC bug
// 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC target("avx512f,avx512bw")

namespace paywarden {
namespace {

#include "forest/reasons_kernel.h"

template <bool RowInRegisters>
struct SixteenLanes {
  using Floats = __m512;
  static constexpr uint32_t width = 16;

  static Floats all(float x) { return _mm512_set1_ps(x); }
  static Floats load(const float* from) { return _mm512_loadu_ps(from); }
  static __m512i words(const void* from) {
    return _mm512_cvtepi16_epi32(_mm256_load_si256(static_cast<const __m256i*>(from)));
  }
  // The pairs of slots of 16 used features.
  static __m512i pairs(__m512i used, const int16_t* slots) {
    if constexpr (RowInRegisters)
      return _mm512_permutex2var_epi32(_mm512_load_si512(slots), used,
                                       _mm512_load_si512(slots + 32));
    return _mm512_i32gather_epi32(used, slots, 4);
  }
  static Floats goes_along(const TileStep& step, uint32_t, const int16_t* slots) {
    __m512i feature = words(step.feature);  // negative: takes missing values
    __m512i used = _mm512_and_si512(feature, _mm512_set1_epi32(TileStep::takes_missing - 1));
    __m512i value = _mm512_srai_epi32(_mm512_slli_epi32(pairs(used, slots), 16), 16);
    __mmask16 inside = _mm512_mask_cmple_epi32_mask(_mm512_cmple_epi32_mask(words(step.low), value),
                                                    value, words(step.high));
    __mmask16 missing =
        _mm512_mask_cmpeq_epi32_mask(_mm512_cmplt_epi32_mask(feature, _mm512_setzero_si512()),
                                     value, _mm512_set1_epi32(Quantiser::missing));
    return _mm512_maskz_mov_ps(_kor_mask16(inside, missing), all(1.0f));
  }
};

}  // namespace

void add_tiles_avx512(const ReasonsTables& tables, const int16_t* slots, float* sums) {
  if (tables.slot_count <= 64) return add_tiles<SixteenLanes<true>>(tables, slots, sums);
  add_tiles<SixteenLanes<false>>(tables, slots, sums);
}

}  // namespace paywarden
#pragma GCC pop_options
#endif
