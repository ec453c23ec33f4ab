// The model of a bundle directory, ready to score: compiled forest, calibration, exact reasons.
//
//   TRY_ASSIGN(auto model, BundleModel::load("models/cards", features, "config/cards.toml"));
//   model->score(rows, stride, n, scores);
#pragma once

#include "engine/model.h"
#include "features/feature.h"
#include "forest/bundle.h"
#include "forest/compiled_forest.h"
#include "forest/reasons.h"

namespace paywarden {

class BundleModel : public Model {
 public:
  // Refuses a bundle whose features are not those of the configuration `where`, and names them.
  static Result<std::shared_ptr<const BundleModel>> load(const std::string& directory,
                                                         const FeatureSet& features,
                                                         const std::string& where);

  const std::string& name() const override { return bundle_.name; }
  const std::string& content_hash() const override { return bundle_.content_hash; }
  Thresholds thresholds() const override {
    return {bundle_.thresholds.review, bundle_.thresholds.decline};
  }
  const ModelReference* reference() const override {
    return bundle_.reference ? &*bundle_.reference : nullptr;
  }
  void score(const float* rows, size_t stride, size_t n, float* out) const override;
  std::unique_ptr<Scratch> scratch() const override;
  void explain(const float* row, Scratch& scratch, size_t most,
               std::vector<Reason>& out) const override;
  const Bundle& bundle() const { return bundle_; }

 private:
  BundleModel(Bundle bundle, CompiledForest forest, Reasons reasons)
      : bundle_(std::move(bundle)), forest_(std::move(forest)), reasons_(std::move(reasons)) {}
  Bundle bundle_;
  CompiledForest forest_;
  Reasons reasons_;
};

// Models by their content hash, kept beside the log that names them: a replay needs those of its time.
//
//   ModelLibrary library("data/models", features, config_file);
//   TRY_ASSIGN(auto model, library.add("models/cards"));     // copies the bundle in
//   TRY_ASSIGN(auto same, library.find(model->content_hash()));
//
// Any thread.
class ModelLibrary {
 public:
  ModelLibrary(std::string directory, const FeatureSet& features, std::string config_file)
      : directory_(std::move(directory)),
        features_(features),
        config_file_(std::move(config_file)) {}
  Result<std::shared_ptr<const Model>> add(const std::string& bundle_directory) const;
  Result<std::shared_ptr<const Model>> find(const std::string& content_hash) const;

 private:
  std::string directory_;
  const FeatureSet& features_;
  std::string config_file_;
};

}  // namespace paywarden
