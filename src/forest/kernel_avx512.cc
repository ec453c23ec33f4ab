// AVX-512 (F, BW, VL, VBMI, GFNI: Intel since Ice Lake, AMD since Zen 4): all 63 nodes of the first six
// levels of a tree are decided at once, into a mask of 64 bits; then 8 trees, or 8 rows of one, walk down their masks with two look-ups.
// Only levels 7 and 8 cost a gather of 16 trees each, and the leaves of few rows.
#include <algorithm>
#include <cstring>

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
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512vbmi,gfni,popcnt")

namespace paywarden {
namespace {

using V = __m512i;

constexpr size_t chunk_groups =
    8;  // masks of so many trees wait in 1 KB on the stack between the two steps; the first six levels of their trees are 16 KB

// A quantised row of 64 x Parts byte slots in registers: 1, 2 or 4.
template <int Parts>
struct Slots {
  Slots() = default;
  explicit Slots(const uint8_t* slots) {
    for (int i = 0; i < Parts; ++i) parts[i] = _mm512_load_si512(slots + 64 * i);
  }
  // The values of 64 slots.
  V values(V slot) const {
    if constexpr (Parts == 1) {
      return _mm512_permutexvar_epi8(slot, parts[0]);
    } else {
      V low = _mm512_permutex2var_epi8(parts[0], slot, parts[1]);
      if constexpr (Parts == 2) return low;
      V high = _mm512_permutex2var_epi8(parts[Parts - 2], slot, parts[Parts - 1]);
      return _mm512_mask_blend_epi8(_mm512_movepi8_mask(slot), low, high);
    }
  }
  V parts[Parts];
};

// Bit i: whether node i sends the row right.
template <int Parts>
uint64_t decisions(const TreeTop& top, const Slots<Parts>& slots) {
  V values = slots.values(_mm512_load_si512(top.slot));
  return _mm512_cmpgt_epi8_mask(values, _mm512_load_si512(top.rank));
}

// By the decisions of the seven nodes of three levels, which way a row goes through them: 0 to 7 from left to right, times
// `factor`, plus `first`.
struct Ways {
  constexpr Ways(uint32_t first, uint32_t factor) {
    for (uint32_t bits = 0; bits < 128; ++bits) {
      uint32_t a = bits & 1, b = bits >> (1 + a) & 1, c = bits >> (3 + 2 * a + b) & 1;
      bytes[bits] = static_cast<uint8_t>(first + factor * (4 * a + 2 * b + c));
    }
  }
  // Of the lowest byte of 8 words, whose highest bit does not count.
  V of(V words) const {
    return _mm512_maskz_permutex2var_epi8(0x0101010101010101ull, _mm512_load_si512(bytes), words,
                                          _mm512_load_si512(bytes + 64));
  }
  alignas(64) uint8_t bytes[128]{};
};
constexpr Ways subtree_of(0, 8);  // the bit where its decisions begin
constexpr Ways leaf_in_subtree(64, 1);

// The heap numbers that 8 trees reach after six levels.
V walk_masks(const uint64_t* masks) {
  V mask = _mm512_load_si512(masks);
  // The highest bits of all bytes, in the lowest byte.
  V top = _mm512_gf2p8affine_epi64_epi8(_mm512_set1_epi64(0x80), mask, 0);
  V subtree = subtree_of.of(top);
  V leaf = leaf_in_subtree.of(_mm512_srlv_epi64(mask, subtree));
  return _mm512_add_epi64(subtree, leaf);
}

// The same of 16, in 32 bits each.
V places_of(const uint64_t* masks) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi64_epi32(walk_masks(masks))),
                            _mm512_cvtepi64_epi32(walk_masks(masks + 8)), 1);
}

