#include "engine/bundle_model.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

namespace paywarden {
namespace {

struct BundleScratch : Model::Scratch {
  Reasons::Scratch forest;
  std::vector<float> contributions;
  std::vector<uint32_t> order;
};

}  // namespace

Result<std::shared_ptr<const BundleModel>> BundleModel::load(const std::string& directory,
                                                             const FeatureSet& features,
                                                             const std::string& where) {
  TRY_ASSIGN(Bundle bundle, load_bundle(directory));
  auto fits = check_features(bundle, features.names(), features.hash(), where);
  if (!fits)
    return fail("the model does not match: " + fits.error().what, directory, fits.error().remedy);
  TRY_ASSIGN(CompiledForest forest, CompiledForest::compile(bundle.model));
  TRY_ASSIGN(Reasons reasons, Reasons::build(bundle.model));
  return std::shared_ptr<const BundleModel>(
      new BundleModel(std::move(bundle), std::move(forest), std::move(reasons)));
}

void BundleModel::score(const float* rows, size_t stride, size_t n, float* out) const {
  forest_.score_batch(rows, stride, n, out);
  if (bundle_.calibration.points().empty()) return;
  for (size_t i = 0; i < n; ++i) out[i] = bundle_.calibration.apply(out[i]);
}

std::unique_ptr<Model::Scratch> BundleModel::scratch() const {
  auto scratch = std::make_unique<BundleScratch>();
  scratch->forest = reasons_.make_scratch();
  scratch->contributions.resize(reasons_.feature_count() + 1);
  scratch->order.resize(reasons_.feature_count());
  return scratch;
}

void BundleModel::explain(const float* row, Scratch& working, size_t most,
                          std::vector<Reason>& out) const {
  auto& scratch = static_cast<BundleScratch&>(working);
  reasons_.contributions(row, scratch.contributions.data(), scratch.forest);
  std::iota(scratch.order.begin(), scratch.order.end(), 0u);
  most = std::min(most, scratch.order.size());
  const auto& c = scratch.contributions;
  std::partial_sort(scratch.order.begin(), scratch.order.begin() + static_cast<ptrdiff_t>(most),
                    scratch.order.end(), [&](uint32_t a, uint32_t b) {
                      float x = std::abs(c[a]), y = std::abs(c[b]);
                      return x != y ? x > y : a < b;
                    });
  out.clear();
  for (size_t i = 0; i < most; ++i) {
    uint32_t f = scratch.order[i];
    if (c[f] == 0) break;
    out.push_back({bundle_.features[f].name, row[f], bundle_.features[f].usual, c[f]});
  }
}

Result<std::shared_ptr<const Model>> ModelLibrary::add(const std::string& bundle_directory) const {
  namespace fs = std::filesystem;
  TRY_ASSIGN(auto model, BundleModel::load(bundle_directory, features_, config_file_));
  fs::path home = fs::path(directory_) / model->content_hash();
  std::error_code error;
  if (!fs::exists(home, error)) {
    fs::create_directories(directory_, error);
    TRY(save_bundle(home.string(), model->bundle()));
  }
  TRY_ASSIGN(auto kept, BundleModel::load(home.string(), features_, config_file_));
  if (kept->content_hash() != model->content_hash())
    return fail("the copy of the model has another content", home.string(),
                "remove it and start again");
  return std::shared_ptr<const Model>(kept);
}

Result<std::shared_ptr<const Model>> ModelLibrary::find(const std::string& content_hash) const {
  std::string home = directory_ + "/" + content_hash;
  auto model = BundleModel::load(home, features_, config_file_);
  if (!model)
    return fail("the log names a model that cannot be loaded: " + model.error().line(), home,
                "restore it from a backup");
  return std::shared_ptr<const Model>(*model);
}

}  // namespace paywarden
