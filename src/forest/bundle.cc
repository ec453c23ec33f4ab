#include "forest/bundle.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>

#include "base/digest.h"
#include "base/json_writer.h"
#include "forest/bundle_files.h"
#include "forest/xgboost_json.h"

namespace paywarden {
namespace {

namespace dom = simdjson::dom;

constexpr int64_t format_version = 1;
constexpr size_t nesting_max = 8;
constexpr const char *manifest_name = "bundle.json", *model_name = "model.json",
                     *sums_name = "SHA256SUMS";

// -- Writing bundle.json --

void write_features(const Bundle& bundle, JsonWriter& json) {
  json.key("features_hash").string(bundle.features_hash);
  json.key("features").open_array();
  for (const BundleFeature& feature : bundle.features)
    json.open_object()
        .key("name")
        .string(feature.name)
        .key("usual")
        .number(feature.usual)
        .close_object();
  json.close_array();
}

void write_decision(const Bundle& bundle, JsonWriter& json) {
  json.key("thresholds").open_object();
  json.key("review")
      .number(bundle.thresholds.review)
      .key("decline")
      .number(bundle.thresholds.decline);
  json.close_object();
  json.key("calibration").open_array();
  for (const Calibration::Point& point : bundle.calibration.points())
    json.open_object()
        .key("raw")
        .number(point.raw)
        .key("calibrated")
        .number(point.calibrated)
        .close_object();
  json.close_array();
}

void write_training(const Bundle& bundle, JsonWriter& json) {
  const TrainingSummary& training = bundle.training;
  json.key("training").open_object();
  json.key("rows")
      .integer(static_cast<int64_t>(training.rows))
      .key("frauds")
      .integer(static_cast<int64_t>(training.frauds));
  json.key("from").string(training.from).key("until").string(training.until);
  json.key("parameters").open_array();
  for (const auto& [name, value] : training.parameters)
    json.open_object().key("name").string(name).key("value").string(value).close_object();
  json.close_array().close_object();
  json.key("metrics").open_array();
  for (const auto& [name, value] : bundle.metrics)
    json.open_object().key("name").string(name).key("value").number(value).close_object();
  json.close_array();
}

void write_reference(const BinReference& reference, JsonWriter& json) {
  json.open_object().key("edges").open_array();
  for (float edge : reference.edges) json.number(edge);
  json.close_array().key("shares").open_array();
  for (double share : reference.shares) json.number(share);
  json.close_array().key("day_psi_max").number(reference.day_psi_max).close_object();
}

void write_reference(const Bundle& bundle, JsonWriter& json) {
  if (!bundle.reference) return;
  json.key("reference").open_object().key("score");
  write_reference(bundle.reference->score, json);
  json.key("features").open_array();
  for (const BinReference& feature : bundle.reference->features) write_reference(feature, json);
  json.close_array().close_object();
}

std::string manifest_of(const Bundle& bundle) {
  std::string text;
  JsonWriter json(text);
  json.open_object();
  json.key("format_version").integer(format_version);
  json.key("name").string(bundle.name).key("created_from").string(bundle.created_from);
  write_features(bundle, json);
  write_decision(bundle, json);
  write_training(bundle, json);
  write_reference(bundle, json);
  json.close_object();
  return text + "\n";
}

// -- Reading it --

// An object of the manifest; complaints name the field by its path.
class Fields {
 public:
  Fields(dom::element element, std::string path) : element_(element), path_(std::move(path)) {}

  Result<std::string> text(std::string_view name) const {
    std::string_view value;
    if (element_[name].get_string().get(value)) return wrong(name, "a text");
    return std::string(value);
  }
  Result<double> number(std::string_view name) const {
    double value;
    if (element_[name].get_double().get(value)) return wrong(name, "a number");
    return value;
  }
  // null is NaN
  Result<double> number_or_null(std::string_view name) const {
    dom::element value;
    if (!element_[name].get(value) && value.is_null())
      return std::numeric_limits<double>::quiet_NaN();
    return number(name);
  }
  Result<uint64_t> count(std::string_view name) const {
    uint64_t value;
    if (element_[name].get_uint64().get(value)) return wrong(name, "a whole number");
    return value;
  }
  bool has(std::string_view name) const { return !element_[name].error(); }
  // A list of numbers, each `T`.
  template <typename T>
  Status numbers(std::string_view name, std::vector<T>& out) const {
    dom::array values;
    if (element_[name].get_array().get(values)) return wrong(name, "a list");
    for (dom::element value : values) {
      double number;
      if (value.get_double().get(number)) return wrong(name, "a list of numbers");
      out.push_back(static_cast<T>(number));
    }
    return {};
  }
  Result<Fields> object(std::string_view name) const {
    dom::object value;
    if (element_[name].get_object().get(value)) return wrong(name, "an object");
    return Fields(dom::element(element_[name].value_unsafe()), path_ + std::string(name) + ".");
  }
  // read(Fields) for each element
  template <typename Read>
  Status each(std::string_view name, Read read) const {
    dom::array values;
    if (element_[name].get_array().get(values)) return wrong(name, "a list");
    size_t i = 0;
    for (dom::element value : values)
      TRY(read(Fields(value, fmt::format("{}{}[{}].", path_, name, i++))));
    return {};
  }

