// Why a row scores as it does: exact path-dependent SHAP values (Lundberg et al., "Consistent
// Individualized Feature Attribution for Tree Ensembles", 2018), what XGBoost's pred_contribs
// computes.
//
//   TRY_ASSIGN(Reasons reasons, Reasons::build(model));
//   Reasons::Scratch scratch = reasons.make_scratch();     // one per thread
//   std::vector<float> out(reasons.feature_count() + 1);   // in margins; the last is the bias
//   reasons.contributions(row, out.data(), scratch);       // they add up to the row's margin
//   if (out[amount] > 0) ...                               // the amount pushed the score up
//
// How: a leaf gives feature i of its path value * (o_i - z_i) * integral over t in [0, 1] of the
// product over the other features j of (t o_j + (1 - t) z_j), where o_j says whether the row goes
// the leaf's way at feature j and z_j is the share of training rows that do. That integral is the
// Shapley sum in closed form; its integrand is a polynomial in t, so Gauss-Legendre quadrature with
// ceil(path / 2) points is exact. 16 leaves are computed side by side, with the same bits on every
// instruction set.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "forest/isa.h"
#include "forest/quantiser.h"
#include "forest/reasons_tables.h"
#include "forest/tree_model.h"

namespace paywarden {

class Reasons {
 public:
  class Scratch {
   private:
    friend class Reasons;
    AlignedVector<int16_t> slots;
    AlignedVector<float> sums;  // by used feature and lane
  };

  // Fails on a path of more than 64 different features.
  static Result<Reasons> build(const TreeModel& model, Isa isa = best_isa());

  Scratch make_scratch() const;
  // `out` has feature_count() + 1 places. Any thread, each with a scratch of its own.
  void contributions(const float* row, float* out, Scratch& scratch) const;

  uint32_t feature_count() const { return feature_count_; }
  size_t memory_bytes() const;

 private:
  uint32_t feature_count_ = 0;
  float bias_ = 0;
  AddTiles add_tiles_ = nullptr;
  Quantiser quantiser_;
  ReasonsTables tables_;
};

}  // namespace paywarden
