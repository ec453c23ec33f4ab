// The keyed stages of a way through Kafka, and which feature is computed in which: state belongs to a partition, so a feature
// stands where the payments that it counts come together.
//
//   TRY_ASSIGN(StagePlan plan, make_stage_plan(stages, features, fields, config_file));
//   plan.stages[0].features;      // what the first stage computes; the last also has those that need no state
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "features/feature.h"
#include "payment/payment.h"

namespace paywarden {

struct StageSpec {
  std::string name;      // [a-z][a-z0-9_-]*
  std::string keyed_by;  // a text field, or "card"
  std::string topic;     // its input
};

struct PlannedStage {
  StageSpec spec;
  FieldIndex key;
  FeatureSet features;
};

struct StagePlan {
  std::vector<PlannedStage> stages;
};

Result<StagePlan> make_stage_plan(const std::vector<StageSpec>& stages, const FeatureSet& features,
                                  const FieldTable& fields, const std::string& config_file);

// What a stage's topic is keyed by: the card's token in hex, or the field's text.
std::string stage_key(const Payment& payment, FieldIndex key);

}  // namespace paywarden
