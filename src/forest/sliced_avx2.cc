// sliced_kernel.h with AVX2: leaves are looked up row by row.
#include <algorithm>
#include <cstring>

#include "forest/forest_tables.h"
#include "forest/sliced_forest.h"

#if defined(__x86_64__)
#include <immintrin.h>

// From here on, after all headers: an inline function of a header must not be compiled for a
// processor that may be absent.
#pragma GCC push_options
#pragma GCC target("avx2")

namespace paywarden {
namespace {

#include "forest/sliced_kernel.h"

struct Avx2 {
  static Bits choose(Bits right, Bits by, Bits left) {
    return _mm_xor_si128(_mm_and_si128(_mm_xor_si128(left, right), by), left);
  }

  static constexpr size_t width = 8;
  // Whether x >= threshold, or is missing and `takes_missing`, a bit for each of so many values.
  template <bool takes_missing>
  static void compare(const float* x, const float* thresholds, size_t count, char* bits) {
    constexpr int than = takes_missing ? _CMP_NLT_UQ : _CMP_GE_OQ;
    const __m256 values = _mm256_load_ps(x);
#pragma GCC unroll 4
    for (size_t test = 0; test < count; ++test)
      bits[16 * test] = static_cast<char>(
          _mm256_movemask_ps(_mm256_cmp_ps(values, _mm256_set1_ps(thresholds[test]), than)));
  }

  template <int Words>
  class Sums {
   public:
    void add(const Leaf* leaves, const float* values) {
      for (int word = 0; word < Words; ++word) {
        alignas(32) uint8_t place[64];
        for (int half = 0; half < 2; ++half)
          _mm256_store_si256(reinterpret_cast<__m256i*>(place + 32 * half),
                             places_of(leaves[word], half));
        float* to = sums_ + 64 * word;
#pragma GCC unroll 8
        for (int row = 0; row < 64; ++row) to[row] += values[place[row]];
      }
    }
    void store(float* to) const {
      std::memcpy(to, sums_, sizeof sums_);
    }

   private:
    // Of 32 rows, a byte each.
    static __m256i places_of(const Leaf& leaf, int half) {
      const __m256i byte_of_row = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202,
                                                     0x0303030303030303),
                    bit_of_row = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ull));
      __m256i places = _mm256_setzero_si256();
#pragma GCC unroll 6
      for (uint32_t level = 0; level < SlicedForest::depth_max; ++level) {
        auto bits = static_cast<int>(leaf[2 + level] >> (32 * half));
        __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(bits), byte_of_row);
        __m256i is_right = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit_of_row), bit_of_row);
        places = _mm256_sub_epi8(_mm256_add_epi8(places, places), is_right);
      }
      return places;
    }
    alignas(64) float sums_[64 * Words] = {};
  };

  template <int Words>
  static void put_in_order(const float* in_order, size_t count, float* sums) {
    std::copy_n(in_order, count, sums);
  }
};

}  // namespace

void sum_sliced_avx2(const SlicedForest& forest, const FloatRows& rows, float* sums) {
  sum_sliced<Avx2>(forest, rows, sums);
}

}  // namespace paywarden
#pragma GCC pop_options
#endif
