#include "intake/csv.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "intake/record_reader.h"

namespace paywarden {
namespace {

struct Scanned {
  CsvScan scan;
  std::vector<std::string> values;
};

Scanned scan(const std::string& text, bool at_end = true) {
  std::string padded = text + std::string(kCsvPadding, ','), unquoted;
  unquoted.reserve(padded.size());
  std::vector<RawValue> raw;
  Scanned out;
  out.scan = scan_csv({padded.data(), text.size()}, at_end, raw, unquoted);
  for (const RawValue& value : raw) out.values.emplace_back(value.text());
  return out;
}

using Values = std::vector<std::string>;

TEST(Csv, Records) {
  const struct {
    const char* text;
    Values values;
    size_t length;
    size_t lines;
  } rows[] = {
      {"a,b,c\nnext", {"a", "b", "c"}, 6, 1},
      {"a,b,c\r\nnext", {"a", "b", "c"}, 7, 1},
      {"a,,\n", {"a", "", ""}, 4, 1},
      {"a", {"a"}, 1, 1},
      {"\"x, y\",z\n", {"x, y", "z"}, 9, 1},
      {"\"say \"\"hi\"\"\",\"\"\n", {"say \"hi\"", ""}, 16, 1},
      {"\"two\nlines\",b\n", {"two\nlines", "b"}, 14, 2},
      {"\"crlf\r\nin\",b\r\n", {"crlf\r\nin", "b"}, 14, 2},
      {"a\"b,c\"\n", {"a\"b", "c\""}, 7, 1},
      {"\"a\"", {"a"}, 3, 1},
      {"\"a\"\r\n", {"a"}, 5, 1},
      {"a,\"\"", {"a", ""}, 4, 1},
      {"abcdefghijklmnopqrstuvwxyz,0123456789012345678901234567890123456789,x\n",
       {"abcdefghijklmnopqrstuvwxyz", "0123456789012345678901234567890123456789", "x"},
       70,
       1},
      {"\n", {""}, 1, 1},
  };
  for (const auto& row : rows) {
    Scanned got = scan(row.text);
    EXPECT_EQ(got.scan.status, CsvStatus::record) << row.text;
    EXPECT_EQ(got.values, row.values) << row.text;
    EXPECT_EQ(got.scan.length, row.length) << row.text;
    EXPECT_EQ(got.scan.lines, row.lines) << row.text;
  }
}

TEST(Csv, WhatIsNoRecord) {
  EXPECT_EQ(scan("\"open", true).scan.status, CsvStatus::unfinished);
  EXPECT_EQ(scan("\"closed\"x,y\n").scan.status, CsvStatus::broken);
  EXPECT_EQ(scan("a,b", false).scan.status, CsvStatus::unfinished);
  EXPECT_EQ(scan("a,\"b\"", false).scan.status,
            CsvStatus::unfinished);  // the next byte may be a quote
  EXPECT_EQ(scan("a,", false).scan.status, CsvStatus::unfinished);
}

// The referee: one character after the other.
Scanned naive(const std::string& text) {
  Scanned out;
  std::string value;
  bool quoted = false, closed = false, fresh = true;
  auto end_value = [&](bool line_end) {
    if (line_end && !closed && value.ends_with('\r')) value.pop_back();
    out.values.push_back(std::exchange(value, ""));
    closed = false;
    fresh = true;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted) {
      if (c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
        value += '"';
        ++i;
      } else if (c == '"') {
        quoted = false;
        closed = true;
      } else {
        value += c;
        out.scan.lines += c == '\n';
      }
    } else if (c == '"' && fresh) {
      quoted = true;
      fresh = false;
    } else if (c == ',' || c == '\n') {
      end_value(c == '\n');
      out.scan.length = i + 1;
      if (c == '\n') return out;
    } else if (closed && !(c == '\r' && (i + 1 == text.size() || text[i + 1] == '\n'))) {
      out.scan.status = CsvStatus::broken;
      return out;
    } else {
      fresh = false;
      if (!closed) value += c;
    }
  }
  if (quoted) out.scan.status = CsvStatus::unfinished;
  if (!quoted) end_value(true);
  out.scan.length = text.size();
  return out;
}

TEST(Csv, EqualsTheNaiveReader) {
  Random random(23);
  const std::string_view alphabet = "aab,,\"\"\"\n\r 1";
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    for (int64_t n = random.between(1, 24); n > 0; --n)
      text += alphabet[random.below(alphabet.size())];
    Scanned got = scan(text), expected = naive(text);
    ASSERT_EQ(got.scan.status, expected.scan.status) << testing::PrintToString(text);
    if (expected.scan.status != CsvStatus::record) continue;
    ASSERT_EQ(got.values, expected.values) << testing::PrintToString(text);
    ASSERT_EQ(got.scan.length, expected.scan.length) << testing::PrintToString(text);
    ASSERT_EQ(got.scan.lines, expected.scan.lines) << testing::PrintToString(text);
  }
}

// Bytes that come in pieces of any size.
class Pieces : public ByteStream {
 public:
  Pieces(std::string bytes, Random& random) : bytes_(std::move(bytes)), random_(random) {}
  Result<size_t> read(char* out, size_t most) override {
    size_t n = std::min({most, bytes_.size() - at_, size_t{1} + random_.below(9)});
    bytes_.copy(out, n, at_);
    at_ += n;
    return n;
  }
  uint64_t consumed() const override { return at_; }

 private:
  std::string bytes_;
  size_t at_ = 0;
  Random& random_;
};

