// What `paywarden evaluate` does: decisions and labelled data in, a report out.
//
//   auto source = *FileSource::open(data_paths, schema, tokeniser, {}, {}, rejects);
//   EvaluationOptions options;
//   options.sample.from = from;                       // payments before need no decision
//   options.sample.currency = schema.currency;
//   TRY_ASSIGN(Metrics metrics, evaluate("D.ndjson", *source, options, show_progress));
//   TRY(write_report(files, "out", metrics, {"D.ndjson", data_paths}));
//   // out/report.html, out/metrics.json
//
// Memory: some 47 bytes a decision and 50 a card, beside the files' readers. One thread (and
// FileSource's own).
#pragma once

#include <string>

#include "base/files.h"
#include "base/result.h"
#include "report/html.h"
#include "report/labelled_sample.h"
#include "report/metrics.h"

namespace paywarden {

struct EvaluationOptions {
  DecisionFileOptions decisions;
  SampleOptions sample;
  MetricsOptions metrics;
  // Where set: each payment's score is counted here on its day.
  DriftCounts* drift = nullptr;
};

// Reads `source` to its end.
Result<Metrics> evaluate(const std::string& decisions_path, FileSource& source,
                         const EvaluationOptions& options, const EvaluationProgress& progress = {});

// Makes `directory` where it is not; replaces a report that is there.
Status write_report(Files& files, const std::string& directory, const Metrics& metrics,
                    const ReportSources& sources);

}  // namespace paywarden
