// An archive goes through the intake as any file does, and gives the payments that were archived: each the same to the last bit of its
// identity, with the same token and masked card.
#include <gmock/gmock.h>

#include "archive/archive_testing.h"
#include "archive/object_encoder.h"
#include "base/files.h"
#include "intake/avro_lines.h"
#include "intake/file_source.h"

namespace paywarden {
namespace {

using testing::HasSubstr;

struct NoRejects : RejectSink {
  std::vector<std::string> lines;
  void add(const RejectedInput& input) override { lines.push_back(input.rejection.line()); }
};

Schema schema_of(const FieldTable& fields) {
  Schema schema;
  schema.name = "test";
  schema.currency = *Currency::parse("USD");
  schema.fields = fields;
  return schema;
}

class ReplayOf : public testing::TestWithParam<std::pair<ArchiveFormat, ArchiveCompression>> {};

INSTANTIATE_TEST_SUITE_P(Encodings, ReplayOf,
                         testing::Values(std::pair(ArchiveFormat::ndjson, ArchiveCompression::none),
                                         std::pair(ArchiveFormat::ndjson, ArchiveCompression::gzip),
                                         std::pair(ArchiveFormat::ndjson, ArchiveCompression::zstd),
                                         std::pair(ArchiveFormat::avro, ArchiveCompression::none),
                                         std::pair(ArchiveFormat::avro, ArchiveCompression::gzip),
                                         std::pair(ArchiveFormat::avro, ArchiveCompression::zstd)),
                         [](const auto& of) {
                           return std::string(of.param.first == ArchiveFormat::avro ? "avro"
                                                                                    : "ndjson") +
                                  std::to_string(static_cast<int>(of.param.second));
                         });

TEST_P(ReplayOf, AnArchiveGivesTheSamePayments) {
  {
    test::TestLog log(11);
    log.grow(3'000);
    auto encoder = new_encoder({GetParam().first, GetParam().second}, "name");
    ASSERT_TRUE(LogSource(log).read(1, log.durable_end(), [&](const DecidedPayment& d) {
      return encoder->add(d).has_value();
    }));
    test::ArchiveFolder folder;
    PosixFiles files;
    ASSERT_TRUE(replace_whole(files, folder.file("object"), encoder->finish()));

    Schema schema = archived(schema_of(log.fields()));
    Tokeniser tokeniser = *Tokeniser::create("another key, which is not needed", "none");
    NoRejects rejects;
    auto source = FileSource::open({folder.file("object")}, schema, tokeniser, {}, {}, rejects);
    ASSERT_TRUE(source) << source.error().line();
    FileBatch batch;
    size_t at = 0;
    while (*(*source)->next(batch)) {
      for (const FileRow& row : batch.filled()) {
        const Payment &was = log.payment(log.decisions()[at++] - 1), &is = row.payment;
        ASSERT_EQ(is.id(), was.id());
        PaymentIdentity a = identity_of(was, log.fields()), b = identity_of(is, log.fields());
        ASSERT_EQ(a.id.low, b.id.low);
        ASSERT_EQ(a.digest, b.digest) << was.id();
        ASSERT_EQ(is.card, was.card);
        ASSERT_EQ(is.card_masked, was.card_masked);
        ASSERT_EQ(is.event_time, was.event_time);
        ASSERT_EQ(is.amount_minor, was.amount_minor);
        ASSERT_EQ(is.currency, was.currency);
      }
    }
    EXPECT_THAT(rejects.lines, testing::IsEmpty());
    EXPECT_EQ(at, 3'000u);
  }
}

// The lines, or behind them why there are no more.
std::string lines_of(std::string file) {
  AvroLines lines(std::make_unique<test::BytesInMemory>(std::move(file)), "a.avro");
  std::string out(1 << 20, '\0');
  size_t size = 0;
  while (true) {
    auto count = lines.read(out.data() + size, out.size() - size);
    if (!count) return out.substr(0, size) + count.error().line();
    if (*count == 0) return out.substr(0, size);
    size += *count;
  }
}

TEST(AvroLines, AreTheArchivesLinesWithoutWhatIsMissing) {
  test::TestLog log(3);
  log.grow(1);
  auto avro = new_encoder({ArchiveFormat::avro, ArchiveCompression::none}, "name");
  auto json = new_encoder({ArchiveFormat::ndjson, ArchiveCompression::none}, "name");
  ASSERT_TRUE(LogSource(log).read(1, log.durable_end(), [&](const DecidedPayment& d) {
    return avro->add(d).has_value() && json->add(d).has_value();
  }));
  std::string line = json->finish(), read = lines_of(avro->finish());
  size_t payment = line.find("\"payment\":"), payment_read = read.find("\"payment\":");
  ASSERT_NE(payment, std::string::npos);
  for (const char* part : {R"("event_time":"20)", R"("card_token":")", R"("amount":")"})
    EXPECT_NE(read.find(part, payment_read), std::string::npos) << part << " in " << read;
  EXPECT_EQ(read.find("null", payment_read), std::string::npos) << read;
  EXPECT_EQ(read.find("\"fields\""), std::string::npos) << read;
}

TEST(AvroLines, DamageIsSaidWithItsPlaceAndTheLinesBeforeItAreGiven) {
  test::TestLog log(3);
  log.grow(5);
  auto encoder = new_encoder({ArchiveFormat::avro, ArchiveCompression::gzip}, "name");
  ASSERT_TRUE(LogSource(log).read(
      1, log.durable_end(), [&](const DecidedPayment& d) { return encoder->add(d).has_value(); }));
  std::string whole = encoder->finish();
  size_t lines = static_cast<size_t>(std::ranges::count(lines_of(whole), '\n'));
  EXPECT_EQ(lines, 5u);
  for (size_t cut = 4; cut + 1 < whole.size(); cut += 37) {
    std::string said = lines_of(whole.substr(0, cut));
    EXPECT_THAT(said, HasSubstr("a.avro: the Avro file ends")) << cut;
  }
  std::string damaged = whole;
  // Deflate has no checksum of its own: a single bit may go unseen, sixteen bytes do not.
  damaged.replace(whole.size() - 200, 16, 16, '\xff');
  EXPECT_THAT(lines_of(damaged), HasSubstr("a.avro: the Avro file has a "));
  damaged = whole;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  EXPECT_THAT(lines_of(damaged), HasSubstr("has a damaged block (at byte "));
  std::string snappy = std::string("Obj\x01", 4) + "\x04" +
                       "\x16"
                       "avro.schema" +
                       "\x0a"
                       "\"int\"" +
                       "\x14"
                       "avro.codec" +
                       "\x0c"
                       "snappy" +
                       std::string("\0", 1) + std::string(16, 's');
  EXPECT_EQ(
      lines_of(snappy),
      "a.avro: the codec 'snappy' is not read here; write it with null, deflate or zstandard");
  EXPECT_THAT(lines_of(std::string("Obj\x01", 4) + std::string("\0", 1) + std::string(16, 's')),
              HasSubstr("the Avro schema is no JSON"));
}

std::string rejection_of(const std::string& json) {
  Schema schema = archived(schema_of(FieldTable()));
  Tokeniser tokeniser = *Tokeniser::create("a key of thirty-two bytes, or so", "test");
  PaymentParser parser(schema, tokeniser, {});
  Payment payment;
  auto no = parser.parse_json(json, EventTime(0), payment);
  return no ? no->line() : std::string(payment.card_masked.view());
}

TEST(Replay, LinesThatAreNone) {
  const std::string kPayment =
      R"({"payment_id":"p","event_time":"2026-11-01T10:00:00Z","amount":"1.00","currency":"EUR","card":"411111******1111",)";
  EXPECT_EQ(rejection_of(R"({"offset":1,"reasons":[{"a":1}],"payment":)" + kPayment +
                         R"("card_token":"000102030405060708090a0b0c0d0e0f"}})"),
            "411111******1111");
  EXPECT_THAT(
      rejection_of("{\"payment\":" + kPayment + R"("card_token":"4111111111111111"}})"),
      HasSubstr(
          "card_token: is not a card token of 32 hexadecimal digits (value '411111******1111')"));
  EXPECT_THAT(rejection_of(R"({"offset":1})"), HasSubstr("payment: is missing"));
  EXPECT_THAT(rejection_of(R"({"payment":7})"), HasSubstr("not a JSON object"));
  EXPECT_THAT(rejection_of(R"({"payment":{"a":1},"payment":{"a":1}})"),
              HasSubstr("stands there twice"));
  EXPECT_EQ(
      rejection_of(
          R"({"payment":{"payment_id":"p","event_time":"2026-11-01T10:00:00Z","amount":"1.00",)"
          R"("card":"4111111111111111","card_token":"000102030405060708090a0b0c0d0e0f"}})"),
      "411111******1111")
      << "no card number as a masked one";
}

}  // namespace
}  // namespace paywarden
