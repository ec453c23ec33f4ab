// The report as one HTML file that needs nothing else: no script, no request, plots within. For a
// browser on a desk or on a telephone, in light and dark, and for paper.
//
//   std::string page = report_html(metrics, {.decisions = "D.ndjson", .data = {"test.csv.xz"}});
//
// The same metrics give the same bytes. Every text that comes from outside is escaped.
#pragma once

#include <string>
#include <vector>

#include "report/metrics.h"

namespace paywarden {

struct ReportSources {
  std::string decisions;  // the files' names, for the reader
  std::vector<std::string> data;
};

std::string report_html(const Metrics& metrics, const ReportSources& sources);

}  // namespace paywarden
