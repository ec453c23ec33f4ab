// How the leaves lie in memory for reasons.h, and the loop over them, one per instruction set.
// Inside the folder only.
//
// A tile is 16 leaves with paths of about the same number of different features; a step of a tile
// is one feature of each leaf's path. Shorter paths are filled up with steps that every row goes
// along and that weigh nothing (zero = 1).
#pragma once

#include <cstdint>
#include <vector>

#include "forest/aligned.h"

namespace paywarden {

constexpr uint32_t tile_leaves = 16;
constexpr uint32_t path_features_max = 64;  // of one path; XGBoost's depth_max is 6 by default

// A row goes along where low <= value <= high in the feature's first slot, or where the value is
// missing and `takes_missing` is set.
struct alignas(32) TileStep {
  static constexpr uint16_t takes_missing = 0x8000;
  uint16_t feature[tile_leaves];  // used index, with takes_missing
  int16_t low[tile_leaves];       // minus 32768, as slots are
  int16_t high[tile_leaves];
  float zero[tile_leaves];  // the share of training rows that go along
};

struct Tile {
  uint32_t first_step;
  uint32_t steps;
};

// Gauss-Legendre points and weights on [0, 1]; exact to degree 2 n - 1.
struct Quadrature {
  uint32_t points = 0;
  float t[path_features_max / 2] = {};
  float one_less_t[path_features_max / 2] = {};
  float weight[path_features_max / 2] = {};
};

struct ReasonsTables {
  uint32_t slot_count = 0;
  std::vector<Tile> tiles;
  AlignedVector<TileStep> steps;
  AlignedVector<float> values;          // of the leaves, 16 a tile
  std::vector<Quadrature> quadratures;  // by number of steps
};

// Adds every leaf's share to sums[used feature][lane]; all give the same bits.
using AddTiles = void (*)(const ReasonsTables& tables, const int16_t* slots, float* sums);
void add_tiles_scalar(const ReasonsTables& tables, const int16_t* slots, float* sums);
void add_tiles_avx2(const ReasonsTables& tables, const int16_t* slots, float* sums);
void add_tiles_avx512(const ReasonsTables& tables, const int16_t* slots, float* sums);

}  // namespace paywarden
