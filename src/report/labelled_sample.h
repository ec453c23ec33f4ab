// Decisions and the data they are about, put together: each payment of the data with its label and
// the decision on it.
//
//   TRY_ASSIGN(DecisionFile decisions, read_decisions("D.ndjson"));
//   TRY_ASSIGN(Sample sample, join_decisions(std::move(decisions), source, {.currency = usd}));
//
// Every payment of the data must have a decision, but those before `from`, which are left out. Data
// without labels, or of which nothing is left, end with an error.
#pragma once

#include <functional>
#include <optional>

#include "base/result.h"
#include "intake/file_source.h"
#include "report/decision_file.h"
#include "report/progress.h"
#include "report/scored_payment.h"

namespace paywarden {

// An amount in minor units of the base currency, or nothing where there is no rate.
// (engine/currency_rates.h fits.)
using ToBaseCurrency = std::function<std::optional<int64_t>(int64_t amount_minor, Currency)>;

struct SampleOptions {
  std::optional<EventTime> from;  // payments before need no decision and are not counted
  Currency currency;              // the base currency: of all sums
  ToBaseCurrency to_base;         // default: amounts in `currency` count, others not
  size_t cases_max = 25;          // of each list of cases: what a person reads through
};

// Reads `source` to its end.
Result<Sample> join_decisions(DecisionFile decisions, FileSource& source,
                              const SampleOptions& options,
                              const EvaluationProgress& progress = {});

}  // namespace paywarden
