// The words of a history row, for the files of key_group alone.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <cstdint>
#include <limits>

#include "base/hash.h"
#include "features/group_plan.h"

namespace paywarden {

inline constexpr int64_t kNever = INT64_MIN / 4;
inline constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
inline constexpr uint32_t kNoRow = UINT32_MAX;

// Word 1: low half the prefix count of payments, high half flags.
inline constexpr uint64_t kFolded = uint64_t{1} << 32;
inline uint64_t superseded_bit(uint16_t distinct_index) {
  return uint64_t{2} << (32 + distinct_index);
}
inline bool is_folded(const uint64_t* row) {
  return row[1] & kFolded;
}
inline uint32_t count_prefix(const uint64_t* row) {
  return static_cast<uint32_t>(row[1]);
}
inline void add_count(uint64_t* row, uint32_t n) {
  row[1] = (row[1] & ~uint64_t{0xffffffff}) | static_cast<uint32_t>(row[1] + n);
}

// Of a value whose distinct ones are counted.
inline uint16_t tag_of(uint64_t value) {
  return static_cast<uint16_t>(value >> 48);
}
inline constexpr uint32_t kTagsAtOnce = 8;
// Bit i: tags[i] is `tag`.
inline uint32_t equal_tags(const uint16_t* tags, uint16_t tag) {
#ifdef __SSE2__
  __m128i equal = _mm_cmpeq_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(tags)),
                                  _mm_set1_epi16(static_cast<int16_t>(tag)));
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128())));
#else
  uint32_t equal = 0;
  for (uint32_t i = 0; i < kTagsAtOnce; ++i) equal |= uint32_t{tags[i] == tag} << i;
  return equal;
#endif
}

// Two counters in one word, each modulo 2^32.
inline uint64_t pack_labels(int frauds, int labelled) {
  return static_cast<uint32_t>(frauds) | static_cast<uint64_t>(static_cast<uint32_t>(labelled))
                                             << 32;
}
inline uint64_t add_labels(uint64_t a, uint64_t b) {
  return static_cast<uint32_t>(a + b) | ((a >> 32) + (b >> 32)) << 32;
}
inline uint64_t subtract_labels(uint64_t a, uint64_t b) {
  return static_cast<uint32_t>(a - b) | ((a >> 32) - (b >> 32)) << 32;
}

inline bool has_field(const Payment& payment, FieldIndex f) {
  return f == field::amount || f == field::card || f == field::currency || payment.has(f);
}

// A field's value as 64 bits, as a key or for counting distinct ones; 0: missing.
inline uint64_t hash_of_field(const Payment& payment, FieldIndex f, FieldType type) {
  if (!has_field(payment, f)) return 0;
  uint64_t hash;
  if (f == field::card)
    hash = hash64(payment.card.view());
  else if (f == field::currency)
    hash = hash64(payment.currency.code());
  else if (type == FieldType::text)
    hash = payment.text_hash64(f);
  else
    hash = hash_combine(0x6b6579, static_cast<uint64_t>(payment.value(f).integer));
  return hash ? hash : 1;
}

// What of a column's words are prefixes, as a difference of two rows; others are taken as they are.
class RowDifference {
 public:
  // `first`: the row before the history, of which only its time and place are seen.
  RowDifference(const GroupPlan& plan, const uint64_t* row, const uint64_t* base, bool first) {
    words_[0] = row[0];
    words_[1] = first ? 0 : static_cast<uint32_t>(row[1] - base[1]) | (row[1] >> 32 << 32);
    for (const Column& column : plan.columns) set(column, row, base, first);
  }
  const uint64_t* words() const { return words_; }

 private:
  void set(const Column& column, const uint64_t* row, const uint64_t* base, bool first) {
    uint16_t w = column.word;
    switch (column.kind) {
      case ColumnKind::sum:
      case ColumnKind::present:
        words_[w] = row[w] - base[w];
        return;
      case ColumnKind::squares:
        words_[w] = row[w] - base[w];
        words_[w + 1] = row[w + 1] - base[w + 1] - (row[w] < base[w]);
        return;
      case ColumnKind::labels:
        words_[w] = subtract_labels(row[w], base[w]);
        return;
      case ColumnKind::minimum:
      case ColumnKind::maximum:
      case ColumnKind::distinct:
        words_[w] = first ? 0 : row[w];
        return;
      case ColumnKind::place:
        words_[w] = row[w];
        return;
    }
  }
  uint64_t words_[128];  // of which the plan's columns fill row_words
};

}  // namespace paywarden
