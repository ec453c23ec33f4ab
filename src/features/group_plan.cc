#include "features/group_plan.h"

#include <algorithm>

namespace paywarden {
namespace {

// Counts payments whose truth is known.
bool wants_known(Operation operation) {
  return operation == Operation::fraud_rate || operation == Operation::count_since_fraud;
}

class Planner {
 public:
  Planner(GroupPlan& plan, const FieldTable& fields, const FeatureOptions& options)
      : plan_(plan), fields_(fields), options_(options) {}

  void add(const FeatureSpec& spec, uint16_t output) {
    Step step{spec.operation};
    step.output = output;
    step.windowed = is_windowed(spec.operation);
    if (step.windowed) step.window = window(spec.over);
    if (spec.operation == Operation::count_above) {
      step.reference = window(spec.reference);
      step.factor = spec.factor;
    }
    if (spec.field) {
      step.scale = quantity_scale(*spec.field, fields_[*spec.field].type, options_.base_exponent);
      if (*spec.field != field::amount && spec.operation != Operation::count_distinct)
        step.present = column(ColumnKind::present, *spec.field);
    }
    add_columns(spec, step);
    plan_.steps.push_back(step);
  }

 private:
  uint8_t window(Duration over) const {
    auto at = std::find(plan_.windows.begin(), plan_.windows.end(), over);
    return static_cast<uint8_t>(at - plan_.windows.begin());
  }

  void add_columns(const FeatureSpec& spec, Step& step) {
    switch (spec.operation) {
      case Operation::sum:
      case Operation::mean:
      case Operation::ratio:
        step.word = column(ColumnKind::sum, *spec.field);
        break;
      case Operation::stddev:
        step.word = column(ColumnKind::sum, *spec.field);
        step.running = column(ColumnKind::squares, *spec.field);
        break;
      case Operation::min:
        extreme(step, ColumnKind::minimum, *spec.field);
        break;
      case Operation::max:
        extreme(step, ColumnKind::maximum, *spec.field);
        break;
      case Operation::count_distinct:
        extreme(step, ColumnKind::distinct, *spec.field);
        break;
      case Operation::count_above:
        step.running = column(ColumnKind::sum, *spec.field);
        [[fallthrough]];
      case Operation::rank:
      case Operation::median_ratio:
      case Operation::deviation:
        step.word = column(ColumnKind::maximum, *spec.field);
        break;
      case Operation::fraud_min:
        step.running = column(ColumnKind::minimum, *spec.field);
        [[fallthrough]];
      case Operation::fraud_count:
      case Operation::fraud_rate:
      case Operation::time_since_fraud:
      case Operation::time_since_first_fraud:
      case Operation::count_since_fraud:
        labels(step);
        break;
      case Operation::distance:
      case Operation::speed:
        step.word = column(ColumnKind::place, 0, spec.place);
        break;
      default:
        break;  // count, time_since_last, age read the row's own words
    }
  }

  void labels(Step& step) {
    step.word = column(ColumnKind::labels, 0);
    plan_.has_labels = true;
    if (wants_known(step.operation)) plan_.label_window = window(options_.label_delay);
  }

  void extreme(Step& step, ColumnKind kind, FieldIndex f) {
    step.word = column(kind, f);
    auto same = [&](const Running& r) {
      return r.kind == kind && r.word == step.word && r.window == step.window;
    };
    auto at = std::find_if(plan_.running.begin(), plan_.running.end(), same);
    step.running = static_cast<uint16_t>(at - plan_.running.begin());
    if (at != plan_.running.end()) return;
    auto owner = std::find_if(plan_.columns.begin(), plan_.columns.end(),
                              [&](const Column& c) { return c.word == step.word; });
    plan_.running.push_back({kind, step.word, owner->distinct_index, step.window});
  }

  uint16_t column(ColumnKind kind, FieldIndex f, PlaceFields place = {}) {
    uint16_t distinct = 0;
    for (const Column& c : plan_.columns) {
      if (c.kind == kind && c.field == f && c.place == place) return c.word;
      distinct += c.kind == ColumnKind::distinct;
    }
    plan_.columns.push_back({kind, f, plan_.row_words, distinct, 0, fields_[f].type, place});
    plan_.row_words =
        static_cast<uint16_t>(plan_.row_words + (kind == ColumnKind::squares ? 2 : 1));
    return plan_.columns.back().word;
  }

  GroupPlan& plan_;
  const FieldTable& fields_;
  const FeatureOptions& options_;
};

void add_window(GroupPlan& plan, Duration over) {
  auto at = std::lower_bound(plan.windows.begin(), plan.windows.end(), over);
  if (at == plan.windows.end() || *at != over) plan.windows.insert(at, over);
}

GroupPlan& group_for(std::vector<GroupPlan>& plans, const std::vector<FieldIndex>& by) {
  for (GroupPlan& plan : plans)
    if (plan.by == by) return plan;
  plans.emplace_back().by = by;
  return plans.back();
}

std::string key_text(const GroupPlan& plan, const FieldTable& fields) {
  std::string text;
  for (FieldIndex f : plan.by) text += (text.empty() ? "" : " x ") + fields[f].name;
  return text;
}

}  // namespace

Result<std::vector<GroupPlan>> make_group_plans(const FeatureSet& set, const FieldTable& fields) {
  std::vector<GroupPlan> plans;
  for (const FeatureSpec& spec : set.specs()) {
    if (!is_keyed(spec.operation)) continue;
    GroupPlan& plan = group_for(plans, spec.by);
    if (is_windowed(spec.operation)) add_window(plan, spec.over);
    if (spec.operation == Operation::count_above) add_window(plan, spec.reference);
    if (wants_known(spec.operation)) add_window(plan, set.options().label_delay);
  }
  for (GroupPlan& plan : plans) {
    if (plan.windows.size() > kWindowsPerKeyMax)
      return fail("the key " + key_text(plan, fields) + " has more than " +
                      std::to_string(kWindowsPerKeyMax) + " window lengths",
                  {}, "let features share lengths");
    plan.retention =
        (plan.windows.empty() ? Duration() : plan.windows.back()) + set.options().lateness_max;
  }
  uint16_t output = 0;
  for (const FeatureSpec& spec : set.specs()) {
    if (is_keyed(spec.operation))
      Planner(group_for(plans, spec.by), fields, set.options()).add(spec, output);
    ++output;
  }
  for (GroupPlan& plan : plans) {
    std::stable_sort(plan.steps.begin(), plan.steps.end(), [](const Step& a, const Step& b) {
      return std::pair(!a.windowed, a.window) < std::pair(!b.windowed, b.window);
    });
    auto distinct = std::count_if(plan.columns.begin(), plan.columns.end(),
                                  [](const Column& c) { return c.kind == ColumnKind::distinct; });
    if (distinct > 16)
      return fail("the key " + key_text(plan, fields) +
                  " counts distinct values of more than 16 fields");
  }
  return plans;
}

double quantity_scale(FieldIndex f, FieldType type, int base_exponent) {
  if (f == field::amount || type == FieldType::amount) return minor_per_major(base_exponent);
  return type == FieldType::number ? 1e6 : 1;
}

}  // namespace paywarden
