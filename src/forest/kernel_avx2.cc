// AVX2: quantises 8 keys at a time. The walk is kernel_scalar.cc's, which says why.
#include <cstring>

#include "forest/quantiser.h"

#if defined(__x86_64__)
#include <immintrin.h>

// From here on, after all headers: an inline function of a header must not be compiled for a
// processor that may be absent.
#pragma GCC push_options
#pragma GCC target("avx2,popcnt")

namespace paywarden {
void quantise_avx2(const Quantiser& quantiser, const FloatRows& rows, int16_t* slots) {
  const float* keys = quantiser.keys();
  for (const Quantiser::Feature& feature : quantiser.features()) {
    for (size_t row = 0; row < rows.count; ++row) {
      const float value = rows.at(row, feature.column);
      __m256 x = _mm256_set1_ps(value);
      auto keys_at_most = [&](size_t block) {
        const float* from = keys + block * 16;
        int low = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(from), x, _CMP_LE_OQ));
        int high = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(from + 8), x, _CMP_LE_OQ));
        return static_cast<uint32_t>(_mm_popcnt_u32(static_cast<uint32_t>(low | high << 8)));
      };
      uint32_t at = 0, level = 0;
      for (; level + 1 < feature.levels; ++level)
        at = at * 17 + keys_at_most(feature.first_block[level] + at);
      at = at * 16 + keys_at_most(feature.first_block[level] + at);
      uint32_t pair = slot_pair(at, value != value);
      std::memcpy(slots + row * quantiser.slot_count(), &pair, sizeof pair);
    }
    slots += 2;
  }
}

}  // namespace paywarden
#pragma GCC pop_options
#endif
