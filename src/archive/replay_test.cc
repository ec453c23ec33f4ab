// An archive goes through the intake as any file does, and gives the payments that were archived: each the same to the last bit of its
// identity, with the same token and masked card.
#include <gmock/gmock.h>

#include "archive/archive_testing.h"
#include "archive/object_encoder.h"
#include "base/files.h"
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

TEST(Replay, AnArchiveGivesTheSamePayments) {
  for (auto compression :
       {ArchiveCompression::none, ArchiveCompression::gzip, ArchiveCompression::zstd}) {
    test::TestLog log(11);
    log.grow(3'000);
    auto encoder = new_encoder({ArchiveFormat::ndjson, compression}, "name");
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
        ASSERT_EQ(a.digest.low, b.digest.low) << was.id();
        ASSERT_EQ(a.digest.high, b.digest.high);
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
