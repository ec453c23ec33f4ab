#include "intake/file_source.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <chrono>

#include "intake/test_schema.h"

namespace paywarden {
namespace {

using test::TestFolder;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kHeader = "id,at,pan,amount,note,fraud\n";

std::string csv_row(int i, const std::string& note = "") {
  return fmt::format("p{},2020-06-21 12:14:58,4111111111111111,{}.50,{},{}\n", i, i, note, i % 2);
}

std::string json_row(int i) {
  return fmt::format(
      R"({{"id":"p{}","at":"2020-06-21 12:14:58","pan":"4111111111111111","amount":"{}.5","fraud":{}}})"
      "\n",
      i, i, i % 2);
}

std::string gzip(const std::string& bytes) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, bytes.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

std::string xz(const std::string& bytes) {
  std::string out(lzma_stream_buffer_bound(bytes.size()), '\0');
  size_t size = 0;
  lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr,
                          reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(),
                          reinterpret_cast<uint8_t*>(out.data()), &size, out.size());
  out.resize(size);
  return out;
}

std::string zstd(const std::string& bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

struct Reading {
  Schema schema = *test::schema_of(test::kSmallSchema);
  Tokeniser tokeniser = test::tokeniser();
  test::RememberedRejects rejects;
  ParserOptions parser;
  FileSourceOptions options;
  std::unique_ptr<FileSource> source;

  Status open(std::vector<std::string> paths) {
    auto opened = FileSource::open(std::move(paths), schema, tokeniser, parser, options, rejects);
    if (!opened) return tl::unexpected(opened.error());
    source = std::move(*opened);
    return {};
  }
  // "file:line:id:label" of every row.
  std::vector<std::string> rows(std::vector<std::string>* errors = nullptr) {
    std::vector<std::string> out;
    FileBatch batch;
    while (true) {
      Result<bool> more = source->next(batch);
      if (!more && errors) errors->push_back(more.error().line());
      if (!more && !errors) ADD_FAILURE() << more.error().line();
      if (more && !*more) return out;
      for (const FileRow& row : batch.filled())
        out.push_back(fmt::format("{}:{}:{}:{}", row.file, row.line, row.payment.id(),
                                  row.label ? (*row.label ? "1" : "0") : "-"));
    }
  }
  std::vector<std::string> rejected() {
    std::vector<std::string> out;
    for (const auto& entry : rejects.entries())
      out.push_back(fmt::format("{}:{} {}", std::filesystem::path(entry.source).filename().string(),
                                entry.line, entry.rejection.line()));
    return out;
  }
};

TEST(FileSource, SeveralFilesOfAllKindsAreOneStream) {
  TestFolder folder;
  std::string a = kHeader + csv_row(1) + csv_row(2, "\"a, \"\"b\"\"\nc\"") + csv_row(3);
  std::string b = json_row(4) + "\n" + json_row(5);
  auto plain_csv = folder.write("a.csv", a), gz = folder.write("b", gzip(a)),
       x = folder.write("c.xz", xz(b)), z = folder.write("d.zst", zstd(b)),
       plain = folder.write("f.ndjson", b);
  for (bool ahead : {false, true}) {
    Reading r;
    r.options.parse_ahead = r.options.bytes.decompress_ahead = ahead;
    r.options.batch_rows = 2;
    ASSERT_TRUE(r.open({plain_csv, gz, x, z, plain}));
    EXPECT_THAT(r.rows(), ElementsAre("0:2:p1:1", "0:3:p2:0", "0:5:p3:1", "1:2:p1:1", "1:3:p2:0",
                                      "1:5:p3:1", "2:1:p4:0", "2:3:p5:1", "3:1:p4:0", "3:3:p5:1",
                                      "4:1:p4:0", "4:3:p5:1"));
    EXPECT_TRUE(r.rejected().empty());
    FileProgress progress = r.source->progress();
    EXPECT_EQ(progress.rows, 12u);
    EXPECT_EQ(progress.bytes_read, progress.bytes_total);
  }
}

TEST(FileSource, ConcatenatedMembersAreRead) {
  TestFolder folder;
  std::string first = kHeader + csv_row(1), second = csv_row(2);
  Reading r;
  ASSERT_TRUE(r.open({folder.write("g", gzip(first) + gzip(second)),
                      folder.write("x", xz(first) + xz(second)),
                      folder.write("z", zstd(first) + zstd(second))}));
  EXPECT_THAT(r.rows(),
              ElementsAre("0:2:p1:1", "0:3:p2:0", "1:2:p1:1", "1:3:p2:0", "2:2:p1:1", "2:3:p2:0"));
}

TEST(FileSource, ABadRowNamesItsLineAndLosesNoNeighbour) {
  TestFolder folder;
  std::string text =
      kHeader + csv_row(1) + "p2,2020-06-21,4111111111111111\n" + csv_row(3) +
      "p4,2020-06-21,4111111111111112,1,,0\n" + "p5,2020-06-21,4111111111111111,1,\"open,0\n" +
      csv_row(6, "\"x, y\"") + "p7,2020-06-21,4111111111111111,1,caf\xe9,0\n" + csv_row(8) +
      "p9,2020-06-21,4111111111111111,1,\"a\"b,0\n" + std::string(70'000, 'x') + "\n" + csv_row(11);
  Reading r;
  ASSERT_TRUE(r.open({folder.write("a.csv", text)}));
  EXPECT_THAT(r.rows(), ElementsAre("0:2:p1:1", "0:4:p3:1", "0:7:p6:0", "0:9:p8:0", "0:12:p11:1"));
  EXPECT_THAT(r.rejected(),
              ElementsAre("a.csv:3 the record has not as many values as the header has names",
                          "a.csv:5 pan: does not pass the Luhn check (value '411111******1112')",
                          HasSubstr("a.csv:6 the record has a quote that is not closed"),
                          "a.csv:8 the input is not valid UTF-8",
                          HasSubstr("a.csv:10 the record has a quote"),
                          "a.csv:11 the input is longer than 65536 bytes"));
  for (const auto& entry : r.rejects.entries()) EXPECT_TRUE(find_pans(entry.rejection.raw).empty());
  EXPECT_EQ(r.source->progress().rejected, 6u);
}

TEST(FileSource, PaymentsInACurrencyThatIsNotTakenAreRejects) {
  TestFolder folder;
  std::string csv = "id,at,pan,amount,currency\n", json;
  int n = 0;
  for (const char* currency : {"EUR", "GBP", "", "GBP", "EUR"}) {
    csv += fmt::format("p{},2020-06-21,4111111111111111,1,{}\n", n, currency);
    json += fmt::format(
        R"({{"id":"p{}","at":"2020-06-21T00:00:00Z","pan":"4111111111111111","amount":1,"currency":"{}"}})"
        "\n",
        n++, currency);
  }
  Reading r;
  r.parser.currencies = {*Currency::parse("EUR")};
  ASSERT_TRUE(r.open({folder.write("a.csv", csv), folder.write("b.ndjson", json)}));
  EXPECT_THAT(r.rows(),
              ElementsAre("0:2:p0:-", "0:4:p2:-", "0:6:p4:-", "1:1:p0:-", "1:3:p2:-", "1:5:p4:-"));
  const std::string why =
      " currency: there is no exchange rate for GBP; add it to [currency] rates (value 'GBP')";
  EXPECT_THAT(r.rejected(), ElementsAre("a.csv:3" + why, "a.csv:5" + why, "b.ndjson:2" + why,
                                        "b.ndjson:4" + why));
  EXPECT_EQ(r.source->progress().rejected, 4u);
}

TEST(FileSource, ColumnsThatATableLacksAreKnown) {
  TestFolder folder;
  Reading r;
  ASSERT_TRUE(r.open({folder.write("a.csv", kHeader + csv_row(1)),
                      folder.write("b.csv", "id,at,pan,amount\np2,2020-06-21,4111111111111111,1\n"),
                      folder.write("c.ndjson", "{}\n")}));
  EXPECT_THAT(r.source->absent_columns(),
              testing::AllOf(testing::Contains("the column 'shop' is not in " + (folder / "a.csv") +
                                               " and 1 more files"),
                             testing::Contains("the column 'fraud' (the label) is not in " +
                                               (folder / "b.csv")),
                             testing::Not(testing::Contains(HasSubstr("'amount'"))),
                             testing::Not(testing::Contains(HasSubstr("c.ndjson")))));
}

TEST(FileSource, BadLinesOfNdjson) {
  TestFolder folder;
  Reading r;
  ASSERT_TRUE(r.open({folder.write(
      "a", json_row(1) + "{\"id\":\n" + json_row(2) + "[]\n" + json_row(3) + "{\"id\":1}")}));
  EXPECT_THAT(r.rows(), ElementsAre("0:1:p1:1", "0:3:p2:0", "0:5:p3:1"));
  EXPECT_THAT(r.rejected(),
              ElementsAre("a:2 the input is not valid JSON: it breaks off behind byte 6",
                          "a:4 the input is not a JSON object", "a:6 at: is missing"));
}

TEST(FileSource, AFileNamedNdjsonIsSoWhateverItBeginsWith) {
  TestFolder folder;
  std::string text = "rubbish\n" + json_row(1) + "\n" + json_row(2);
  Reading r;
  ASSERT_TRUE(
      r.open({folder.write("a.ndjson", text), folder.write("b.jsonl", text),
              folder.write("c.ndjson.xz", xz(text)), folder.write("d.ndjson.gz", gzip(text)),
              folder.write("e.jsonl.zst", zstd(text)), folder.write("f.csv", json_row(3)),
              folder.write("G.NDJSON.XZ", xz(text))}));
  EXPECT_THAT(r.rows(), ElementsAre("0:2:p1:1", "0:4:p2:0", "1:2:p1:1", "1:4:p2:0", "2:2:p1:1",
                                    "2:4:p2:0", "3:2:p1:1", "3:4:p2:0", "4:2:p1:1", "4:4:p2:0",
                                    "5:1:p3:1", "6:2:p1:1", "6:4:p2:0"));
  EXPECT_THAT(r.rejected(),
              testing::AllOf(testing::SizeIs(6),
                             testing::Each(HasSubstr(":1 the input is not valid JSON"))));
}

TEST(FileSource, WhatCannotBeReadIsSaidBeforeAnythingIs) {
  TestFolder folder;
  auto fine = folder.write("fine.csv", kHeader + csv_row(1));
  auto error = [&](const std::string& path) {
    Reading r;
    Status status = r.open({fine, path});
    return status ? std::string() : status.error().line();
  };
  EXPECT_THAT(error(folder / "absent"), HasSubstr("absent: cannot open the file: No such file"));
  EXPECT_THAT(error(folder / ""), HasSubstr("is a directory"));
  EXPECT_THAT(
      error(folder.write("x.csv", "id,at,pan\n")),
      HasSubstr("x.csv:1: the column 'amount' is missing; the schema 'small' needs it for amount"));
  EXPECT_THAT(error(folder.write("y.csv", "\"id\n")),
              HasSubstr("y.csv:1: the header is not one line of CSV"));
  const std::string taken =
      "it is read as CSV with a header, as it does not begin with '{': if each "
      "line is a JSON object, let its name end with .ndjson or .jsonl";
  EXPECT_THAT(error(folder / "y.csv"), testing::Not(HasSubstr(taken)));
  EXPECT_THAT(error(folder.write("Y.CSV", "\"id\n")), testing::Not(HasSubstr(taken)));
  EXPECT_THAT(error(folder.write("y.txt", "\"id\n")), HasSubstr(taken));
  EXPECT_THAT(error(folder.write("json", "id: 1\n" + json_row(1))),
              HasSubstr("json:1: the column 'id' is missing; the schema 'small' needs it for "
                        "payment_id; " +
                        taken));
  const std::string list = "it begins with '[': of a JSON list, write one object a line";
  for (const std::string& text :
       {"[\n" + json_row(1) + "]\n", "[" + json_row(1) + "]", "[" + std::string(70'000, '1') + "]"})
    for (const char* name : {"list.json", "list.csv"})
      EXPECT_THAT(error(folder.write(name, text)),
                  testing::AllOf(HasSubstr(list), testing::Not(HasSubstr(taken))));
  for (const char* name : {"packed", "packed.csv", "packed.ndjson"}) {
    EXPECT_THAT(error(folder.write(name, "PK\3\4 and more")),
                HasSubstr("the file is a zip archive, which is not read; unpack it, or compress it "
                          "with gzip, xz or zstd"));
    EXPECT_THAT(error(folder.write(name, "BZh91AY&SY and more")),
                HasSubstr("the file is compressed with bzip2, which is not read"));
  }
  EXPECT_THAT(error(folder.write("no-bzip2.csv", "BZh,id\n")), HasSubstr("'at' is missing"));
  EXPECT_THAT(error(folder.write("z.csv.xz", xz(fine).substr(0, 20))),
              HasSubstr("z.csv.xz: the compressed data"));
}

TEST(FileSource, ADamagedFileGivesItsRowsThenAnErrorAndTheNextFileFollows) {
  TestFolder folder;
  std::string text = kHeader;
  for (int i = 0; i < 20'000; ++i) text += csv_row(i, std::to_string(i * 7919));
  for (auto compress : {gzip, xz, zstd}) {
    std::string whole = compress(text);
    Reading r;
    ASSERT_TRUE(r.open({folder.write("cut", whole.substr(0, whole.size() - whole.size() / 3)),
                        folder.write("next.csv", kHeader + csv_row(1))}));
    std::vector<std::string> errors, rows = r.rows(&errors);
    EXPECT_THAT(errors, ElementsAre(HasSubstr("cut: the compressed data ")));
    ASSERT_GT(rows.size(), 1u);
    EXPECT_EQ(rows.back(), "1:2:p1:1");
    for (size_t i = 0; i + 1 < rows.size(); ++i)
      ASSERT_TRUE(rows[i].starts_with(fmt::format("0:{}:p{}:", i + 2, i)));
  }
}

// Collects the ids that a followed file gives, until there are `count`; empty batches do not occur.
std::vector<std::string> follow(FileSource& source, FileBatch& batch, size_t count) {
  std::vector<std::string> ids;
  while (ids.size() < count && *source.next(batch))
    for (const FileRow& row : batch.filled()) ids.emplace_back(row.payment.id());
  return ids;
}

void append(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::app) << bytes;
}

TEST(FileSource, FollowsAFileThatGrowsIsRotatedAndIsCut) {
  TestFolder folder;
  std::string path = folder.write("live.csv", "id,at,p");
  Reading r;
  r.options.follow = true;
  r.options.follow_poll = milliseconds(2);
  ASSERT_TRUE(r.open({path}));
  FileBatch batch;
  append(path, std::string(kHeader).substr(7) + csv_row(1) + "p2,2020-06-21,41111");
  EXPECT_THAT(follow(*r.source, batch, 1), ElementsAre("p1"));
  append(path, "11111111111,1,,0\n" + csv_row(3));
  EXPECT_THAT(follow(*r.source, batch, 2), ElementsAre("p2", "p3"));
  append(path,
         csv_row(4).substr(0, csv_row(4).size() - 1));  // the last line of the old file has no end
  std::filesystem::rename(path, folder / "live.csv.1");
  std::string other = "fraud,id,at,pan,amount,note\n";
  for (const char* id : {"p5", "p6", "p7"})
    other += fmt::format("1,{},2020-06-21,4111111111111111,1,\n", id);
  folder.write("live.csv", other);
  EXPECT_THAT(follow(*r.source, batch, 4), ElementsAre("p4", "p5", "p6", "p7"));
  folder.write("live.csv",
               std::string(kHeader) + csv_row(8));  // cut to less than was read, and written anew
  EXPECT_THAT(follow(*r.source, batch, 1), ElementsAre("p8"));
  EXPECT_TRUE(r.rejected().empty()) << r.rejected()[0];
  r.source->stop();
  EXPECT_FALSE(*r.source->next(batch));
}

TEST(FileSource, AFollowedFileGoesOnWhereItWasLeft) {
  for (bool csv : {true, false}) {
    TestFolder folder;
    auto row = [csv](int i) { return csv ? csv_row(i) : json_row(i); };
    std::string bad = csv ? "only,two\n" : "no JSON\n";
    std::string head = csv ? kHeader : "";
    std::string path =
        folder.write("live", head + row(1) + bad + row(2) + row(3) + row(4).substr(0, 9));
    Reading r;
    r.options.follow = true;
    r.options.follow_poll = milliseconds(2);
    r.options.batch_rows = 2;
    ASSERT_TRUE(r.open({path}));
    EXPECT_FALSE(r.source->resumed());
    FileBatch batch;
    EXPECT_THAT(follow(*r.source, batch, 2), ElementsAre("p1", "p2"));
    FilePlace place = batch.end;
    EXPECT_EQ(place.bytes, head.size() + row(1).size() + bad.size() + row(2).size());
    r.source.reset();

    auto resumed = [&](FilePlace from) {
      r.options.resume = from;
      EXPECT_TRUE(r.open({path}));
      return r.source->resumed();
    };
    append(path, row(4).substr(9) + row(5));
    ASSERT_TRUE(resumed(place));
    EXPECT_THAT(follow(*r.source, batch, 3), ElementsAre("p3", "p4", "p5"));
    EXPECT_EQ(batch.filled().back().line, csv ? 7u : 6u);
    EXPECT_EQ(batch.end.bytes, std::filesystem::file_size(path));
    FilePlace end = batch.end;
    r.source.reset();

    ASSERT_TRUE(resumed(end)) << "all of it was read";
    append(path, row(6));
    EXPECT_THAT(follow(*r.source, batch, 1), ElementsAre("p6"));
    r.source.reset();

    folder.write("live", head + row(7) + bad + row(8) + row(9) + row(1));
    ASSERT_FALSE(resumed(place)) << "another file of that length";
    EXPECT_THAT(follow(*r.source, batch, 2), ElementsAre("p7", "p8"));
    r.source.reset();
    folder.write("live", head + row(9));
    ASSERT_FALSE(resumed(place)) << "a shorter one";
    EXPECT_THAT(follow(*r.source, batch, 1), ElementsAre("p9"));
    r.source.reset();
  }
}

TEST(FileSource, ACompressedFileCannotBeFollowed) {
  TestFolder folder;
  Reading r;
  r.options.follow = true;
  Status status = r.open({folder.write("a.gz", gzip(kHeader))});
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().line(), HasSubstr("a compressed file cannot be followed"));
}

TEST(FileSource, EndsWhileRowsAreLeft) {
  TestFolder folder;
  std::string text = kHeader;
  for (int i = 0; i < 50'000; ++i) text += csv_row(i);
  Reading r;
  ASSERT_TRUE(r.open({folder.write("a.csv.zst", zstd(text))}));
  FileBatch batch;
  EXPECT_TRUE(*r.source->next(batch));
  r.source.reset();  // must neither hang nor touch what is gone
}

void expect_rows_of(const char* schema_path, const char* data, uint64_t count,
                    size_t labelled_at_least) {
  std::string path = std::string("../shared/data/") + data;
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  Reading r;
  r.schema = test::schema_file(schema_path);
  ASSERT_TRUE(r.open({path}));
  FileBatch batch;
  uint64_t seen = 0, labelled = 0;
  EventTime last = EventTime::min();
  while (seen < count && *r.source->next(batch))
    for (const FileRow& row : batch.filled()) {
      ++seen;
      labelled += row.label.has_value();
      EXPECT_GE(row.payment.event_time, last);
      last = row.payment.event_time;
      EXPECT_FALSE(row.payment.merchant().empty());
    }
  EXPECT_GE(seen, count);
  EXPECT_GE(labelled, labelled_at_least);
  EXPECT_TRUE(r.rejected().empty()) << r.rejected()[0];
}

TEST(FileSource, CardPaymentsAsGiven) {
  expect_rows_of("config/cards.toml", "card-payments-test.csv.xz", 1'000, 1'000);
}

TEST(FileSource, HandbookTransactionsAsGiven) {
  expect_rows_of("config/handbook.toml", "handbook-transactions.csv.xz", 1'000, 1'000);
}

}  // namespace
}  // namespace paywarden
