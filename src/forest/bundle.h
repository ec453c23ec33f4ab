// A model bundle: one directory with everything that a trained model is.
//
//   TRY(save_bundle("models/cards-1", bundle));             // never half a bundle
//   TRY_ASSIGN(Bundle bundle, load_bundle("models/cards-1"));
//   TRY(check_features(bundle, configured_names, hash));    // names what does not match
//   TRY_ASSIGN(CompiledForest forest, CompiledForest::compile(bundle.model));
//   float score = bundle.calibration.apply(forest.score(row));
//
// Files: bundle.json (this header's structs by their names), model.json (as XGBoost wrote it),
// SHA256SUMS (`sha256sum -c` checks it). A file that differs from its sum is refused. The content
// hash is that of SHA256SUMS: one hash for the whole.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "forest/calibration.h"
#include "forest/reference.h"
#include "forest/tree_model.h"

namespace paywarden {

// Scores at or above are reviewed or declined; above 1: never. review <= decline.
struct BundleThresholds {
  float review = 2.0f;
  float decline = 2.0f;
};

struct BundleFeature {
  std::string name;
  float usual =
      std::nanf("");  // the median of genuine payments, shown beside a reason; NaN: unknown
};

struct TrainingSummary {
  uint64_t rows = 0;
  uint64_t frauds = 0;
  std::string from;   // RFC 3339, the first payment's event time
  std::string until;  // the end, not included
  std::vector<std::pair<std::string, std::string>> parameters;
};

struct Bundle {
  std::string name;
  std::string created_from;  // how it came to be, for people: the command, the data files
  std::vector<BundleFeature> features;  // in the order of the row
  std::string features_hash;            // of their definitions; the caller's matter
  BundleThresholds thresholds;
  Calibration calibration;
  TrainingSummary training;
  std::vector<std::pair<std::string, double>> metrics;
  // What drift is measured against; bundles of before and imported models have none.
  std::optional<ModelReference> reference;
  std::string model_json;

  // Filled by load_bundle.
  TreeModel model;
  std::string content_hash;  // 64 hex digits
};

struct BundleOptions {
  ModelLimits model = {};                // what model.json may be at most
  size_t manifest_bytes_max = 16 << 20;  // of bundle.json: 32,768 features are about 3 MB
  bool replace =
      false;  // save: whether a bundle that stands there is replaced (at once, as a whole)
};

// Writes into a new directory beside `directory`, syncs, and renames it. Refuses what load_bundle
// would refuse.
// A file, and a directory that holds anything else than a bundle's files, is never replaced.
Status save_bundle(const std::string& directory, const Bundle& bundle,
                   const BundleOptions& options = {});
// What a model is called: the last part of its directory.
std::string bundle_name(const std::string& directory);
// Whether save_bundle could replace what stands there, for commands that take long to get so far.
Status check_bundle_place(const std::string& directory);
Result<Bundle> load_bundle(const std::string& directory, const BundleOptions& options = {});

// Whether rows made by a configuration with these features suit the model. `where` names the
// configuration.
Status check_features(const Bundle& bundle, const std::vector<std::string>& names,
                      const std::string& features_hash, const std::string& where = {});

}  // namespace paywarden
