// Why the payments that a report shows have their scores: a second look at the decisions' file, since only
// when all is joined is it known which few are shown.
//
//   TRY(add_reasons("D.ndjson", {}, metrics));
//   metrics.loudest_alarms.front().reasons   // "7 payments of this card in the last hour, 1 is usual (+0.83)", ...
//
// Approvals have no reasons, and decisions of earlier versions no sentences: their cases stay without. A file that
// cannot be read twice, such as a pipe, is left alone.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "report/decision_file.h"
#include "report/metrics.h"

namespace paywarden {

inline constexpr size_t kCaseReasonsMax = 3;  // of a case: a report's table is read across

// The cases of a report by their payment's id: one payment may be several cases.
using CasesById = std::multimap<std::string, Case*, std::less<>>;
CasesById cases_of(Metrics& metrics);

// A reason as it stands in the report: the sentence, and what it added to the score's log-odds.
std::string case_reason(std::string_view sentence, double contribution);

Status add_reasons(const std::string& decisions_path, const DecisionFileOptions& options,
                   Metrics& metrics);

}  // namespace paywarden
