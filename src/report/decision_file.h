// The decisions that `replay` wrote (NDJSON, one a line, plain or compressed), with what an
// evaluation needs of them.
//
//   DecisionFile file = *read_decisions("D.ndjson", {}, show_progress);
//   file.table.find("p1")->score
//
// Every line must be an object with `payment_id` (text or number), `score` (0..1) and `outcome`;
// other members are passed over. Where a decision was only observed, `would_be` counts. The first
// line that is otherwise, or that decides a payment a second time, ends the reading with an error
// that names it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "intake/byte_stream.h"
#include "report/decision_table.h"
#include "report/progress.h"

namespace paywarden {

struct DecisionFileOptions {
  bool shadow = false;  // what the shadow model says counts; a decision without one is an error
  ByteStreamOptions bytes;
  size_t line_bytes_max = 256 * 1024;  // a decision with all reasons takes some 1,000
  size_t decisions_max = 200'000'000;  // 9.4 GB of memory; more is split by time
  size_t models_max = 8;  // names kept of the models that decided; more are of no use to a reader
};
static_assert(DecisionFileOptions{}.decisions_max <= DecisionTable::kDecisionsMax);

struct DecisionFile {
  DecisionTable table;
  std::vector<std::string> models;  // in the order of appearance
};

Result<DecisionFile> read_decisions(const std::string& path,
                                    const DecisionFileOptions& options = {},
                                    const EvaluationProgress& progress = {});

}  // namespace paywarden
