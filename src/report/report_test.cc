// From files to files: the report as `paywarden evaluate` writes it.
#include "report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "report/metrics_json.h"
#include "report/report_testing.h"

namespace paywarden {
namespace {

using test::EvaluationBench;

std::string payment_line(size_t i, const ScoredPayment& p) {
  EventTime time(int64_t{p.day} * days(1).ms() + static_cast<int64_t>(i) * 1'000);
  return "p" + std::to_string(i) + "," + format_rfc3339(time) + ",c" + std::to_string(p.card) +
         "," + format_minor_units(p.amount_minor, 2) + ",EUR,food," + (p.is_fraud ? "1" : "0") +
         "\n";
}

std::string decision_line(size_t i, const ScoredPayment& p) {
  Decision decision;
  decision.payment_id = "p" + std::to_string(i);
  decision.score = static_cast<float>(p.score);
  decision.outcome = p.outcome;
  decision.model = "m1";
  std::string line;
  append_json(decision, line);
  return line + "\n";
}

struct Texts {
  std::string decisions, data = "id,at,card,amount,currency,category,fraud\n";
};

Texts texts_of(const Sample& sample) {
  Texts texts;
  for (size_t i = 0; i < sample.payments.size(); ++i) {
    texts.data += payment_line(i, sample.payments[i]);
    texts.decisions += decision_line(i, sample.payments[i]);
  }
  return texts;
}

// Sentences of the decisions that have some; a second reading of the same file.
TEST(Report, CasesSayWhyTheyWereReviewed) {
  EvaluationBench bench;
  std::string decisions, data = "id,at,card,amount,currency,category,fraud\n";
  for (int i = 0; i < 4; ++i) {
    Decision decision;
    decision.payment_id = "p" + std::to_string(i);
    decision.score = 0.2f * static_cast<float>(i + 1);
    if (i >= 2) {
      decision.outcome = Outcome::review;
      decision.reasons = {{"old", 1, 1, 1}};
      for (int k = 0; k < 5; ++k)
        decision.reasons.push_back(
            {"f", 1, 1, k == 1 ? -0.5 : 1, "\"" + std::to_string(i * 10 + k) + "\" is high"});
    }
    append_json(decision, decisions);
    decisions += '\n';
    data += decision.payment_id + ",2026-01-0" + std::to_string(i + 1) + ",c,1.00,EUR,food," +
            (i % 2 ? "1" : "0") + "\n";
  }
  auto metrics = bench.evaluate(decisions, data);
  ASSERT_TRUE(metrics) << metrics.error().line();
  using testing::ElementsAre;
  ASSERT_EQ(metrics->hardest_misses.size(), 2u);
  EXPECT_THAT(metrics->hardest_misses[0].reasons, ElementsAre());
  EXPECT_THAT(
      metrics->hardest_misses[1].reasons,
      ElementsAre("\"30\" is high (+1.00)", "\"31\" is high (-0.50)", "\"32\" is high (+1.00)"));
  ASSERT_FALSE(metrics->loudest_alarms.empty());
  EXPECT_EQ(metrics->loudest_alarms[0].reasons.at(0), "\"20\" is high (+1.00)");
  EXPECT_THAT(metrics_json(*metrics),
              testing::HasSubstr(R"j("reasons":["\"30\" is high (+1.00)",)j"));
  EXPECT_THAT(report_html(*metrics, {"D", {"x"}}),
              testing::HasSubstr("&quot;30&quot; is high (+1.00)<br/>&quot;31&quot;"));
}

// Decisions as the program itself writes them give what the sample gives that they were made of.
TEST(Report, FilesGiveWhatMemoryGives) {
  Sample sample = test::random_sample({.payments = 3'000, .score_levels = 64}, 21);
  Texts texts = texts_of(sample);
  EvaluationBench bench;
  auto metrics = bench.evaluate(texts.decisions, texts.data);
  ASSERT_TRUE(metrics) << metrics.error().line();
  Metrics expected = measure(std::move(sample));
  EXPECT_EQ(metrics->ranking.auc_roc, expected.ranking.auc_roc);
  EXPECT_EQ(metrics->ranking.average_precision, expected.ranking.average_precision);
  EXPECT_EQ(metrics->card_precision, expected.card_precision);
  EXPECT_EQ(metrics->alerts.caught_minor, expected.alerts.caught_minor);
  EXPECT_EQ(metrics->by_day.size(), expected.by_day.size());
  EXPECT_EQ(metrics->calibration.brier, expected.calibration.brier);
}

TEST(Report, IsWrittenAndWrittenAgain) {
  Texts texts = texts_of(test::random_sample({.payments = 200}, 22));
  EvaluationBench bench;
  auto metrics = bench.evaluate(texts.decisions, texts.data);
  ASSERT_TRUE(metrics) << metrics.error().line();
  PosixFiles files;
  std::string directory = bench.folder / "deep/report";
  for (int round = 0; round < 2; ++round) {
    Status written = write_report(files, directory, *metrics, {"D.ndjson", {"data.csv"}});
    ASSERT_TRUE(written) << written.error().line();
  }
  EXPECT_EQ(*read_whole(files, directory + "/metrics.json"), metrics_json(*metrics));
  EXPECT_EQ(*read_whole(files, directory + "/report.html"),
            report_html(*metrics, {"D.ndjson", {"data.csv"}}));
  EXPECT_EQ(files.list(directory)->size(), 2u);
}

TEST(Report, AFolderThatCannotBeMadeIsAnError) {
  EvaluationBench bench;
  PosixFiles files;
  bench.folder.write("taken", "a file");
  Status written =
      write_report(files, bench.folder / "taken/report", measure(test::random_sample({}, 1)), {});
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().line(), testing::HasSubstr("taken"));
}

TEST(Report, ShowsProgressUpToTheEnd) {
  Texts texts = texts_of(test::random_sample({.payments = 200}, 22));
  EvaluationBench bench;
  std::string path = bench.folder.write("D.ndjson", texts.decisions);
  uint64_t last = 0;
  auto decisions =
      read_decisions(path, {}, [&](EvaluationStage stage, uint64_t done, uint64_t total) {
        EXPECT_EQ(stage, EvaluationStage::decisions);
        EXPECT_EQ(total, texts.decisions.size());
        EXPECT_GE(done, last);
        last = done;
      });
  ASSERT_TRUE(decisions);
  EXPECT_EQ(last, texts.decisions.size());
}

// ---- metrics.json ----

TEST(MetricsJson, IsJsonWithTheFigures) {
  Metrics metrics = measure(test::random_sample({.payments = 500}, 23));
  std::string text = metrics_json(metrics);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.parse(text).get(root), simdjson::SUCCESS);
  auto number = [&](const char* pointer) {
    double value = kUnknown;
    EXPECT_EQ(root.at_pointer(pointer).get(value), simdjson::SUCCESS) << pointer;
    return value;
  };
  EXPECT_EQ(number("/version"), 1);
  EXPECT_EQ(number("/payments"), 500);
  EXPECT_EQ(number("/auc_roc"), metrics.ranking.auc_roc);
  EXPECT_EQ(number("/average_precision"), metrics.ranking.average_precision);
  EXPECT_EQ(number("/recall_at_precision_90"), metrics.ranking.recall_at_precision_90);
  EXPECT_EQ(number("/outcomes/decline/frauds"), static_cast<double>(metrics.outcomes[2].frauds));
  EXPECT_EQ(number("/alerts/recall"), metrics.alerts.recall);
  EXPECT_EQ(number("/by_day/0/payments"), static_cast<double>(metrics.by_day[0].payments));
  EXPECT_EQ(number("/calibration/bins/9/payments"),
            static_cast<double>(metrics.calibration.bins[9].payments));
  EXPECT_EQ(number("/roc/0/recall"), 0);
  std::string_view from;
  ASSERT_EQ(root.at_pointer("/weeks/0/from").get(from), simdjson::SUCCESS);
  EXPECT_EQ(from, "2019-04-14");
}

TEST(MetricsJson, UnknownIsNull) {
  Metrics metrics = measure(test::random_sample({.payments = 50, .fraud_share = 0}, 1));
  EXPECT_THAT(metrics_json(metrics), testing::HasSubstr("\"auc_roc\":null"));
}

}  // namespace
}  // namespace paywarden
