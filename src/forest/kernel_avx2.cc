// AVX2: 8 trees in a register, two registers a group; otherwise as kernel_avx512.cc.
#include "forest/forest_tables.h"
#include "forest/quantiser.h"

#if defined(__x86_64__)
#include <immintrin.h>

// From here on, after all headers: an inline function of a header must not be compiled for a
// processor that may be absent.
#pragma GCC push_options
#pragma GCC target("avx2,popcnt")

namespace paywarden {
namespace {

using V = __m256i;

V load(const int32_t* from) {
  return _mm256_load_si256(reinterpret_cast<const V*>(from));
}

// All ones where the lane's tree goes right.
V right(const int16_t* slots, V node) {
  V slot = _mm256_and_si256(node, _mm256_set1_epi32(0xffff));
  // The pair of slots that the wanted one belongs to, the wanted half moved up: no read past the
  // row's end.
  V pair =
      _mm256_i32gather_epi32(reinterpret_cast<const int*>(slots), _mm256_srli_epi32(slot, 1), 4);
  V is_upper = _mm256_slli_epi32(node, 31);
  V value = _mm256_blendv_epi8(_mm256_slli_epi32(pair, 16), pair, _mm256_srai_epi32(is_upper, 31));
  // Lower half 0, as the scalar walk has it.
  value = _mm256_and_si256(value, _mm256_set1_epi32(static_cast<int>(0xffff0000u)));
  return _mm256_cmpgt_epi32(value, node);
}

V pick(V mask, V if_left, V if_right) {
  return _mm256_blendv_epi8(if_left, if_right, mask);
}

V add_if(V at, V mask, uint32_t step) {
  return _mm256_add_epi32(at, _mm256_and_si256(mask, _mm256_set1_epi32(static_cast<int>(step))));
}

// The leaf words of 8 trees of a group: of its lanes first_lane to first_lane + 7.
V walk(const int32_t* words, uint32_t depth, uint32_t first_lane, const int16_t* slots) {
  auto node = [&](int i) { return load(words + i * lanes + first_lane); };
  V r0 = right(slots, node(0));
  V r1 = right(slots, pick(r0, node(1), node(2)));
  V r2 = right(slots, pick(r1, pick(r0, node(3), node(5)), pick(r0, node(4), node(6))));
  V if_left = pick(r1, pick(r0, node(7), node(11)), pick(r0, node(9), node(13)));
  V if_right = pick(r1, pick(r0, node(8), node(12)), pick(r0, node(10), node(14)));
  V r3 = right(slots, pick(r2, if_left, if_right));

  const V lane = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
                                  _mm256_set1_epi32(static_cast<int>(first_lane)));
  V at = add_if(add_if(_mm256_setzero_si256(), r0, 8 * lanes), r1, 4 * lanes);
  at = add_if(add_if(at, r2, 2 * lanes), r3, lanes);
  const int32_t* level = words + 15 * lanes;
  for (uint32_t d = 4; d < depth; ++d) {
    V nodes = _mm256_i32gather_epi32(level, _mm256_add_epi32(at, lane), 4);
    at = add_if(_mm256_slli_epi32(at, 1), right(slots, nodes), lanes);
    level += size_t{lanes} << d;
  }
  return _mm256_i32gather_epi32(level, _mm256_add_epi32(at, lane), 4);
}

}  // namespace

void add_leaves_avx2(const ForestTables& tables, const int16_t* slots, size_t rows, float* sums) {
  for (const FlatGroup& group : tables.groups) {
    const int32_t* words = tables.words.data() + group.first;
    for (size_t row = 0; row < rows; ++row)
      for (uint32_t half = 0; half < lanes; half += 8) {
        V leaves = walk(words, group.depth, half, slots + row * tables.slot_count);
        float* sum = sums + row * lanes + half;
        _mm256_store_ps(sum, _mm256_add_ps(_mm256_load_ps(sum), _mm256_castsi256_ps(leaves)));
      }
  }
}

void quantise_avx2(const Quantiser& quantiser, const float* row, int16_t* slots) {
  const float* keys = quantiser.keys();
  for (const Quantiser::Feature& feature : quantiser.features()) {
    __m256 x = _mm256_set1_ps(row[feature.column]);
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
    bool is_missing = row[feature.column] != row[feature.column];
    uint32_t pair = slot_pair(at, is_missing);
    std::memcpy(slots, &pair, sizeof pair);
    slots += 2;
  }
}

}  // namespace paywarden
#pragma GCC pop_options
#endif