template <int Parts>
void add_group(const FlatGroup& group, const ForestTables& tables, const uint64_t* masks,
               const Slots<Parts>& slots, float* sums) {
  const int32_t* words = tables.words.data() + group.first;
  V at = places_of(masks);
  if (group.depth < top_depth)
    at = _mm512_srl_epi32(at, _mm_cvtsi32_si128(static_cast<int>(top_depth - group.depth)));
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

template <int Parts>
void add_chunk(const ForestTables& tables, size_t first, size_t count, const Slots<Parts>& slots,
               float* sums) {
  alignas(64) uint64_t masks[chunk_groups * lanes];
  const TreeTop* tops = &tables.tops[first * lanes];
#pragma GCC unroll 8
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

void narrow(const ForestTables& tables, const int16_t* slots, uint8_t* bytes) {
  if (tables.byte_slots.is_one_to_one)
    narrow_one_to_one(slots, tables.slot_count, bytes);
  else
    narrow_parts(tables.byte_slots, slots, bytes);
}

void narrow_near(const ForestTables& tables, const int16_t* slots, uint8_t* bytes) {
  alignas(64) uint8_t all[128] = {};
  narrow(tables, slots, all);
  V near =
      _mm512_permutex2var_epi8(_mm512_load_si512(all), _mm512_load_si512(tables.byte_slots.near),
                               _mm512_load_si512(all + 64));
  _mm512_store_si512(bytes, near);
}

// The 64 leaves of a tree of six levels: two look-ups find those of 16 rows, where a gather takes as long as the walk.
struct Leaves {
  explicit Leaves(const int32_t* tree) {
    for (int i = 0; i < 4; ++i) parts[i] = _mm512_loadu_ps(tree + 64 + 16 * i);
  }
  __m512 values(V place) const {
    __m512 low = _mm512_permutex2var_ps(parts[0], place, parts[1]),
           high = _mm512_permutex2var_ps(parts[2], place, parts[3]);
    return _mm512_mask_blend_ps(_mm512_test_epi32_mask(place, _mm512_set1_epi32(32)), low, high);
  }
  __m512 parts[4];
};

template <int Parts>
using BlockBytes = uint8_t[block_rows_max][64 * Parts];

// The masks of 16 trees for so many rows, whose slots stay in registers.
template <int Parts, size_t Rows>
void decide(const TreeTop* tops, const uint8_t (*rows)[64 * Parts], size_t first,
            uint64_t (*masks)[block_rows_max]) {
  Slots<Parts> slots[Rows];
#pragma GCC unroll 16
  for (size_t i = 0; i < Rows; ++i) slots[i] = Slots<Parts>(rows[first + i]);
  for (uint32_t k = 0; k < lanes; ++k)
#pragma GCC unroll 16
    for (size_t i = 0; i < Rows; ++i) masks[k][first + i] = decisions(tops[k], slots[i]);
}

// Groups of six levels for a block of rows: here a lane is a row, so that a tree's leaves are at hand for all of them.
template <int Parts>
void add_groups_of_six(const ForestTables& tables, size_t first, size_t end,
                       const BlockBytes<Parts>& bytes, size_t rows, float* sums) {
  constexpr size_t at_once = Parts == 1 ? block_rows_max : 8;  // as many as there are registers for
  alignas(64) float by_tree[lanes][block_rows_max] = {};
  alignas(64) uint64_t masks[lanes][block_rows_max] = {};
  for (size_t row = 0; row < rows; ++row)
    for (uint32_t k = 0; k < lanes; ++k) by_tree[k][row] = sums[row * lanes + k];
  for (size_t g = first; g < end; ++g) {
    const TreeTop* tops = &tables.tops[g * lanes];
    if (rows <= 8) decide<Parts, 8>(tops, bytes, 0, masks);
    for (size_t row = 0; rows > 8 && row < block_rows_max; row += at_once)
      decide<Parts, at_once>(tops, bytes, row, masks);
    const int32_t* tree = tables.words.data() + tables.groups[g].first;
    for (uint32_t k = 0; k < lanes; ++k, tree += size_t{2} << top_depth) {
      __m512 leaves = Leaves(tree).values(places_of(masks[k]));
      _mm512_store_ps(by_tree[k], _mm512_add_ps(_mm512_load_ps(by_tree[k]), leaves));
    }
  }
  for (size_t row = 0; row < rows; ++row)
    for (uint32_t k = 0; k < lanes; ++k) sums[row * lanes + k] = by_tree[k][row];
}

template <int Parts>
void add_leaves(const ForestTables& tables, const int16_t* slots, size_t rows, float* sums) {
  alignas(64) BlockBytes<Parts> bytes;
  for (size_t row = 0; row < rows; ++row) {
    const int16_t* from = slots + row * tables.slot_count;
    if constexpr (Parts == 1)
      narrow_near(tables, from, bytes[row]);
    else
      narrow(tables, from, bytes[row]);
  }
  // Groups come by depth; each sum adds its trees in their order, whichever way they are walked.
  constexpr size_t rows_worth_it = 8;
  auto with_depth = [&](uint32_t depth) {
    auto shallower = [](const FlatGroup& group, uint32_t d) { return group.depth < d; };
    auto at = std::lower_bound(tables.groups.begin(), tables.groups.end(), depth, shallower);
    return static_cast<size_t>(at - tables.groups.begin());
  };
  const size_t count = tables.groups.size(),
               six = rows < rows_worth_it ? count : with_depth(top_depth);
  const size_t behind = rows < rows_worth_it ? count : with_depth(top_depth + 1);
  auto add_chunks = [&](size_t first, size_t end) {
    for (; first < end; first += chunk_groups)
      for (size_t row = 0; row < rows; ++row)
        add_chunk(tables, first, std::min(chunk_groups, end - first), Slots<Parts>(bytes[row]),
                  sums + row * lanes);
  };
  add_chunks(0, six);
  if (six < behind) {
    std::memset(bytes[rows], 0, (block_rows_max - rows) * sizeof bytes[0]);
    add_groups_of_six<Parts>(tables, six, behind, bytes, rows, sums);
  }
  add_chunks(behind, count);
}

}  // namespace

void add_leaves_avx512(const ForestTables& tables, const int16_t* slots, size_t rows, float* sums) {
  if (tables.byte_slots.is_near) return add_leaves<1>(tables, slots, rows, sums);
  if (tables.byte_slots.parts.size() <= 64) return add_leaves<2>(tables, slots, rows, sums);
  add_leaves<4>(tables, slots, rows, sums);
}

namespace {

// How many of the thresholds are <= x, which fills a register.
uint32_t bin_of(const float* keys, const Quantiser::Feature& feature, __m512 x) {
  auto at_most = [&](uint32_t level, size_t place) {
    __m512 block = _mm512_load_ps(keys + (feature.first_block[level] + place) * 16);
    return static_cast<size_t>(_mm_popcnt_u32(_mm512_cmp_ps_mask(block, x, _CMP_LE_OQ)));
  };
  size_t at = 0;
  for (uint32_t level = 0; level + 1 < feature.levels; ++level) at = at * 17 + at_most(level, at);
  return static_cast<uint32_t>(at * 16 + at_most(feature.levels - 1, at));
}

// slot_pair() of 16 values.
V slot_pairs(V bins, __m512 values) {
  V pairs = _mm512_add_epi32(_mm512_or_si512(bins, _mm512_slli_epi32(bins, 16)),
                             _mm512_set1_epi32(0x10000));
  __mmask16 missing = _mm512_cmp_ps_mask(values, values, _CMP_UNORD_Q);
  pairs = _mm512_mask_mov_epi32(pairs, missing, _mm512_set1_epi32(0xffff));
  return _mm512_xor_si512(pairs, _mm512_set1_epi32(static_cast<int>(0x80008000u)));
}

void quantise_row(const Quantiser& quantiser, const float* row, int16_t* slots) {
  const std::vector<Quantiser::Feature>& features = quantiser.features();
  for (size_t first = 0; first < features.size(); first += 16) {
    const size_t count = std::min<size_t>(16, features.size() - first);
    alignas(64) uint32_t bins[16] = {};
    alignas(64) float values[16] = {};
    for (size_t i = 0; i < count; ++i) {
      const Quantiser::Feature& feature = features[first + i];
      values[i] = row[feature.column];
      bins[i] = bin_of(quantiser.keys(), feature, _mm512_set1_ps(values[i]));
    }
    _mm512_store_si512(slots + 2 * first,
                       slot_pairs(_mm512_load_si512(bins), _mm512_load_ps(values)));
  }
}

}  // namespace

void quantise_avx512(const Quantiser& quantiser, const FloatRows& rows, int16_t* slots) {
  for (size_t row = 0; row < rows.count; ++row)
    quantise_row(quantiser, rows.first + row * rows.stride, slots + row * quantiser.slot_count());
}

}  // namespace paywarden
#pragma GCC pop_options
#endif
