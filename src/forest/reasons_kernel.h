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
template <typename Machine>
void shares_of(const TileStep* steps, uint32_t count, const float* values, const Quadrature& rule,
               const int16_t* slots, uint32_t lane, float (*share)[tile_leaves]) {
  using Floats = typename Machine::Floats;
  Floats along[path_features_max], zero[path_features_max], integral[path_features_max];
  for (uint32_t d = 0; d < count; ++d) {
    along[d] = Machine::goes_along(steps[d], lane, slots);
    zero[d] = Machine::load(steps[d].zero + lane);
    integral[d] = Machine::all(0.0f);
  }
  Floats before[path_features_max], term[path_features_max];
  const Floats value = Machine::load(values + lane);
  for (uint32_t q = 0; q < rule.points; ++q) {
    const Floats t = Machine::all(rule.t[q]), rest = Machine::all(rule.one_less_t[q]);
    Floats product = Machine::all(1.0f);
    for (uint32_t d = 0; d < count; ++d) {
      before[d] = product;
      term[d] = along[d] * t + zero[d] * rest;
      product = product * term[d];
    }
    Floats behind = value * Machine::all(rule.weight[q]);
    for (uint32_t d = count; d-- > 0;) {
      integral[d] = integral[d] + behind * before[d];
      behind = behind * term[d];
    }
  }
  for (uint32_t d = 0; d < count; ++d) {
    Floats result = (along[d] - zero[d]) * integral[d];
    __builtin_memcpy(&share[d][lane], &result, sizeof result);
  }
}

template <typename Machine>
void add_tiles(const ReasonsTables& tables, const int16_t* slots, float* sums) {
  alignas(64) float share[path_features_max][tile_leaves];
  for (size_t i = 0; i < tables.tiles.size(); ++i) {
    const Tile& tile = tables.tiles[i];
    const TileStep* steps = &tables.steps[tile.first_step];
    for (uint32_t lane = 0; lane < tile_leaves; lane += Machine::width)
      shares_of<Machine>(steps, tile.steps, &tables.values[i * tile_leaves],
                         tables.quadratures[tile.steps], slots, lane, share);
    // A sum for each lane: neighbours often have the same feature and would wait for each other.
    for (uint32_t d = 0; d < tile.steps; ++d)
      for (uint32_t k = 0; k < tile_leaves; ++k) {
        uint32_t feature = steps[d].feature[k] & (TileStep::takes_missing - 1u);
        sums[feature * tile_leaves + k] += share[d][k];
      }
  }
}
