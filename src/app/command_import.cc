// `paywarden import`: a model that was trained elsewhere, as a bundle.
#include <fmt/format.h>

#include "app/commands.h"
#include "app/output_guard.h"
#include "app/progress.h"
#include "app/setup.h"
#include "base/files.h"
#include "forest/bundle.h"
#include "forest/model_import.h"
#include "forest/xgboost_json_writer.h"

namespace paywarden {

Status run_import(const ImportCommand& command) {
  TRY_ASSIGN(auto config, load_config(command.config));
  TRY(check_output(command.out, {{command.config, command.model}}));
  TRY(check_bundle_place(command.out));
  if (!(command.review_at >= 0 && command.decline_at >= 0))
    return fail("--review-at and --decline-at are scores: 0 or more");
  if (command.review_at > command.decline_at)
    return fail("--review-at is above --decline-at", {}, "what is declined would be reviewed, too");
  PosixFiles files;
  TRY_ASSIGN(std::string bytes, read_whole(files, command.model));
  Bundle bundle;
  TRY_ASSIGN(TreeModel model, import_model(bytes, command.model, config->features.names()));
  bundle.model_json = write_xgboost_json(model);
  bundle.name = bundle_name(command.out);
  bundle.created_from = "paywarden import --config " + command.config + " --model " + command.model;
  bundle.features_hash = config->features.hash();
  for (const std::string& name : config->features.names()) bundle.features.push_back({name});
  bundle.thresholds = {static_cast<float>(command.review_at),
                       static_cast<float>(command.decline_at)};
  TRY(save_bundle(command.out, bundle, {.replace = true}));
  Progress("import").say(fmt::format("{} trees over {} features; bundle written to {}",
                                     model.trees.size(), model.feature_count, command.out));
  return {};
}

}  // namespace paywarden
