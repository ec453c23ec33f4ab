#include "report/case_reasons.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <filesystem>
#include <vector>

#include "intake/record_reader.h"

namespace paywarden {
namespace {

std::vector<std::string> sentences_of(const simdjson::dom::element& decision) {
  std::vector<std::string> out;
  simdjson::dom::array reasons;
  if (decision["reasons"].get(reasons)) return out;
  for (simdjson::dom::element reason : reasons) {
    std::string_view text;
    double contribution = 0;
    if (out.size() == kCaseReasonsMax || reason["text"].get(text)) continue;
    if (reason["contribution"].get(contribution)) continue;
    out.push_back(case_reason(text, contribution));
  }
  return out;
}

// Ids that are numbers count by their digits, as decision_file.h reads them.
std::string id_of(const simdjson::dom::element& decision) {
  std::string_view text;
  simdjson::dom::element id;
  if (decision["payment_id"].get(id)) return {};
  if (!id.get(text)) return std::string(text);
  return simdjson::minify(id);
}

}  // namespace

CasesById cases_of(Metrics& metrics) {
  CasesById cases;
  for (auto* list : {&metrics.hardest_misses, &metrics.costliest_misses, &metrics.loudest_alarms})
    for (Case& shown : *list) cases.emplace(shown.payment_id, &shown);
  return cases;
}

std::string case_reason(std::string_view sentence, double contribution) {
  return fmt::format("{} ({:+.2f})", sentence, contribution);
}

Status add_reasons(const std::string& decisions_path, const DecisionFileOptions& options,
                   Metrics& metrics) {
  std::error_code unknown;
  CasesById cases = cases_of(metrics);
  if (cases.empty() || !std::filesystem::is_regular_file(decisions_path, unknown)) return {};
  TRY_ASSIGN(auto bytes, open_bytes(decisions_path, options.bytes));
  RecordLimits limits;
  limits.record_bytes_max = limits.block_bytes = options.line_bytes_max;
  RecordReader lines(std::move(bytes), limits);
  lines.set_format(RecordFormat::ndjson);
  simdjson::dom::parser parser;
  for (SourceRecord record;;) {
    TRY_ASSIGN(RecordStatus status, lines.next(record));
    if (status == RecordStatus::end) return {};
    // Most lines are approvals, which nobody needs to parse.
    if (status == RecordStatus::bad || record.bytes.find(R"("text":)") == std::string_view::npos)
      continue;
    simdjson::dom::element decision;
    if (parser.parse(record.bytes.data(), record.bytes.size()).get(decision)) continue;
    auto [first, last] = cases.equal_range(id_of(decision));
    for (auto at = first; at != last; ++at) at->second->reasons = sentences_of(decision);
  }
}

}  // namespace paywarden
