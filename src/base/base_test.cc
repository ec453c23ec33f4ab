#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <limits>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "base/byte_io.h"
#include "base/digest.h"
#include "base/json_writer.h"
#include "base/random.h"
#include "base/time.h"

namespace paywarden {
namespace {

TEST(Time, Rfc3339BothWays) {
  struct Row {
    const char* text;
    int64_t ms;
  };
  for (Row row : {Row{"1970-01-01T00:00:00Z", 0}, Row{"2020-06-21T12:14:58Z", 1'592'741'698'000},
                  Row{"2020-06-21 12:14:58", 1'592'741'698'000},
                  Row{"2020-06-21T14:14:58.5+02:00", 1'592'741'698'500},
                  Row{"2000-02-29", 951'782'400'000}, Row{"1969-12-31T23:59:59.999Z", -1}}) {
    auto time = parse_rfc3339(row.text);
    ASSERT_TRUE(time) << row.text;
    EXPECT_EQ(time->ms(), row.ms) << row.text;
  }
  EXPECT_EQ(format_rfc3339(EventTime(1'592'741'698'007)), "2020-06-21T12:14:58.007Z");
  EXPECT_EQ(format_rfc3339(EventTime(-1)), "1969-12-31T23:59:59.999Z");
  for (const char* bad : {"", "2020-6-21", "2021-02-29", "2020-06-21T24:00:00Z", "2020-06-21T12:14",
                          "2020-06-21T12:14:58X", "2020-06-21T12:14:58.",
                          "2020-06-21T12:14:58+2:00", "20200621T121458Z"})
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
}

TEST(Time, CalendarAgainstCounting) {
  CalendarDate date{1900, 1, 1};
  int64_t day = days_since_epoch(date);
  for (int i = 0; i < 110'000; ++i, ++day) {
    ASSERT_EQ(days_since_epoch(date), day);
    CalendarDate back = date_of(EventTime(day * 86'400'000 + 5));
    ASSERT_TRUE(back.year == date.year && back.month == date.month && back.day == date.day) << i;
    ++date.day;
    if (!is_valid(date)) date = {date.year, date.month + 1, 1};
    if (!is_valid(date)) date = {date.year + 1, 1, 1};
  }
  EXPECT_EQ(weekday_of(*parse_rfc3339("2026-11-22")), 6);  // a Sunday
  EXPECT_EQ(hour_of(*parse_rfc3339("1969-12-31T23:59:59Z")), 23);
}

TEST(Time, DaysBefore1970AreDaysToo) {
  EXPECT_EQ(day_of(EventTime(0)), 0);
  EXPECT_EQ(day_of(EventTime(-1)), -1);
  EXPECT_EQ(day_of(EventTime(0) - days(1)), -1);
  EXPECT_EQ(day_of(EventTime(0) - days(1) - milliseconds(1)), -2);
  EXPECT_EQ(day_start(-2) + days(2), EventTime(0));
  EXPECT_EQ(date_text(-1), "1969-12-31");
  EXPECT_EQ(date_text(day_of(*parse_rfc3339("2020-06-21T23:59:59.999Z"))), "2020-06-21");
}

TEST(Time, EveryTimeHasAText) {
  EXPECT_EQ(format_rfc3339(EventTime(-62'135'596'800'001)), "0000-12-31T23:59:59.999Z");
  EXPECT_EQ(format_rfc3339(EventTime(253'402'300'799'999)), "9999-12-31T23:59:59.999Z");
  for (EventTime far : {EventTime::min(), EventTime::max(), EventTime(-70'000'000'000'000)})
    EXPECT_EQ(format_rfc3339(far).size(), 24u);
}

TEST(Time, Durations) {
  EXPECT_EQ(parse_duration("250ms")->ms(), 250);
  EXPECT_EQ(*parse_duration("10m"), minutes(10));
  EXPECT_EQ(*parse_duration("7d"), days(7));
  for (const char* bad : {"", "7", "d", "-1s", "1.5h", "7 d", "999999999999999d"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
  EXPECT_EQ(format_duration(hours(24)), "1d");
  EXPECT_EQ(format_duration(seconds(90)), "90s");
}

TEST(JsonWriter, EscapesWhatIsNotText) {
  std::string out;
  JsonWriter json(out);
  json.open_object()
      .key("a")
      .string("q\"\\\n\x01\xff\xc3\xa9")
      .key("b")
      .number(std::numeric_limits<double>::quiet_NaN());
  json.key("c")
      .number(0.1f)
      .key("d")
      .open_array()
      .integer(-3)
      .boolean(true)
      .open_object()
      .close_object()
      .close_array()
      .close_object();
  EXPECT_EQ(out,
            "{\"a\":\"q\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\",\"b\":null,\"c\":0.1,\"d\":[-3,"
            "true,{}]}");
}

// Who waits for room gets it although others fill the queue as it is emptied, so that it is never half empty.
TEST(BoundedQueue, APushIsNotForgottenBesideTries) {
  constexpr size_t kLimit = 1'000;
  BoundedQueue<int> queue(kLimit);
  for (size_t i = 0; i < kLimit; ++i) queue.try_push(0);
  auto pushed = std::async(std::launch::async, [&] { return queue.push(1); });
  std::this_thread::sleep_for(
      std::chrono::milliseconds(50));  // it waits by now, or the test is easy
  std::vector<int> out;
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::count(out.begin(), out.end(), 1) == 0 && std::chrono::steady_clock::now() < end) {
    out.clear();
    ASSERT_TRUE(queue.pop_all(out, 10));
    while (queue.size() + 1 < kLimit) queue.try_push(0);
  }
  EXPECT_EQ(std::count(out.begin(), out.end(), 1), 1);
  queue.close();
  EXPECT_TRUE(pushed.get());
}

TEST(JsonCursor, WritesWhatJsonWriterWrites) {
  const std::string long_text(300, 'x'), hostile(300, '\x01');
  for (std::string_view text :
       {std::string_view(), std::string_view("plain"), std::string_view("q\"\\\n\x01\xff\xc3\xa9"),
        std::string_view(long_text), std::string_view(hostile)})
    for (float number :
         {0.0f, -0.0f, 0.1f, 1e-38f, -3.4028235e38f, 1.17549435e-38f,
          std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      std::string expected = "before ", out = "before ";
      JsonWriter(expected)
          .open_object()
          .key("a")
          .string(text)
          .key("b")
          .number(number)
          .close_object();
      JsonCursor(out, 32 + JsonCursor::most(text) + JsonCursor::kNumberMost)
          .text(R"({"a":)")
          .string(text)
          .text(R"(,"b":)")
          .number(number)
          .text("}");
      EXPECT_EQ(out, expected);
    }
}

// Texts are looked at eight bytes at once: each byte counts at each place of a text of each length.
TEST(JsonCursor, EscapesAtEveryPlace) {
  const std::string bytes("\0\x1f\x20!\"#[\\]\x7f\x80\xff", 12);
  for (size_t size = 1; size < 27; ++size)
    for (size_t at = 0; at < size; ++at)
      for (char byte : bytes) {
        std::string text(size, '~'), out;
        text[at] = byte;
        JsonCursor(out, JsonCursor::most(text)).string(text);
        std::string_view escaped = byte == '\0'                       ? "\\u0000"
                                   : byte == '\x1f'                   ? "\\u001f"
                                   : byte == '"'                      ? "\\\""
                                   : byte == '\\'                     ? "\\\\"
                                   : byte == '\x80' || byte == '\xff' ? "\xef\xbf\xbd"
                                                                      : std::string_view(&byte, 1);
        std::string expected = '"' + text + '"';
        expected.replace(at + 1, 1, escaped);
        ASSERT_EQ(out, expected) << size << " " << at;
      }
}

TEST(ByteIo, RoundTripAndTruncation) {
  std::string bytes;
  ByteWriter w(bytes);
  w.varint(300);
  w.svarint(-5);
  w.text("abc");
  w.f64(1.5);
  ByteReader r(bytes);
  EXPECT_EQ(r.varint(), 300u);
  EXPECT_EQ(r.svarint(), -5);
  EXPECT_EQ(r.text(), "abc");
  EXPECT_EQ(r.f64(), 1.5);
  EXPECT_TRUE(r.ok() && r.at_end());
  r.u8();
  EXPECT_FALSE(r.ok());
}

TEST(Digest, KnownAnswers) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 4231, test case 2
  Sha256 mac = HmacKey("Jefe").sign("what do ya want for nothing?");
  EXPECT_EQ(to_hex({reinterpret_cast<const char*>(mac.data()), 32}),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  // Its last block alone, and more than that.
  const std::string key(20, 'k');
  for (size_t length = 0; length <= 140; ++length) {
    std::string message(length, 'm');
    Sha256 expected;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(message.data()), length, expected.data(), nullptr);
    ASSERT_EQ(HmacKey(key).sign(message), expected) << length;
  }
  std::string bytes;
  ASSERT_TRUE(base64_decode(base64("any\0thing"), bytes));
  EXPECT_EQ(bytes, "any");
}

TEST(Random, SameOnEveryMachine) {
  Random random(42);
  uint64_t mixed = 0;
  for (int i = 0; i < 1000; ++i) mixed = mixed * 31 + random.below(1'000'000);
  Random again(42);
  uint64_t repeated = 0;
  for (int i = 0; i < 1000; ++i) repeated = repeated * 31 + again.below(1'000'000);
  EXPECT_EQ(mixed, repeated);
  EXPECT_EQ(mixed, 3051213205002176147u) << "the sequence is part of the simulator's promise";
}

}  // namespace
}  // namespace paywarden
