#include "report/report.h"

#include "report/case_reasons.h"
#include "report/metrics_json.h"

namespace paywarden {

Result<Metrics> evaluate(const std::string& decisions_path, FileSource& source,
                         const EvaluationOptions& options, const EvaluationProgress& progress) {
  TRY_ASSIGN(DecisionFile decisions, read_decisions(decisions_path, options.decisions, progress));
  TRY_ASSIGN(Sample sample, join_decisions(std::move(decisions), source, options.sample, progress));
  if (progress) progress(EvaluationStage::metrics, 0, 1);
  if (options.drift)
    for (const ScoredPayment& p : sample.payments)
      options.drift->add_score(p.day, static_cast<float>(p.score));
  Metrics metrics = measure(std::move(sample), options.metrics);
  // They are the model's own: of a shadow model none are kept.
  if (!options.decisions.shadow) TRY(add_reasons(decisions_path, options.decisions, metrics));
  if (progress) progress(EvaluationStage::metrics, 1, 1);
  return metrics;
}

Status write_report(Files& files, const std::string& directory, const Metrics& metrics,
                    const ReportSources& sources) {
  TRY(files.make_directory(directory));
  TRY(replace_whole(files, directory + "/metrics.json", metrics_json(metrics)));
  return replace_whole(files, directory + "/report.html", report_html(metrics, sources));
}

}  // namespace paywarden