 private:
  tl::unexpected<Error> wrong(std::string_view name, std::string_view wanted) const {
    return fail(fmt::format("'{}{}' is missing or not {}", path_, name, wanted));
  }
  dom::element element_;
  std::string path_;
};

Status read_features(const Fields& manifest, Bundle& bundle) {
  TRY_ASSIGN(bundle.features_hash, manifest.text("features_hash"));
  return manifest.each("features", [&](const Fields& each) -> Status {
    BundleFeature feature;
    TRY_ASSIGN(feature.name, each.text("name"));
    TRY_ASSIGN(double usual, each.number_or_null("usual"));
    feature.usual = static_cast<float>(usual);
    bundle.features.push_back(std::move(feature));
    return {};
  });
}

Status read_decision(const Fields& manifest, Bundle& bundle) {
  TRY_ASSIGN(Fields thresholds, manifest.object("thresholds"));
  TRY_ASSIGN(double review, thresholds.number("review"));
  TRY_ASSIGN(double decline, thresholds.number("decline"));
  bundle.thresholds = {static_cast<float>(review), static_cast<float>(decline)};
  std::vector<Calibration::Point> points;
  TRY(manifest.each("calibration", [&](const Fields& each) -> Status {
    TRY_ASSIGN(double raw, each.number("raw"));
    TRY_ASSIGN(double calibrated, each.number("calibrated"));
    points.push_back({static_cast<float>(raw), static_cast<float>(calibrated)});
    return {};
  }));
  TRY_ASSIGN(bundle.calibration, Calibration::from(std::move(points)));
  return {};
}

Status read_training(const Fields& manifest, Bundle& bundle) {
  TRY_ASSIGN(Fields training, manifest.object("training"));
  TRY_ASSIGN(bundle.training.rows, training.count("rows"));
  TRY_ASSIGN(bundle.training.frauds, training.count("frauds"));
  TRY_ASSIGN(bundle.training.from, training.text("from"));
  TRY_ASSIGN(bundle.training.until, training.text("until"));
  TRY(training.each("parameters", [&](const Fields& each) -> Status {
    TRY_ASSIGN(std::string name, each.text("name"));
    TRY_ASSIGN(std::string value, each.text("value"));
    bundle.training.parameters.emplace_back(std::move(name), std::move(value));
    return {};
  }));
  return manifest.each("metrics", [&](const Fields& each) -> Status {
    TRY_ASSIGN(std::string name, each.text("name"));
    TRY_ASSIGN(double value, each.number_or_null("value"));
    bundle.metrics.emplace_back(std::move(name), value);
    return {};
  });
}

Status read_reference(const Fields& from, BinReference& reference) {
  TRY(from.numbers("edges", reference.edges));
  TRY(from.numbers("shares", reference.shares));
  TRY_ASSIGN(reference.day_psi_max, from.number("day_psi_max"));
  return check_reference(reference);
}

Status read_reference(const Fields& manifest, Bundle& bundle) {
  if (!manifest.has("reference")) return {};
  ModelReference& reference = bundle.reference.emplace();
  TRY_ASSIGN(Fields from, manifest.object("reference"));
  TRY_ASSIGN(Fields score, from.object("score"));
  TRY(read_reference(score, reference.score));
  TRY(from.each("features", [&](const Fields& each) {
    return read_reference(each, reference.features.emplace_back());
  }));
  if (reference.features.size() == bundle.features.size()) return {};
  return fail(fmt::format("'reference' has {} features, and the bundle {}",
                          reference.features.size(), bundle.features.size()));
}

Status check_contents(const Bundle& bundle) {
  std::set<std::string_view> names;
  for (const BundleFeature& feature : bundle.features)
    if (!names.insert(feature.name).second)
      return fail(fmt::format("feature '{}' stands twice in 'features'", feature.name));
  auto [review, decline] = bundle.thresholds;
  if (!(review >= 0 && review <= decline))
    return fail(fmt::format("thresholds review {} and decline {} are not 0 <= review <= decline",
                            review, decline));
  return {};
}

Status read_manifest(std::string_view text, Bundle& bundle) {
  dom::parser parser;
  dom::element root;
  if (auto error = parser.allocate(text.size() + 1, nesting_max))
    return fail(simdjson::error_message(error));
  if (auto error = parser.parse(text.data(), text.size(), true).get(root))
    return fail(simdjson::error_message(error));
  Fields manifest(root, "");
  TRY_ASSIGN(uint64_t version, manifest.count("format_version"));
  if (version != format_version)
    return fail(
        fmt::format("'format_version' is {}, and this program reads {}", version, format_version),
        {}, "use the program that wrote it, or train again");
  TRY_ASSIGN(bundle.name, manifest.text("name"));
  TRY_ASSIGN(bundle.created_from, manifest.text("created_from"));
  TRY(read_features(manifest, bundle));
  TRY(read_decision(manifest, bundle));
  TRY(read_training(manifest, bundle));
  TRY(read_reference(manifest, bundle));
  return check_contents(bundle);
}

// What a directory holds, as text, becomes a bundle.
Result<Bundle> parse_bundle(const std::string& directory, std::string_view manifest,
                            std::string model, const BundleOptions& options) {
  Bundle bundle;
  std::string where = directory + "/" + manifest_name;
  if (auto status = read_manifest(manifest, bundle); !status) {
    status.error().where = where;
    if (status.error().remedy.empty())
      status.error().remedy = "copy the bundle again or train it again";
    return tl::unexpected(status.error());
  }
  TRY_ASSIGN(bundle.model, read_xgboost_json(model, directory + "/" + model_name, options.model));
  if (bundle.model.feature_count != bundle.features.size())
    return fail(fmt::format("the bundle lists {} features, and its model has {}",
                            bundle.features.size(), bundle.model.feature_count),
                where, "train again");
  bundle.model_json = std::move(model);
  return bundle;
}

std::string sums_of(std::string_view manifest, std::string_view model) {
  return fmt::format("{}  {}\n{}  {}\n", sha256_hex(manifest), manifest_name, sha256_hex(model),
                     model_name);
}

std::string quoted_list(const std::vector<std::string>& names) {
  constexpr size_t shown_max = 10;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), shown_max); ++i)
    text += fmt::format("{}'{}'", i ? ", " : "", names[i]);
  if (names.size() > shown_max) text += fmt::format(" and {} more", names.size() - shown_max);
  return text;
}

