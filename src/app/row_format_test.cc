#include "app/row_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace paywarden {
namespace {

using ::testing::HasSubstr;

TEST(RowFormat, GoesByTheEndingUnlessItIsSaid) {
  struct Row {
    const char *wanted, *file, *says;  // says: "csv", "avro", or a part of the error
  };
  const Row kRows[] = {
      {"", "rows.csv", "csv"},
      {"", "rows.csv.gz", "csv"},
      {"", "rows.avro", "avro"},
      {"csv", "rows", "csv"},
      {"csv", "/dev/stdout", "csv"},
      {"csv", "rows.gz", "csv"},
      {"avro", "rows", "avro"},
      {"avro", "rows.avro", "avro"},
      {"", "rows", "must end with .csv, .csv.gz or .avro; or give --format"},
      {"", "rows.avro.gz", "must end with"},
      {"avro", "rows.avro.gz", "'rows.avro.gz' is no name for Avro"},
      {"avro", "rows.csv", "is no name for Avro"},
      {"csv", "rows.avro", "is no name for CSV"},
  };
  for (const Row& row : kRows) {
    auto format = export_format(row.wanted, row.file);
    std::string says =
        format ? (*format == ExportFormat::avro ? "avro" : "csv") : format.error().line();
    EXPECT_THAT(says, HasSubstr(row.says)) << row.wanted << ' ' << row.file;
  }
}

TEST(RowFormat, FeaturesGetNamesThatAvroCanHave) {
  struct Row {
    std::vector<std::string> features, names;
  };
  const Row kRows[] = {
      {{"card_count_1h", "_x", "A9"}, {"card_count_1h", "_x", "A9"}},
      {{"card count 1h", "3ds", "größe", "a.b"}, {"card_count_1h", "_3ds", "gr____e", "a_b"}},
      {{"a b", "a-b", "a_b", "a.b"}, {"a_b_2", "a_b_3", "a_b", "a_b_4"}},
      {{"is_fraud", "amount", "event_time"}, {"is_fraud_2", "amount_2", "event_time_2"}},
      {{"", "-"}, {"_", "__2"}},
  };
  for (const Row& row : kRows) EXPECT_EQ(avro_names(row.features), row.names);
}

TEST(RowFormat, CsvReadsBackToTheSameBits) {
  std::vector<FeatureSpec> features(3);
  features[0].name = "a";
  features[1].name = "frauds, 30d";
  features[2].name = "the \"c\"";
  Dataset rows(3);
  float* first = rows.add(EventTime(1'592'741'698'250), 12.5, true);
  first[0] = 0.1f;
  first[1] = std::nanf("");
  first[2] = 16777216.0f;
  float* second = rows.add(EventTime(0), 1, false);
  second[0] = second[1] = second[2] = std::nanf("");
  auto csv = new_row_format(ExportFormat::csv, features, "EUR", {});
  std::string out;
  csv->add(rows, 0, out);
  csv->add(rows, 1, out);
  csv->finish(out);
  EXPECT_EQ(out,
            "event_time,is_fraud,a,\"frauds, 30d\",\"the \"\"c\"\"\"\n"
            "2020-06-21T12:14:58.250Z,1,0.1,,16777216\n"
            "1970-01-01T00:00:00.000Z,0,,,\n");
  auto empty = new_row_format(ExportFormat::csv, features, "EUR", {});
  out.clear();
  empty->finish(out);
  EXPECT_EQ(out, "event_time,is_fraud,a,\"frauds, 30d\",\"the \"\"c\"\"\"\n");
}

}  // namespace
}  // namespace paywarden
