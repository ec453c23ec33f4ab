#include "stream/stage_plan.h"

#include <algorithm>

namespace paywarden {

Result<StagePlan> make_stage_plan(const std::vector<StageSpec>& stages, const FeatureSet& features,
                                  const FieldTable& fields, const std::string& config_file) {
  StagePlan plan;
  std::vector<FieldIndex> keys;
  for (const StageSpec& spec : stages) {
    auto key = fields.find(spec.keyed_by);
    if (!key || (*key != field::card && fields[*key].type != FieldType::text))
      return fail("the stage '" + spec.name + "' is keyed by '" + spec.keyed_by +
                      "', which is no text field of the schema",
                  config_file, "name card, merchant, or another text field");
    keys.push_back(*key);
  }
  // The first stage with one of its keys; those without state stand in the last.
  auto stage_of = [&](const FeatureSpec& feature) {
    if (feature.by.empty()) return stages.size() - 1;
    auto is_key = [&](FieldIndex key) {
      return std::find(feature.by.begin(), feature.by.end(), key) != feature.by.end();
    };
    return static_cast<size_t>(std::find_if(keys.begin(), keys.end(), is_key) - keys.begin());
  };
  for (const FeatureSpec& feature : features.specs())
    if (stage_of(feature) == stages.size())
      return fail(
          "no stage has the payments together that '" + feature.name + "' counts", config_file,
          "add a [[kafka.stage]] that is keyed by '" + fields[feature.by.front()].name + "'");
  for (size_t i = 0; i < stages.size(); ++i)
    plan.stages.push_back(
        {stages[i], keys[i],
         features.only([&](const FeatureSpec& f) { return stage_of(f) == i; }, fields)});
  return plan;
}

std::string stage_key(const Payment& payment, FieldIndex key) {
  return key == field::card ? payment.card.hex() : std::string(payment.text(key));
}

}  // namespace paywarden
