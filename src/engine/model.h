// What the engine needs of a model: scores for rows of features, and reasons for one of them.
// BundleModel (bundle_model.h) is the one that is loaded from a directory; tests bring their own.
//
// Never changes; any thread, each with its own scratch. The same row gives the same bits, whatever
// the batch.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "decision/policy.h"
#include "forest/reference.h"
#include "payment/decision.h"

namespace paywarden {

class Model {
 public:
  virtual ~Model() = default;

  virtual const std::string& name() const = 0;
  virtual const std::string& content_hash() const = 0;  // SHA-256, hex: what the log calls it by
  virtual Thresholds thresholds() const = 0;
  // What drift is measured against; null: the model brings nothing.
  virtual const ModelReference* reference() const { return nullptr; }

  // Probabilities of fraud, 0..1; row i starts at rows + i * stride.
  virtual void score(const float* rows, size_t stride, size_t n, float* out) const = 0;

  // Working memory of one thread, made by scratch().
  struct Scratch {
    virtual ~Scratch() = default;
  };
  virtual std::unique_ptr<Scratch> scratch() const = 0;
  // The `most` features that pushed the score up or down most, strongest first, replace what is in
  // `out`.
  virtual void explain(const float* row, Scratch& scratch, size_t most,
                       std::vector<Reason>& out) const = 0;
};

}  // namespace paywarden
