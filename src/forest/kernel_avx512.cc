// AVX-512 (F, BW, VBMI: Intel since Ice Lake, AMD since Zen 4): all 63 nodes of the first six
// levels of a tree are decided at once, into a mask of 64 bits; then 8 trees walk down their masks
// with shifts. Only levels 7 and 8 and the leaf cost a gather of 16 trees each.
#include <algorithm>

#include "forest/forest_tables.h"
#include "forest/quantiser.h"

#if defined(__x86_64__)
#include <immintrin.h>

// From here on, after all headers: an inline function of a header must not be compiled for a
// processor that may be absent.
#pragma GCC push_options
// g++ 12 takes the "undefined" registers of its own intrinsics for mistakes of ours (GCC bug
// 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512vbmi,popcnt")

namespace paywarden {
namespace {

using V = __m512i;

constexpr size_t chunk_groups =
    8;  // masks of so many trees wait in 1 KB on the stack between the two steps; the first six levels of their trees are 16 KB

// A quantised row in registers; Pages of 128 byte slots each.
template <int Pages>
struct Slots {
  explicit Slots(const uint8_t* slots) {
    for (int i = 0; i < 2 * Pages; ++i) parts[i] = _mm512_load_si512(slots + 64 * i);
  }
  // The values of 64 slots.
  V values(V slot) const {
    V low = _mm512_permutex2var_epi8(parts[0], slot, parts[1]);
    if constexpr (Pages == 1) return low;
    V high = _mm512_permutex2var_epi8(parts[2 * Pages - 2], slot, parts[2 * Pages - 1]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(slot), low, high);
  }
  V parts[2 * Pages];
};

// Bit i: whether node i sends the row right.
template <int Pages>
uint64_t decisions(const TreeTop& top, const Slots<Pages>& slots) {
  V values = slots.values(_mm512_load_si512(top.slot));
  return _mm512_cmpgt_epi8_mask(values, _mm512_load_si512(top.rank));
}

// The heap numbers that 8 trees reach after `depth` levels.
V walk_masks(const uint64_t* masks, uint32_t depth) {
  const V one = _mm512_set1_epi64(1);
  V mask = _mm512_load_si512(masks), at = one;
  for (uint32_t level = 0; level < depth; ++level) {
    V bit = _mm512_srlv_epi64(mask, at);
    at = _mm512_ternarylogic_epi64(_mm512_slli_epi64(at, 1), bit, one, 0xf8);  // 2 at | (bit & 1)
  }
  return at;
}

template <int Pages>
void add_group(const FlatGroup& group, const ForestTables& tables, const uint64_t* masks,
               const Slots<Pages>& slots, float* sums) {
  const int32_t* words = tables.words.data() + group.first;
  uint32_t top_levels = group.depth < top_depth ? group.depth : top_depth;
  V at = _mm512_inserti64x4(
      _mm512_castsi256_si512(_mm512_cvtepi64_epi32(walk_masks(masks, top_levels))),
      _mm512_cvtepi64_epi32(walk_masks(masks + 8, top_levels)), 1);
  const V lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const V tree = _mm512_slli_epi32(lane, group.depth + 1);
  for (uint32_t level = top_depth; level < group.depth; ++level) {
    V node = _mm512_i32gather_epi32(_mm512_add_epi32(tree, at), words, 4);
    __mmask16 right = _mm512_cmpgt_epi32_mask(_mm512_slli_epi32(slots.values(node), 24), node);
    at = _mm512_slli_epi32(at, 1);
    at = _mm512_mask_add_epi32(at, right, at, _mm512_set1_epi32(1));
  }
  __m512 leaves = _mm512_castsi512_ps(_mm512_i32gather_epi32(_mm512_add_epi32(tree, at), words, 4));
  _mm512_store_ps(sums, _mm512_add_ps(_mm512_load_ps(sums), leaves));
}

template <int Pages>
void add_chunk(const ForestTables& tables, size_t first, size_t count, const Slots<Pages>& slots,
               float* sums) {
  alignas(64) uint64_t masks[chunk_groups * lanes];
  const TreeTop* tops = &tables.tops[first * lanes];
  for (size_t i = 0; i < count * lanes; ++i) masks[i] = decisions(tops[i], slots);
  for (size_t g = 0; g < count; ++g)
    add_group(tables.groups[first + g], tables, masks + g * lanes, slots, sums);
}

// Words to bytes, where no feature has two parts: all values but the missing one (65535, becomes
// 255) are below 256.
void narrow_one_to_one(const int16_t* slots, size_t count, uint8_t* bytes) {
  for (size_t i = 0; i < count; i += 32) {
    V words = _mm512_xor_si512(_mm512_load_si512(slots + i), _mm512_set1_epi16(-32768));
    __m256i narrow = _mm512_cvtusepi16_epi8(words);
    _mm256_store_si256(reinterpret_cast<__m256i*>(bytes + i),
                       _mm256_xor_si256(narrow, _mm256_set1_epi8(-128)));
  }
}

void narrow_parts(const ByteSlots& byte_slots, const int16_t* slots, uint8_t* bytes) {
  for (const ByteSlots::Part& part : byte_slots.parts) {
    int bin = slots[2 * part.used_index] + 32768;
    int value = std::clamp(bin - part.first, 0, int{part.count});
    bool is_missing = bin == 65535;
    *bytes++ = static_cast<uint8_t>((is_missing ? 255 : value) ^ 128);
    *bytes++ = static_cast<uint8_t>((is_missing ? 0 : value + 1) ^ 128);
  }
}

template <int Pages>
void add_leaves(const ForestTables& tables, const int16_t* slots, size_t rows, float* sums) {
  alignas(64) uint8_t bytes[block_rows_max][128 * Pages];
  for (size_t row = 0; row < rows; ++row) {
    const int16_t* from = slots + row * tables.slot_count;
    if (tables.byte_slots.is_one_to_one)
      narrow_one_to_one(from, tables.slot_count, bytes[row]);
    else
      narrow_parts(tables.byte_slots, from, bytes[row]);
  }
  for (size_t first = 0; first < tables.groups.size(); first += chunk_groups) {
    size_t count = std::min(chunk_groups, tables.groups.size() - first);
    for (size_t row = 0; row < rows; ++row)
      add_chunk(tables, first, count, Slots<Pages>(bytes[row]), sums + row * lanes);
  }
}

}  // namespace

void add_leaves_avx512(const ForestTables& tables, const int16_t* slots, size_t rows, float* sums) {
  if (tables.byte_slots.parts.size() <= 64) return add_leaves<1>(tables, slots, rows, sums);
  add_leaves<2>(tables, slots, rows, sums);
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
    // A bit, and no branch: which payments miss a feature follows no pattern.
    bool is_missing = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q) & 1;
    uint32_t pair = slot_pair(at, is_missing);
    std::memcpy(slots, &pair, sizeof pair);
    slots += 2;
  }
}

}  // namespace paywarden
#pragma GCC pop_options
#endif
