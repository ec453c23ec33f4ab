#include "intake/rejects.h"

#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "intake/test_schema.h"

namespace paywarden {
namespace {

using testing::HasSubstr;

Rejection sample() {
  return {RejectReason::negative, "amount", "-5", "is negative", R"({"id":"p1"})"};
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

TEST(Rejects, OneLineEachAndACountByReason) {
  test::TestFolder folder;
  ManualClock clock(EventTime(1'592'741'698'000));
  auto rejects = Rejects::open({folder / "rejects.ndjson"}, clock);
  ASSERT_TRUE(rejects);
  (*rejects)->add({"a.csv", 7, sample()});
  (*rejects)->add({"http", 0, {RejectReason::not_json, "", "", "the input is not valid JSON", ""}});
  EXPECT_EQ((*rejects)->counts()[static_cast<size_t>(RejectReason::negative)], 1u);
  EXPECT_EQ((*rejects)->counts()[static_cast<size_t>(RejectReason::not_json)], 1u);
  EXPECT_EQ((*rejects)->counts()[static_cast<size_t>(RejectReason::missing)], 0u);
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(folder / "rejects.ndjson").permissions(),
            perms::owner_read | perms::owner_write);
  EXPECT_THAT(
      lines_of(folder / "rejects.ndjson"),
      testing::ElementsAre(
          R"({"time":"2020-06-21T12:14:58.000Z","source":"a.csv","line":7,"field":"amount","reason":"negative",)"
          R"("rule":"is negative","value":"-5","raw":"{\"id\":\"p1\"}"})",
          R"({"time":"2020-06-21T12:14:58.000Z","source":"http","reason":"not_json",)"
          R"("rule":"the input is not valid JSON"})"));
}

TEST(Rejects, TheOldestGoesWhenTheDiskShareIsUsed) {
  test::TestFolder folder;
  ManualClock clock(EventTime(0));
  RejectsOptions options{folder / "r", 1'000, 3};
  auto rejects = Rejects::open(options, clock);
  ASSERT_TRUE(rejects);
  Rejection rejection = sample();
  for (int i = 0; i < 100; ++i) (*rejects)->add({"line", static_cast<uint64_t>(i + 1), rejection});
  size_t files = 0;
  uint64_t last = 0;
  for (const char* name : {"r.2", "r.1", "r"}) {
    EXPECT_LE(std::filesystem::file_size(folder / name), 1'000u);
    for (const std::string& line : lines_of(folder / name)) {
      uint64_t number = std::stoull(line.substr(line.find("\"line\":") + 7));
      EXPECT_EQ(number, last ? last + 1 : number);
      last = number;
    }
    ++files;
  }
  EXPECT_EQ(last, 100u);
  EXPECT_FALSE(std::filesystem::exists(folder / "r.3"));
  // Opened again it goes on where it was.
  uint64_t size = std::filesystem::file_size(folder / "r");
  rejects->reset();
  rejects = Rejects::open(options, clock);
  (*rejects)->add({"x", 1, rejection});
  EXPECT_NE(std::filesystem::file_size(folder / "r"), size);
}

TEST(Rejects, FirstOfEachReasonTheMostFrequentBefore) {
  test::TestFolder folder;
  ManualClock clock(EventTime(0));
  auto rejects = Rejects::open({folder / "r"}, clock);
  ASSERT_TRUE(rejects);
  EXPECT_TRUE((*rejects)->firsts().empty());
  Rejection other = sample();
  other.reason = RejectReason::not_json;
  (*rejects)->add({"http", 0, other});
  for (uint64_t line : {7, 8, 9}) (*rejects)->add({"a.csv", line, sample()});
  auto firsts = (*rejects)->firsts();
  ASSERT_EQ(firsts.size(), 2u);
  EXPECT_EQ(firsts[0].reason, RejectReason::negative);
  EXPECT_EQ(firsts[0].count, 3u);
  EXPECT_EQ(firsts[0].line, "a.csv:7: " + sample().line());
  EXPECT_EQ(firsts[1].line, "http: " + other.line());
}

TEST(Rejects, ManyThreads) {
  test::TestFolder folder;
  ManualClock clock(EventTime(0));
  auto rejects = Rejects::open({folder / "r"}, clock);
  ASSERT_TRUE(rejects);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) (*rejects)->add({"thread", 1, sample()});
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ((*rejects)->counts()[static_cast<size_t>(RejectReason::negative)], 800u);
  auto lines = lines_of(folder / "r");
  EXPECT_EQ(lines.size(), 800u);
  for (const std::string& line : lines) ASSERT_TRUE(line.starts_with("{") && line.ends_with("}"));
}

TEST(Rejects, AFolderThatIsNotThereIsSaid) {
  ManualClock clock(EventTime(0));
  auto rejects = Rejects::open({"/nowhere/at/all"}, clock);
  ASSERT_FALSE(rejects);
  EXPECT_THAT(rejects.error().line(),
              HasSubstr("/nowhere/at/all: cannot open the rejects file: No such file"));
}

TEST(Rejection, NamesAndStatuses) {
  EXPECT_EQ(name_of(RejectReason::future), "future");
  EXPECT_EQ(name_of(RejectReason::conflict), "conflict");
  EXPECT_EQ(name_of(RejectReason::has_pan), "has_pan");
  EXPECT_EQ(name_of(RejectReason::too_many_fields), "too_many_fields");
  EXPECT_EQ(status_of(RejectReason::too_large), 413);
  EXPECT_EQ(status_of(RejectReason::too_many_fields), 400);
  EXPECT_EQ(status_of(RejectReason::duplicate_field), 422);
}

// Letters before a number make it a word of an id, not of a card: it is masked all the same.
TEST(Rejection, OfAPaymentWithoutARateTheIdIsKeptMasked) {
  Rejection no = no_rate_of("GBP", "d4242424242424242");
  EXPECT_EQ(
      no.line(),
      "currency: there is no exchange rate for GBP; add it to [currency] rates (value 'GBP')");
  EXPECT_EQ(no.raw, "d424242******4242");
  EXPECT_EQ(no_rate_of("GBP", "p-17").raw, "p-17");
}

TEST(Rejection, ExcerptsAreCutBetweenCharacters) {
  EXPECT_EQ(masked_excerpt("K\xc3\xb6ln", 2), "K");
  EXPECT_EQ(masked_excerpt("K\xc3\xb6ln", 3), "K\xc3\xb6");
  // A number that the cut goes through is masked all the same.
  EXPECT_EQ(masked_excerpt(std::string(54, 'x') + "4111111111111111", 64),
            std::string(54, 'x') + "411111****");
}

}  // namespace
}  // namespace paywarden
