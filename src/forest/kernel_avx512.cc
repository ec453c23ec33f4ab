// AVX-512 (F and BW): 16 trees in one register. The upper four levels are chosen from whole
// registers by masks; below them each level costs one gather. With up to 128 slots the quantised
// row itself stays in registers.
#include "forest/forest_tables.h"
#include "forest/quantiser.h"

#if defined(__x86_64__)
#include <immintrin.h>

// From here on, after all headers: an inline function of a header must not be compiled for a
// processor that may be absent.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,popcnt")

namespace paywarden {
namespace {

using V = __m512i;

V load(const int32_t* from) {
  return _mm512_load_si512(from);
}

V pick(__mmask16 mask, V if_left, V if_right) {
  return _mm512_mask_blend_epi32(mask, if_left, if_right);
}

// Each lane's quantised value in the upper half of its 32 bits, 0 below.
struct SlotsIn64 {
  explicit SlotsIn64(const int16_t* slots)
      : low(_mm512_load_si512(slots)), high(_mm512_load_si512(slots + 32)) {}
  V operator()(V node) const {
    return _mm512_slli_epi32(_mm512_permutex2var_epi16(low, node, high), 16);
  }
  V low, high;
};

struct SlotsIn128 {
  explicit SlotsIn128(const int16_t* slots) : first(slots), second(slots + 64) {}
  V operator()(V node) const {
    __mmask32 in_second = _mm512_test_epi16_mask(node, _mm512_set1_epi32(64));
    V low = _mm512_permutex2var_epi16(first.low, node, first.high);
    V high = _mm512_permutex2var_epi16(second.low, node, second.high);
    return _mm512_slli_epi32(_mm512_mask_blend_epi16(in_second, low, high), 16);
  }
  SlotsIn64 first, second;
};

struct SlotsInMemory {
  explicit SlotsInMemory(const int16_t* from) : slots(from) {}
  V operator()(V node) const {
    // The pair of slots that the wanted one belongs to, then the wanted half: no read past the
    // row's end.
    V slot = _mm512_and_si512(node, _mm512_set1_epi32(0xffff));
    V pair = _mm512_i32gather_epi32(_mm512_srli_epi32(slot, 1), slots, 4);
    __mmask16 upper = _mm512_test_epi32_mask(node, _mm512_set1_epi32(1));
    V low = _mm512_slli_epi32(pair, 16);
    return _mm512_mask_and_epi32(low, upper, pair,
                                 _mm512_set1_epi32(static_cast<int>(0xffff0000u)));
  }
  const int16_t* slots;
};

// The leaf words of the group's 16 trees.
template <typename Slots>
V walk(const int32_t* words, uint32_t depth, const Slots& slots) {
  auto node = [&](int i) { return load(words + i * lanes); };
  auto right = [&](V nodes) { return _mm512_cmpgt_epi32_mask(slots(nodes), nodes); };

  __mmask16 r0 = right(node(0));
  __mmask16 r1 = right(pick(r0, node(1), node(2)));
  __mmask16 r2 = right(pick(r1, pick(r0, node(3), node(5)), pick(r0, node(4), node(6))));
  V if_left = pick(r1, pick(r0, node(7), node(11)), pick(r0, node(9), node(13)));
  V if_right = pick(r1, pick(r0, node(8), node(12)), pick(r0, node(10), node(14)));
  __mmask16 r3 = right(pick(r2, if_left, if_right));

  // Lane k's place within a level of 16 * 2^depth words: 16 * position + k.
  const V lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  V at = _mm512_maskz_set1_epi32(r0, 8 * lanes);
  at = _mm512_mask_add_epi32(at, r1, at, _mm512_set1_epi32(4 * lanes));
  at = _mm512_mask_add_epi32(at, r2, at, _mm512_set1_epi32(2 * lanes));
  at = _mm512_mask_add_epi32(at, r3, at, _mm512_set1_epi32(lanes));
  const int32_t* level = words + 15 * lanes;
  for (uint32_t d = 4; d < depth; ++d) {
    V nodes = _mm512_i32gather_epi32(_mm512_add_epi32(at, lane), level, 4);
    __mmask16 r = right(nodes);
    at = _mm512_slli_epi32(at, 1);
    at = _mm512_mask_add_epi32(at, r, at, _mm512_set1_epi32(lanes));
    level += size_t{lanes} << d;
  }
  return _mm512_i32gather_epi32(_mm512_add_epi32(at, lane), level, 4);
}

template <typename Slots>
void add_leaves(const ForestTables& tables, const int16_t* rows_slots, size_t rows, float* sums) {
  for (const FlatGroup& group : tables.groups) {
    const int32_t* words = tables.words.data() + group.first;
    for (size_t row = 0; row < rows; ++row) {
      V leaves = walk(words, group.depth, Slots(rows_slots + row * tables.slot_count));
      float* sum = sums + row * lanes;
      _mm512_store_ps(sum, _mm512_add_ps(_mm512_load_ps(sum), _mm512_castsi512_ps(leaves)));
    }
  }
}

}  // namespace

void add_leaves_avx512(const ForestTables& tables, const int16_t* slots, size_t rows, float* sums) {
  if (tables.slot_count <= 64) return add_leaves<SlotsIn64>(tables, slots, rows, sums);
  if (tables.slot_count <= 128) return add_leaves<SlotsIn128>(tables, slots, rows, sums);
  add_leaves<SlotsInMemory>(tables, slots, rows, sums);
}

void quantise_avx512(const Quantiser& quantiser, const float* row, int16_t* slots) {
  const float* keys = quantiser.keys();
  for (const Quantiser::Feature& feature : quantiser.features()) {
    __m512 x = _mm512_set1_ps(row[feature.column]);
    auto keys_at_most = [&](size_t block) {
      return static_cast<uint32_t>(
          _mm_popcnt_u32(_mm512_cmp_ps_mask(_mm512_load_ps(keys + block * 16), x, _CMP_LE_OQ)));
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