// "line:bytes" of each record, bad ones with '!'.
Values read_all(const std::string& text, RecordFormat format, RecordLimits limits = {},
                size_t columns = 0) {
  static Random random(31);
  RecordReader reader(std::make_unique<Pieces>(text, random), limits);
  reader.set_format(format);
  reader.expect_columns(columns);
  Values out;
  SourceRecord record;
  while (true) {
    RecordStatus status = *reader.next(record);
    if (status == RecordStatus::end) return out;
    std::string bytes(record.bytes.substr(0, 20));
    out.push_back(std::to_string(record.line) + ":" + bytes +
                  (status == RecordStatus::bad ? "!" : ""));
  }
}

TEST(RecordReader, LinesAndRecords) {
  EXPECT_EQ(read_all("a\nb\r\n\n  \nc", RecordFormat::ndjson), (Values{"1:a", "2:b", "5:c"}));
  EXPECT_EQ(read_all("\xef\xbb\xbf{\"a\":1}\n", RecordFormat::ndjson), (Values{"1:{\"a\":1}"}));
  EXPECT_EQ(read_all("a,b\n\nc,\"d\ne\"\r\nf,g", RecordFormat::csv),
            (Values{"1:a,b", "3:c,\"d\ne\"", "5:f,g"}));
  EXPECT_EQ(read_all("", RecordFormat::csv), Values{});
}

// A file as it grows: each read gives a piece, an empty one where there is no more for now.
class Growth : public ByteStream {
 public:
  explicit Growth(Values pieces) : pieces_(std::move(pieces)) {}
  Result<size_t> read(char* out, size_t) override {
    if (next_ == pieces_.size()) return size_t{0};
    const std::string& piece = pieces_[next_++];
    piece.copy(out, piece.size());
    return piece.size();
  }
  uint64_t consumed() const override { return next_; }

 private:
  Values pieces_;
  size_t next_ = 0;
};

TEST(RecordReader, AByteOrderMarkMayComeInPieces) {
  for (const Values& pieces : {Values{"\xef\xbb", "",
                                      "\xbf"
                                      "1,2\n"},
                               Values{"", "\xef", "", "\xbb", "", "\xbf", "", "1,2\n"},
                               Values{"\xef\xbb\xbf", "", "1,2\n"}, Values{"", "1", "", ",2\n"}}) {
    RecordReader reader(std::make_unique<Growth>(pieces), {}, true);
    std::optional<RecordFormat> format;
    for (size_t i = 0; i < pieces.size() && !format; ++i) format = *reader.detect();
    ASSERT_EQ(format, RecordFormat::csv);
    reader.set_format(*format);
    SourceRecord record;
    RecordStatus status = RecordStatus::waiting;
    for (size_t i = 0; i < pieces.size() && status == RecordStatus::waiting; ++i)
      status = *reader.next(record);
    ASSERT_EQ(status, RecordStatus::record);
    EXPECT_EQ(record.bytes, "1,2");
    EXPECT_EQ(*reader.next(record), RecordStatus::waiting);
  }
  // What is none is a record, at once or at the end of a file that does not grow.
  EXPECT_EQ(read_all("\xef\xbb", RecordFormat::csv), (Values{"1:\xef\xbb"}));
  EXPECT_EQ(read_all("\xef\xbb"
                     "1\n",
                     RecordFormat::ndjson),
            (Values{"1:\xef\xbb"
                    "1"}));
}

TEST(RecordReader, AnOpenQuoteTakesOneLineAndNoMore) {
  EXPECT_EQ(read_all("1,\"x\n2,y\n3,z\n", RecordFormat::csv),
            (Values{"1:1,\"x!", "2:2,y", "3:3,z"}));
  EXPECT_EQ(read_all("1,\"x\n2,\"y, y\"\n3,z\n", RecordFormat::csv),
            (Values{"1:1,\"x!", "2:2,\"y, y\"", "3:3,z"}));
  EXPECT_EQ(read_all("1,\"x\n2,y\n\"3\",z\n", RecordFormat::csv),
            (Values{"1:1,\"x!", "2:2,y", "3:\"3\",z"}));
  // The quote closes where another opens, and what follows is a comma: the number of values tells.
  EXPECT_EQ(read_all("1,\"x\n2,\",y\"\n3,z\n", RecordFormat::csv, {}, 2),
            (Values{"1:1,\"x!", "2:2,\",y\"", "3:3,z"}));
  std::string many = "1,\"x\n";
  for (int i = 0; i < 3'000; ++i) many += "2,y\n";
  EXPECT_EQ(read_all(many, RecordFormat::csv).size(), 3'001u);
}

TEST(RecordReader, ALineThatIsTooLongTakesNoneWithIt) {
  RecordLimits limits{.record_bytes_max = 64, .record_lines_max = 3, .block_bytes = 64};
  std::string long_line(500, 'x');
  for (RecordFormat format : {RecordFormat::csv, RecordFormat::ndjson})
    EXPECT_EQ(read_all("a\n" + long_line + "\nb\n" + long_line, format, limits),
              (Values{"1:a", "2:" + std::string(20, 'x') + "!", "3:b",
                      "4:" + std::string(20, 'x') + "!"}));
  EXPECT_EQ(read_all("\"a\nb\nc\nd\ne\"\nf\n", RecordFormat::csv, limits),
            (Values{"1:\"a!", "2:b", "3:c", "4:d", "5:e\"", "6:f"}));
}

}  // namespace
}  // namespace paywarden
