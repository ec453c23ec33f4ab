// What the tests of this folder share: an evaluation over files of a few lines.
//
//   EvaluationBench bench;                                     // a folder of its own
//   auto metrics = bench.evaluate(decisions_text, data_text);
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "intake/test_schema.h"
#include "report/random_sample.h"
#include "report/report.h"

namespace paywarden::test {

inline EventTime at(const char* text) {
  return *parse_rfc3339(text);
}

inline size_t occurrences(const std::string& text, std::string_view word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

inline const char* kReportSchema = R"(
[schema]
name = "report"
currency = "EUR"
card_kind = "id"
label = "fraud"
field = [
  {source = "id", to = "payment_id"},
  {source = "at", to = "event_time"},
  {source = "card"},
  {source = "amount"},
  {source = "currency"},
  {source = "category"},
]
)";

// Evaluates texts as if they were files.
class EvaluationBench {
 public:
  EvaluationBench() { options.sample.currency = euro(); }

  Result<Metrics> evaluate(const std::string& decisions, const std::string& data) {
    std::string path = folder.write("D.ndjson", decisions);
    TRY_ASSIGN(auto source, FileSource::open({folder.write("data.csv", data)}, schema_, tokeniser_,
                                             {}, {}, rejects));
    return paywarden::evaluate(path, *source, options);
  }
  // The error, without the folder's name.
  std::string refusal(const std::string& decisions, const std::string& data) {
    Result<Metrics> metrics = evaluate(decisions, data);
    if (metrics) return "none";
    std::string line = metrics.error().line(), path = folder / "";
    for (size_t i; (i = line.find(path)) != std::string::npos;) line.erase(i, path.size());
    return line;
  }

  TestFolder folder;
  RememberedRejects rejects;
  EvaluationOptions options;

 private:
  Schema schema_ = *schema_of(kReportSchema);
  Tokeniser tokeniser_ = tokeniser();
};

}  // namespace paywarden::test
