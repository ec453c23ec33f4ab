// The page: whole, harmless whatever the data say, and without a gap where there is little data.
#include "report/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "report/html_text.h"
#include "report/quantities.h"
#include "report/random_sample.h"

namespace paywarden {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(HtmlText, EscapesWhatCouldEndATextOrAnAttribute) {
  EXPECT_EQ(html_text(R"(<b> & "c" 'd')"), "&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
  EXPECT_EQ(html_text("Zoë 日本"), "Zoë 日本");
  EXPECT_EQ(html_text("a\x1b\x7fz"), "a\ufffd\ufffdz");
  EXPECT_EQ(html_text(std::string_view("a\0b", 3)), "a\ufffdb");
  EXPECT_EQ(html_text("\xff<"), "\ufffd&lt;");
}

TEST(Quantities, AsAPersonReadsThem) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1'210'659), "1,210,659");
  EXPECT_EQ(score_text(0), "0");
  EXPECT_EQ(score_text(0.98765), "0.9877");
  EXPECT_EQ(score_text(0.012345), "0.0123");
  EXPECT_EQ(score_text(0.00002149), "0.000021");
  EXPECT_EQ(score_text(1), "1.0000");
  EXPECT_EQ(share_text(0.8734), "87.3 %");
  EXPECT_EQ(share_text(0), "0.0 %");
  EXPECT_EQ(share_text(1), "100.0 %");
  EXPECT_EQ(share_text(0.0052), "0.52 %");
  EXPECT_EQ(share_text(0.000004), "0.0004 %");
  EXPECT_EQ(share_text(0.99999), "99.99 %") << "never more than it is";
  EXPECT_EQ(share_text(kUnknown), "–");
  EXPECT_EQ(rate_text(12.34), "12.3");
  EXPECT_EQ(rate_text(1'234.5), "1,234");
  EXPECT_EQ(money_text(123'456'789, test::euro()), "1,234,567.89 EUR");
  EXPECT_EQ(money_text(-100'000, test::euro()), "-1,000.00 EUR");
  EXPECT_EQ(money_text(5, test::euro()), "0.05 EUR");
}

// ---- A reader of tags: every element is closed, in order, and every attribute is quoted ----

const std::vector<std::string> kAlone = {"meta", "!DOCTYPE"};

// The tag that starts at `at`, moved behind it; quotes may hold '>'.
std::string read_tag(const std::string& page, size_t& at) {
  size_t start = ++at;
  for (bool quoted = false; at < page.size() && (quoted || page[at] != '>'); ++at)
    if (page[at] == '"') quoted = !quoted;
  return page.substr(start, at++ - start);
}

std::string first_problem(const std::string& page) {
  std::vector<std::string> open;
  for (size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at)) {
    std::string tag = read_tag(page, at);
    if (tag.ends_with('/')) continue;
    std::string name = tag.substr(0, tag.find(' '));
    if (std::ranges::find(kAlone, name) != kAlone.end()) continue;
    if (!name.starts_with('/')) {
      open.push_back(name);
      continue;
    }
    if (open.empty() || "/" + open.back() != name) return "<" + tag + "> closes nothing";
    open.pop_back();
  }
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

TEST(FirstProblem, SeesWhatIsWrong) {
  EXPECT_EQ(first_problem("<p class=\"a>b\"><br/></p>"), "");
  EXPECT_NE(first_problem("<p><b></p></b>"), "");
  EXPECT_NE(first_problem("<p>"), "");
}

Metrics metrics_of(Sample sample) {
  return measure(std::move(sample));
}

const char* kHostile = "\"><script>alert('x')</script><img src=x onerror=y>";

Sample hostile_sample() {
  Sample sample = test::random_sample({.payments = 500}, 3);
  sample.models = {kHostile};
  Case shown;
  shown.payment_id = shown.card = shown.category = kHostile;
  shown.reasons = {kHostile, kHostile};
  sample.hardest_misses = sample.costliest_misses = sample.loudest_alarms = {shown};
  return sample;
}

TEST(ReportPage, EscapesAllThatComesFromOutside) {
  std::string page = report_html(metrics_of(hostile_sample()), {kHostile, {kHostile}});
  EXPECT_EQ(first_problem(page), "");
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  size_t escaped = 0;
  for (size_t at = 0; (at = page.find("&lt;script&gt;", at)) != std::string::npos; ++at) ++escaped;
  EXPECT_EQ(escaped, 5 * 3 + 3u) << "five texts in three tables, the model, two files";
}

TEST(ReportPage, AsksForNothingElse) {
  std::string page =
      report_html(metrics_of(test::random_sample({}, 1)), {"D.ndjson", {"data.csv"}});
  for (const char* outside : {"http:", "https:", "src=", "url(", "@import", "<link", "javascript:"})
    EXPECT_THAT(page, Not(HasSubstr(outside)));
}

TEST(ReportPage, TheSameMetricsGiveTheSameBytes) {
  Metrics metrics = metrics_of(test::random_sample({}, 1));
  EXPECT_EQ(report_html(metrics, {"D", {"x"}}), report_html(metrics, {"D", {"x"}}));
}

TEST(ReportPage, HoldsTheFigures) {
  Metrics metrics = metrics_of(test::random_sample({.payments = 4'321}, 1));
  std::string page = report_html(metrics, {"D.ndjson", {"a.csv", "b.csv"}});
  for (const std::string& figure :
       {std::string("4,321 payments"), figure_text(metrics.ranking.average_precision, 3),
        share_text(metrics.alerts.recall),
        money_text(metrics.alerts.missed_minor, metrics.currency), std::string("a.csv, b.csv")})
    EXPECT_THAT(page, HasSubstr(figure));
  size_t plots = 0;
  for (size_t at = 0; (at = page.find("role=\"img\"", at)) != std::string::npos; ++at) ++plots;
  EXPECT_EQ(plots, 9u);
}

// ---- Little data ----

struct LittleData {
  const char* name;
  test::RandomSample wanted;
};

class LittleDataTest : public testing::TestWithParam<LittleData> {};

TEST_P(LittleDataTest, GivesAWholePageWithoutNonsense) {
  for (bool with_money : {true, false}) {
    Sample sample = test::random_sample(GetParam().wanted, 9);
    if (!with_money)
      for (ScoredPayment& p : sample.payments) p.amount_minor = 0;
    std::string page = report_html(metrics_of(std::move(sample)), {"D.ndjson", {}});
    EXPECT_EQ(first_problem(page), "");
    EXPECT_THAT(page, Not(testing::ContainsRegex("[^a-z](nan|inf)[^a-z]")));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, LittleDataTest,
    testing::Values(LittleData{"one genuine", {.payments = 1, .fraud_share = 0, .days = 1}},
                    LittleData{"one fraud", {.payments = 1, .fraud_share = 1, .days = 1}},
                    LittleData{"no fraud", {.payments = 100, .fraud_share = 0}},
                    LittleData{"frauds alone", {.payments = 100, .fraud_share = 1}},
                    LittleData{"one score", {.payments = 100, .score_levels = 1}},
                    LittleData{"five years", {.payments = 3'000, .days = 1'826}}),
    [](const auto& of) {
      std::string name = of.param.name;
      std::ranges::replace(name, ' ', '_');
      return name;
    });

}  // namespace
}  // namespace paywarden
