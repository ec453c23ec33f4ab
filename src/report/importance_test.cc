// Importances in the report: what is drawn and written is what was measured.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "report/html.h"
#include "report/importance_figure.h"
#include "report/metrics_json.h"
#include "report/report_testing.h"

namespace paywarden {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

ImportanceMetrics three_features() {
  return {
      "cards <1>", 10'000, 212, {{"amount", 0.5, 1.25}, {"<hour>", 0.4, 0.1}, {"weekday", 0, 0}}};
}

TEST(Importance, TheLongerBarStandsBehindTheShorterOne) {
  std::string svg = draw_importance(three_features()).at(0).svg;
  size_t amount = svg.find(">amount<"), hour = svg.find("&lt;hour&gt;"),
         weekday = svg.find(">weekday<");
  ASSERT_LT(amount, hour);
  ASSERT_LT(hour, weekday);
  std::string first = svg.substr(amount, hour - amount), second = svg.substr(hour, weekday - hour);
  EXPECT_LT(first.find("frauds: 1.250"), first.find("payments: 0.500"));
  EXPECT_LT(second.find("payments: 0.400"), second.find("frauds: 0.100"));
  EXPECT_EQ(test::occurrences(svg, "<rect class=\"bar"), 4u) << "what moves nothing has no bar";
  EXPECT_EQ(test::occurrences(svg, "class=\"strip\""), 3u);
  EXPECT_EQ(draw_importance(three_features()).size(), 1u);
}

TEST(Importance, WithoutFraudsOnlyPaymentsAreDrawn) {
  ImportanceMetrics none{"cards-1", 10, 0, {{"amount", 0.5, kNone}, {"hour", 0.1, kNone}}};
  std::string svg = draw_importance(none).at(0).svg;
  EXPECT_EQ(test::occurrences(svg, "class=\"bar genuine\""), 2u);
  EXPECT_THAT(svg, Not(HasSubstr("bar fraud")));
  EXPECT_TRUE(draw_importance({"cards-1", 0, 0, {{"amount", kNone, kNone}}}).at(0).svg.empty());
}

TEST(Importance, ManyFeaturesAreCutInTheFiguresAlone) {
  ImportanceMetrics many{"cards-1", 10, 5, {}};
  for (int i = 0; i < 50; ++i) many.features.push_back({"f" + std::to_string(i), 1.0 / (i + 1), 1});
  auto figures = draw_importance(many);
  ASSERT_EQ(figures.size(), 2u);
  for (const Figure& figure : figures)
    EXPECT_EQ(test::occurrences(figure.svg, "class=\"strip\""), 10u);
  EXPECT_THAT(figures[1].svg, HasSubstr(">f10<"));
  Metrics metrics;
  metrics.importance = many;
  EXPECT_EQ(test::occurrences(metrics_json(metrics), "\"of_payments\""), 50u);
}

TEST(Importance, StandsInTheReportWhereABundleWasGiven) {
  Metrics metrics = measure(test::random_sample({}, 1));
  EXPECT_THAT(report_html(metrics, {}), Not(HasSubstr("What the model goes by")));
  EXPECT_THAT(metrics_json(metrics), Not(HasSubstr("importance")));
  metrics.importance = three_features();
  metrics.importance->features[2].of_frauds = kNone;
  std::string html = report_html(metrics, {});
  EXPECT_THAT(html, HasSubstr("What the model goes by"));
  EXPECT_THAT(html, HasSubstr("<code>cards &lt;1&gt;</code>"));
  EXPECT_THAT(html, Not(HasSubstr("<hour>")));
  std::string json = metrics_json(metrics);
  EXPECT_THAT(json,
              HasSubstr(R"("importance":{"model":"cards <1>","payments":10000,"frauds":212,)"));
  EXPECT_THAT(json, HasSubstr(R"({"feature":"weekday","of_payments":0,"of_frauds":null})"));
}

}  // namespace
}  // namespace paywarden
