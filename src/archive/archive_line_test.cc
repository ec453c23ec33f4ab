#include "archive/archive_line.h"

#include <gmock/gmock.h>
#include <simdjson.h>

#include "archive/archive_testing.h"
#include "archive/object_encoder.h"

namespace paywarden {
namespace {

DecidedPayment decided(uint64_t position, std::string_view json, std::string_view payment) {
  return {position, json, payment};
}

TEST(ArchiveLine, HoldsTheDecisionAndThePayment) {
  FieldTable fields = test::test_fields();
  Payment p;
  p.reset(fields.size());
  p.event_time = *parse_rfc3339("2026-11-01T10:00:00Z");
  p.receipt_time = p.event_time + milliseconds(250);
  p.card = *CardToken::parse("000102030405060708090a0b0c0d0e0f");
  p.card_masked.assign("411111******1111");
  p.amount_minor = 1'250;
  p.currency = *Currency::parse("EUR");
  p.set_text(field::payment_id, "p-9");
  p.set_text(field::merchant, "Caf\xc3\xa9 \"7\"");
  p.set_number(field::latitude, 48.25);
  p.set_text(*fields.find("note"), "a\nb");
  p.set_integer(*fields.find("age"), -3);
  p.set_integer(*fields.find("present"), 1);
  p.set_integer(*fields.find("since"), 1'000);
  p.set_integer(*fields.find("fee"), 7);
  std::string record, line;
  encode_payment(p, fields, record);
  Status written =
      ArchiveLine().append(decided(18, R"({"payment_id":"p-9","score":0.5})", record), line);
  ASSERT_TRUE(written) << written.error().line();
  EXPECT_EQ(
      line,
      R"({"offset":18,"payment_id":"p-9","score":0.5,"payment":{"event_time":"2026-11-01T10:00:00.000Z",)"
      R"("receipt_time":"2026-11-01T10:00:00.250Z","card_token":"000102030405060708090a0b0c0d0e0f",)"
      R"("card":"411111******1111","amount":"12.50","currency":"EUR","payment_id":"p-9",)"
      "\"merchant\":\"Caf\xc3\xa9 \\\"7\\\"\","
      R"("latitude":48.25,"note":"a\nb","age":-3,"present":true,"since":"1970-01-01T00:00:01.000Z",)"
      R"("fee":"0.07"}})"
      "\n");
}

TEST(ArchiveLine, EveryLineIsJson) {
  test::TestLog log(7);
  log.grow(300);
  std::string text;
  ArchiveLine line;
  auto read = LogSource(log).read(1, log.durable_end(), [&](const DecidedPayment& d) {
    EXPECT_TRUE(line.append(d, text));
    return true;
  });
  ASSERT_TRUE(read);
  simdjson::dom::parser parser;
  auto lines = test::lines_of(text);
  ASSERT_EQ(lines.size(), 300u);
  for (const std::string& one : lines) {
    simdjson::dom::element root;
    ASSERT_EQ(parser.parse(one).get(root), simdjson::SUCCESS) << one;
    EXPECT_EQ(std::string_view(root["payment"]["payment_id"]),
              std::string_view(root["payment_id"]));
    EXPECT_EQ(std::string_view(root["payment"]["event_time"]),
              std::string_view(root["event_time"]));
  }
}

TEST(ArchiveLine, AnUnreadableRecordIsNamed) {
  std::string line;
  auto written = ArchiveLine().append(decided(18, R"({"a":1})", "\x07"), line);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().where, "record 18");
}

// However a log is read, and a line at a time or all at once.
TEST(ObjectEncoder, SameDecisionsSameBytes) {
  test::TestLog log(3);
  log.grow(2'000);
  for (auto encoding : {ObjectEncoding{ArchiveFormat::ndjson, ArchiveCompression::none},
                        ObjectEncoding{ArchiveFormat::ndjson, ArchiveCompression::gzip},
                        ObjectEncoding{ArchiveFormat::ndjson, ArchiveCompression::zstd},
                        ObjectEncoding{ArchiveFormat::avro, ArchiveCompression::gzip},
                        ObjectEncoding{ArchiveFormat::avro, ArchiveCompression::zstd}}) {
    auto encoded = [&](uint64_t pause_after) {
      auto encoder = new_encoder(encoding, "name");
      for (uint64_t at = 1; at < log.durable_end();) {
        uint64_t left = pause_after;
        auto next = LogSource(log).read(at, log.durable_end(), [&](const DecidedPayment& d) {
          EXPECT_TRUE(encoder->add(d));
          return --left > 0;
        });
        at = *next;
      }
      return encoder->finish();
    };
    std::string whole = encoded(UINT64_MAX);
    EXPECT_EQ(whole, encoded(1));
    EXPECT_EQ(whole, encoded(77));
    if (encoding == ObjectEncoding{}) {
      EXPECT_EQ(test::lines_of(test::gunzipped(whole)).size(), 2'000u);
    }
  }
}

// A range may begin with a decision whose payment stands before it.
TEST(LogSource, FindsThePaymentBeforeTheRange) {
  test::TestLog log(3);
  log.grow(3);
  uint64_t second = log.decisions()[1];
  std::vector<uint64_t> seen;
  auto next = LogSource(log).read(second, second + 1, [&](const DecidedPayment& d) {
    seen.push_back(d.position);
    Payment payment;
    EXPECT_TRUE(decode_payment(d.payment, log.fields(), payment));
    EXPECT_EQ(payment.id(), log.payment(second - 1).id());
    return true;
  });
  EXPECT_EQ(*next, second + 1);
  EXPECT_EQ(seen, std::vector<uint64_t>{second});
}

}  // namespace
}  // namespace paywarden
