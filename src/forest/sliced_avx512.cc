// sliced_kernel.h with AVX-512 (F, BW, VL, VBMI, GFNI: Intel since Ice Lake, AMD since Zen 4).
#include <algorithm>
#include <cstring>

#include "forest/forest_tables.h"
#include "forest/sliced_forest.h"

#if defined(__x86_64__)
#include <immintrin.h>

// From here on, after all headers: an inline function of a header must not be compiled for a
// processor that may be absent.
#pragma GCC push_options
// g++ 12 takes the "undefined" registers of its own intrinsics for mistakes of ours (GCC bug
// 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512vbmi,gfni")

namespace paywarden {
namespace {

#include "forest/sliced_kernel.h"

using V = __m512i;

struct Places {
  // Byte 8 r + b is byte r of word b: eight rows' bits come together.
  constexpr Places() {
    for (uint32_t i = 0; i < 64; ++i) bytes[i] = static_cast<uint8_t>(i % 8 * 8 + i / 8);
  }
  alignas(64) uint8_t bytes[64]{};
};
constexpr Places by_eight_rows;

struct Avx512 {
  static Bits choose(Bits right, Bits by, Bits left) {
    return _mm_ternarylogic_epi64(right, by, left, 0xe2);
  }

  static constexpr size_t width = 16;
  // Whether x >= threshold, or is missing and `takes_missing`, a bit for each of so many values.
  template <bool takes_missing>
  static void compare(const float* x, const float* thresholds, size_t count, char* bits) {
    constexpr int than = takes_missing ? _CMP_NLT_UQ : _CMP_GE_OQ;
    const __m512 values = _mm512_load_ps(x);
#pragma GCC unroll 4
    for (size_t test = 0; test < count; ++test) {
      __mmask16 is_right = _mm512_cmp_ps_mask(values, _mm512_set1_ps(thresholds[test]), than);
      std::memcpy(bits + 16 * test, &is_right, sizeof is_right);
    }
  }

  template <int Words>
  class Sums {
   public:
    Sums() {
      for (auto& sum : sums_) sum = _mm512_setzero_ps();
    }
    void add(const Leaf* leaves, const float* values) {
      // Rows of a bit matrix become its columns: byte r of eight ones, in row r, times the matrix.
      const V ones = _mm512_set1_epi64(static_cast<long long>(0x8040201008040201ull));
#pragma GCC unroll 2
      for (int word = 0; word < Words; ++word) {
        V bits = _mm512_permutexvar_epi8(_mm512_load_si512(by_eight_rows.bytes),
                                         _mm512_load_si512(leaves[word]));
        V place = _mm512_gf2p8affine_epi64_epi8(ones, bits, 0);
        V byte[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i)
          byte[i] = _mm512_permutexvar_epi8(place, _mm512_load_si512(values + 16 * i));
        V low[2] = {_mm512_unpacklo_epi8(byte[0], byte[1]), _mm512_unpackhi_epi8(byte[0], byte[1])};
        V high[2] = {_mm512_unpacklo_epi8(byte[2], byte[3]),
                     _mm512_unpackhi_epi8(byte[2], byte[3])};
        __m512* to = sums_ + 4 * word;
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i) {
          to[2 * i] =
              _mm512_add_ps(to[2 * i], _mm512_castsi512_ps(_mm512_unpacklo_epi16(low[i], high[i])));
          to[2 * i + 1] = _mm512_add_ps(
              to[2 * i + 1], _mm512_castsi512_ps(_mm512_unpackhi_epi16(low[i], high[i])));
        }
      }
    }
    void store(float* to) const {
      for (int i = 0; i < 4 * Words; ++i) _mm512_store_ps(to + 16 * i, sums_[i]);
    }

   private:
    __m512 sums_[4 * Words];
  };

  // Four rows of each 16 stand in one register, as they were unpacked.
  template <int Words>
  static void put_in_order(const float* unpacked, size_t count, float* sums) {
    for (size_t row = 0; row < count; ++row)
      sums[row] = unpacked[row / 64 * 64 + row / 4 % 4 * 16 + row / 16 % 4 * 4 + row % 4];
  }
};

}  // namespace

void sum_sliced_avx512(const SlicedForest& forest, const FloatRows& rows, float* sums) {
  sum_sliced<Avx512>(forest, rows, sums);
}

}  // namespace paywarden
#pragma GCC pop_options
#endif