// Those of `these` that are not among `others`.
std::vector<std::string> without(const std::vector<std::string>& these,
                                 const std::vector<std::string>& others) {
  std::set<std::string_view> known(others.begin(), others.end());
  std::vector<std::string> rest;
  for (const std::string& name : these)
    if (!known.contains(name)) rest.push_back(name);
  return rest;
}

std::string difference(const std::vector<std::string>& of_model,
                       const std::vector<std::string>& configured) {
  std::vector<std::string> missing = without(of_model, configured),
                           extra = without(configured, of_model);
  std::string text;
  if (!missing.empty()) text += "the configuration lacks " + quoted_list(missing);
  if (!extra.empty())
    text += (text.empty() ? "" : "; ") + ("the model does not know " + quoted_list(extra));
  if (!text.empty()) return text;
  for (size_t i = 0; i < std::min(of_model.size(), configured.size()); ++i)
    if (of_model[i] != configured[i])
      return fmt::format(
          "the order differs: place {} is '{}' in the model and '{}' in the configuration", i + 1,
          of_model[i], configured[i]);
  return of_model.size() == configured.size() ? "" : "a feature stands twice in the configuration";
}

}  // namespace

Status save_bundle(const std::string& directory, const Bundle& bundle,
                   const BundleOptions& options) {
  std::string manifest = manifest_of(bundle);
  TRY(parse_bundle(directory, manifest, bundle.model_json, options));
  std::string sums = sums_of(manifest, bundle.model_json);
  return write_directory(
      directory, {{manifest_name, manifest}, {model_name, bundle.model_json}, {sums_name, sums}},
      options.replace);
}

std::string bundle_name(const std::string& directory) {
  std::filesystem::path path = std::filesystem::path(directory).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "model/"
  return path.filename().string();
}

Status check_bundle_place(const std::string& directory) {
  const std::string_view names[] = {manifest_name, model_name, sums_name};
  std::string name = bundle_name(directory);
  if (name.empty() || name == "." || name == "..")
    return fail(
        "a bundle is a directory of its own, which is made or replaced as a whole", directory,
        "name a new one in it, such as " + (std::filesystem::path(directory) / "model").string());
  return check_replaceable(directory, names);
}

Result<Bundle> load_bundle(const std::string& directory, const BundleOptions& options) {
  std::string base = directory + "/";
  TRY_ASSIGN(std::string manifest, read_file(base + manifest_name, options.manifest_bytes_max));
  TRY_ASSIGN(std::string model, read_file(base + model_name, options.model.bytes_max));
  TRY_ASSIGN(std::string sums, read_file(base + sums_name, 4096));
  if (sums != sums_of(manifest, model))
    return fail("the bundle's files do not match SHA256SUMS: one was changed or damaged", directory,
                "copy or train it again; `sha256sum -c SHA256SUMS` there names the file");
  TRY_ASSIGN(Bundle bundle, parse_bundle(directory, manifest, std::move(model), options));
  bundle.content_hash = sha256_hex(sums);
  return bundle;
}

Status check_features(const Bundle& bundle, const std::vector<std::string>& names,
                      const std::string& features_hash, const std::string& where) {
  std::vector<std::string> of_model;
  for (const BundleFeature& feature : bundle.features) of_model.push_back(feature.name);
  std::string text = difference(of_model, names);
  if (text.empty() && features_hash != bundle.features_hash)
    text =
        "the names agree, but a feature's definition (key, field, operation or window) has changed";
  if (text.empty()) return {};
  return fail(
      fmt::format("model '{}' does not match the configured features: {}", bundle.name, text),
      where,
      "train a model with this configuration, or restore the configuration that it was trained "
      "with");
}

}  // namespace paywarden
