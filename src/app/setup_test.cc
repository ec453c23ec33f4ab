#include "app/setup.h"

#include <gmock/gmock.h>

#include <fstream>

#include "app/progress.h"
#include "log/journal_testing.h"

namespace paywarden {
namespace {

using testing::HasSubstr;

std::string payment(const std::string& id, const std::string& currency) {
  return R"({"payment_id":")" + id +
         R"(","event_time":"2026-01-01T00:00:00Z","card":"4111111111111111","amount":1,"currency":")" +
         currency + "\"}\n";
}

// Files as the commands open them, with the demo's configuration.
struct House {
  std::string write(const std::string& name, const std::string& bytes) {
    std::ofstream(directory.path() + "/" + name) << bytes;
    return directory.path() + "/" + name;
  }
  DataFiles open(const std::string& path) {
    auto config = load_config(std::string(PAYWARDEN_SOURCE) + "/config/demo.toml");
    EXPECT_TRUE(config) << config.error().line();
    (*config)->data_directory = directory.path() + "/data";
    configs.push_back(std::move(*config));
    auto data = open_data(*configs.back(), tokeniser, {path}, clock);
    EXPECT_TRUE(data) << data.error().line();
    return std::move(*data);
  }
  // The ids of what is read, each with a space behind it.
  static std::string ids(DataFiles& data) {
    std::string ids;
    FileBatch batch;
    while (*data.source->next(batch))
      for (const FileRow& row : batch.filled()) ids += std::string(row.payment.id()) + " ";
    return ids;
  }
  testing_journal::TemporaryDirectory directory{testing_journal::fast_directory()};
  Tokeniser tokeniser = *Tokeniser::create("a key of thirty-two bytes, or so", "test");
  SystemClock clock;
  std::vector<std::unique_ptr<Config>> configs;  // the schemas of what is open
};

TEST(DataFiles, ACurrencyWithoutARateIsARejectWithItsPlace) {
  House house;
  std::string path = house.write("a.ndjson", payment("p1", "EUR") + payment("p2", "GBP") +
                                                 payment("p3", "USD") + payment("p4", "GBP"));
  DataFiles data = house.open(path);
  EXPECT_EQ(house.ids(data), "p1 p3 ") << "the demo has a rate for dollars";
  ASSERT_EQ(data.rejects->firsts().size(), 1u);
  FirstReject first = data.rejects->firsts()[0];
  EXPECT_EQ(first.reason, RejectReason::no_rate);
  EXPECT_EQ(first.count, 2u);
  EXPECT_EQ(first.line, path +
                            ":2: currency: there is no exchange rate for GBP; add it to "
                            "[currency] rates (value 'GBP')");
}

TEST(DataFiles, WhereAllIsRejectedItIsAnError) {
  House house;
  Progress progress("test");
  auto error = [&](const std::string& name, const std::string& bytes) {
    DataFiles data = house.open(house.write(name, bytes));
    house.ids(data);
    Status told = tell_of_data(data, progress);
    return told ? std::string() : told.error().line();
  };
  EXPECT_EQ(error("fine.ndjson", payment("p1", "EUR")), "");
  EXPECT_EQ(error("some.ndjson", payment("p1", "GBP") + payment("p2", "EUR") + "rubbish\n"), "");
  EXPECT_THAT(error("all.ndjson", payment("p1", "GBP") + "rubbish\n"),
              HasSubstr("all 2 rows were rejected, the first: "));
  EXPECT_EQ(error("header.csv", "payment_id,event_time,card,amount\n"), "")
      << "a day without payments";
}

TEST(DataFiles, WhereReadingFailedThatIsTheErrorAndRejectsAreSaid) {
  House house;
  Progress progress("test");
  for (const std::string& before : {std::string("rubbish\n"), "rubbish\n" + payment("p1", "EUR")}) {
    DataFiles data = house.open(house.write("cut.ndjson", before));
    house.ids(data);
    testing::internal::CaptureStderr();
    auto failed = tell_of_failure({"is cut", "cut.ndjson", "get it again"}, data, progress);
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("1 rejected as not_json"));
    EXPECT_EQ(failed.value().line(), "cut.ndjson: is cut; get it again");
  }
}

}  // namespace
}  // namespace paywarden
