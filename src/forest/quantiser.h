// Turns a row of floats into 16-bit bins: bin(x) = how many distinct thresholds of the model's
// nodes are <= x. As every threshold is kept exactly, x < threshold number r (from 0, ascending) is
// the same as bin(x) <= r: nothing is lost.
//
//   Result<Quantiser> quantiser = Quantiser::build(model);
//   alignas(64) int16_t slots[Quantiser::slots_max];
//   quantiser->quantise({row, 0, 1}, slots);            // any thread
//   int16_t bin = slots[2 * quantiser->used_index(feature)];
//
// Each feature that a node uses has two neighbouring slots. In the first a missing value is above
// every bin and so goes right; the second holds bin + 1, and there a missing value is 0 and goes
// left. A node names the slot that suits its default direction and the walk needs no test for
// missing values. All values are stored minus 32768, so that signed comparison orders them.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "base/result.h"
#include "forest/aligned.h"
#include "forest/isa.h"
#include "forest/tree_model.h"

namespace paywarden {

// Rows of features in memory.
struct FloatRows {
  const float* first;
  size_t stride;  // floats from one row to the next
  size_t count;
  float at(size_t row, uint32_t column) const { return first[row * stride + column]; }
};

class Quantiser {
 public:
  static constexpr uint32_t used_features_max = 4096;  // two slots each: 16 KB of stack for a row
  static constexpr uint32_t thresholds_max =
      65'533;  // per feature: bins, bins + 1 and the missing value share 16 bits
  static constexpr uint32_t slots_max = 2 * used_features_max;
  static constexpr uint32_t slots_step = 64;  // slot rows are whole vectors of 128 bytes

  static Result<Quantiser> build(const TreeModel& model, Isa isa = best_isa());

  // `slots` has slot_count() places a row, aligned to 64 bytes.
  void quantise(const FloatRows& rows, int16_t* slots) const { quantise_(*this, rows, slots); }
  // Places of a quantised row, a multiple of slots_step.
  uint32_t slot_count() const { return slot_count_; }
  uint32_t used_count() const { return static_cast<uint32_t>(features_.size()); }
  uint32_t column(uint32_t used) const { return features_[used].column; }
  uint32_t threshold_count(uint32_t used) const {
    return static_cast<uint32_t>(thresholds_[used].size());
  }
  // The feature must be one that a node uses.
  uint32_t used_index(uint32_t feature) const { return used_index_[feature]; }
  // Position of a node's threshold among the distinct ones of its feature.
  uint32_t rank(uint32_t feature, float threshold) const;
  size_t memory_bytes() const;

  static constexpr int16_t stored(uint32_t value) { return static_cast<int16_t>(value - 32768); }
  static constexpr int16_t missing = std::numeric_limits<int16_t>::max();  // in a first slot

  // Search trees over the thresholds: nodes of 16 keys (one cache line), 17 children, so that two
  // look-ups find one of 288 and three one of 4,912. Places without a threshold hold NaN, which
  // counts for nothing.
  struct Feature {
    uint32_t column;
    uint32_t levels;          // 1..4
    uint32_t first_block[4];  // where each level starts in keys, in blocks of 16
  };
  const std::vector<Feature>& features() const { return features_; }
  const float* keys() const { return keys_.data(); }

 private:
  using Function = void (*)(const Quantiser&, const FloatRows& rows, int16_t* slots);
  void add_feature(uint32_t column, std::vector<float> thresholds);

  Function quantise_ = nullptr;
  uint32_t slot_count_ = 0;
  std::vector<Feature> features_;
  std::vector<uint32_t> used_index_;            // by column
  std::vector<std::vector<float>> thresholds_;  // by used index, ascending
  AlignedVector<float> keys_;
};

void quantise_scalar(const Quantiser& quantiser, const FloatRows& rows, int16_t* slots);
void quantise_avx2(const Quantiser& quantiser, const FloatRows& rows, int16_t* slots);
void quantise_avx512(const Quantiser& quantiser, const FloatRows& rows, int16_t* slots);

// Both slots of one used feature.
inline uint32_t slot_pair(uint32_t bin, bool is_missing) {
  // Low half: bin or 65535; high half: bin + 1 or 0. Then 32768 off each. By bits, as no processor foresees which values are missing.
  const uint32_t missing = 0u - uint32_t{is_missing};
  const uint32_t pair = ((bin * 0x10001u + 0x10000u) & ~missing) | (missing & 0xffffu);
  return pair ^ 0x80008000u;
}

}  // namespace paywarden
