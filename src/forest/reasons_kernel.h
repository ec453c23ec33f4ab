// The loop over tiles, written once for registers of any width; included by reasons_*.cc alone,
// inside a namespace of their own and behind their `#pragma GCC target` (so it includes nothing
// itself).
//
// Machine has: Floats (a vector of `width` floats with + - *), width, load(const float*),
// all(float), and goes_along(step, lane, slots): 1.0 in each lane of the `width` from `lane` on
// where the row goes along.
//
// Each lane is computed on its own and leaves are added lane by lane, so the width changes no bit.

// share[d][k]: what leaf k gives the feature of its step d. For the `width` leaves from `lane` on.
// Steps: how many steps, where known, so that everything stays in registers; 0: tile.steps of them.
template <typename Machine, uint32_t Steps>
inline void shares_of(const TileStep* steps, const Tile& tile, const float* values,
                      const Quadrature& rule, const int16_t* slots, uint32_t lane,
                      float (*share)[tile_leaves]) {
  using Floats = typename Machine::Floats;
  constexpr uint32_t places = Steps ? Steps : path_features_max;
  const uint32_t count = Steps ? Steps : tile.steps;
  Floats along[places], zero[places], integral[places];
#pragma GCC unroll 8
  for (uint32_t d = 0; d < count; ++d) {
    along[d] = Machine::goes_along(steps[d], lane, slots);
    zero[d] = Machine::load(steps[d].zero + lane);
    integral[d] = Machine::all(0.0f);
  }
  const Floats value = Machine::load(values + lane);
  for (uint32_t q = 0; q < rule.points; ++q) {
    const Floats t = Machine::all(rule.t[q]), rest = Machine::all(rule.one_less_t[q]);
    Floats before[places], term[places], product = Machine::all(1.0f);
#pragma GCC unroll 8
    for (uint32_t d = 0; d < count; ++d) {
      before[d] = product;
      term[d] = along[d] * t + zero[d] * rest;
      product = product * term[d];
    }
    Floats behind = value * Machine::all(rule.weight[q]);
#pragma GCC unroll 8
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t d = count - 1 - i;
      integral[d] = integral[d] + behind * before[d];
      behind = behind * term[d];
    }
  }
#pragma GCC unroll 8
  for (uint32_t d = 0; d < count; ++d) {
    Floats result = (along[d] - zero[d]) * integral[d];
    __builtin_memcpy(&share[d][lane], &result, sizeof result);
  }
}

template <typename Machine, uint32_t Steps>
void add_tile(const ReasonsTables& tables, size_t index, const int16_t* slots, float* sums) {
  alignas(64) float share[Steps ? Steps : path_features_max][tile_leaves];
  const Tile& tile = tables.tiles[index];
  const TileStep* steps = tables.steps.data() + tile.first_step;
  const Quadrature& rule = tables.quadratures[tile.steps];
  for (uint32_t lane = 0; lane < tile_leaves; lane += Machine::width)
    shares_of<Machine, Steps>(steps, tile, tables.values.data() + index * tile_leaves, rule, slots,
                              lane, share);
  // A sum for each lane: neighbours often have the same feature and would wait for each other.
  for (uint32_t d = 0; d < tile.steps; ++d) {
#pragma GCC unroll 16
    for (uint32_t k = 0; k < tile_leaves; ++k) {
      uint32_t feature = steps[d].feature[k] & (TileStep::takes_missing - 1u);
      sums[feature * tile_leaves + k] += share[d][k];
    }
  }
}

template <typename Machine>
void add_tiles(const ReasonsTables& tables, const int16_t* slots, float* sums) {
  for (size_t i = 0; i < tables.tiles.size(); ++i) {
    switch (tables.tiles[i].steps) {
      case 1:
        add_tile<Machine, 1>(tables, i, slots, sums);
        break;
      case 2:
        add_tile<Machine, 2>(tables, i, slots, sums);
        break;
      case 3:
        add_tile<Machine, 3>(tables, i, slots, sums);
        break;
      case 4:
        add_tile<Machine, 4>(tables, i, slots, sums);
        break;
      case 5:
        add_tile<Machine, 5>(tables, i, slots, sums);
        break;
      case 6:
        add_tile<Machine, 6>(tables, i, slots, sums);
        break;
      case 7:
        add_tile<Machine, 7>(tables, i, slots, sums);
        break;
      case 8:
        add_tile<Machine, 8>(tables, i, slots, sums);
        break;
      default:
        add_tile<Machine, 0>(tables, i, slots, sums);
    }
  }
}
