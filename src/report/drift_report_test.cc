// Drift in the report: scores are counted on their days, and what is drawn and written is what was counted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "report/drift_figures.h"
#include "report/metrics_json.h"
#include "report/report_testing.h"

namespace paywarden {
namespace {

using testing::HasSubstr;
using testing::Not;

DriftCounts counts_of_halves() {
  BinReference half{{0.5f}, {0.5, 0.5, 0}, 0}, weekday{{0.5f}, {0.5, 0.5, 0}, 9};
  return DriftCounts({half, {half, half, weekday}}, {"amount", "<count>", "weekday"}, 1000);
}

// 60 days: amounts drift from the 40th on, counts a little from the 50th on, weekdays always.
DriftMetrics sixty_days() {
  DriftCounts counts = counts_of_halves();
  for (int day = 0; day < 60; ++day)
    for (int i = 0; i < 100; ++i) {
      float even = i % 2 ? 0.1f : 0.9f;
      float row[3] = {day < 40 ? even : 0.9f, day < 50 || i % 3 ? even : 0.9f, 0.9f};
      counts.add(18'000 + day, even, row);
    }
  return drift_of(counts, "cards-1", {0.05, 0.25, 100});
}

TEST(DriftReport, DrawsTheFeaturesThatDriftAndNoOthers) {
  auto figures = draw_drift(sixty_days());
  ASSERT_EQ(figures.size(), 2u);
  EXPECT_EQ(test::occurrences(figures[0].svg, "<circle"), 60u);
  const std::string& strips = figures[1].svg;
  EXPECT_EQ(test::occurrences(strips, "class=\"bar decline\""), 20u);
  EXPECT_EQ(test::occurrences(strips, "class=\"bar review\""), 10u);
  EXPECT_LT(strips.find(">amount<"), strips.find("&lt;count&gt;")) << "the worst first";
  EXPECT_THAT(strips, Not(HasSubstr("weekday")));
}

TEST(DriftReport, ManyDaysAreDrawnTogetherAndFewPaymentsNotAtAll) {
  DriftMetrics drift = sixty_days();
  for (int year = 1; year < 6; ++year)
    for (size_t i = 0; i < 60; ++i) {
      drift.days.push_back(drift.days[i]);
      drift.days.back().day += 60 * year;
    }
  EXPECT_LE(test::occurrences(draw_drift(drift)[1].svg, "<rect class=\"bar"), 220u);
  drift.levels.payments_min = 101;
  for (const Figure& figure : draw_drift(drift)) EXPECT_TRUE(figure.svg.empty());
  drift.levels.payments_min = 100;
  drift.levels.alarm = 0;
  EXPECT_THAT(draw_drift(drift)[1].svg, Not(HasSubstr("bar decline")));
  for (const Figure& figure : draw_drift(drift))
    for (const LegendEntry& entry : figure.legend)
      EXPECT_THAT(entry.style, Not(HasSubstr("decline"))) << "there are no alarms";
}

TEST(DriftReport, EvaluationCountsEachScoreOnItsDay) {
  test::EvaluationBench bench;
  DriftCounts counts = counts_of_halves();
  bench.options.drift = &counts;
  std::string decisions, data = "id,at,card,amount,currency,category,fraud\n";
  for (int i = 0; i < 8; ++i) {
    decisions += "{\"payment_id\":\"p" + std::to_string(i) +
                 "\",\"score\":" + (i < 6 ? "0.9" : "0.1") + ",\"outcome\":\"approve\"}\n";
    data += "p" + std::to_string(i) + ",2020-06-0" + (i < 4 ? "1" : "2") +
            "T10:00:00Z,c1,10,EUR,x," + (i == 0 ? "1" : "0") + "\n";
  }
  auto metrics = bench.evaluate(decisions, data);
  ASSERT_TRUE(metrics) << metrics.error().line();
  EXPECT_FALSE(metrics->drift) << "the features are still to be counted";
  metrics->drift = drift_of(counts, "cards-1", {});
  ASSERT_EQ(metrics->drift->days.size(), 2u);
  EXPECT_EQ(metrics->drift->days[1].payments, 4u);
  EXPECT_NEAR(metrics->drift->days[1].figures[0].psi, 0, 1e-12);
  EXPECT_GT(metrics->drift->days[0].figures[0].psi, 4);
  EXPECT_TRUE(std::isnan(metrics->drift->days[0].figures[1].psi)) << "features were not counted";
  std::string json = metrics_json(*metrics);
  EXPECT_THAT(json, HasSubstr(R"("days":[{"day":"2020-06-01","payments":4,"psi":{"score":4.)"));
  EXPECT_THAT(json, HasSubstr(R"("amount":null)"));
  EXPECT_THAT(report_html(*metrics, {}), HasSubstr("<h2>Drift</h2>"));
}

TEST(DriftReport, WithoutABundleNothingIsSaidOfIt) {
  test::EvaluationBench bench;
  auto metrics = bench.evaluate(
      "{\"payment_id\":\"a\",\"score\":0.5,\"outcome\":\"review\"}\n",
      "id,at,card,amount,currency,category,fraud\na,2020-06-01T10:00:00Z,c,1,EUR,x,1\n");
  ASSERT_TRUE(metrics);
  EXPECT_FALSE(metrics->drift);
  EXPECT_THAT(metrics_json(*metrics), Not(HasSubstr("drift")));
  EXPECT_THAT(report_html(*metrics, {}), Not(HasSubstr("Drift")));
}

}  // namespace
}  // namespace paywarden
