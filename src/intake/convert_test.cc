#include "intake/convert.h"

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <cstring>

#include "base/random.h"

namespace paywarden {
namespace {

using Kind = RawValue::Kind;
using R = RejectReason;

RawValue text(std::string_view s) {
  return {Kind::text, s};
}

TEST(Convert, Integers) {
  const struct {
    const char* text;
    R reason;
    int64_t value;
  } rows[] = {{"12", R::none, 12},
              {"-7", R::none, -7},
              {" 12 ", R::none, 12},
              {"12.0", R::none, 12},
              {"12.000", R::none, 12},
              {"12.5", R::not_integer, 0},
              {"12.", R::not_integer, 0},
              {"1e3", R::not_integer, 0},
              {"+5", R::not_integer, 0},
              {"0x10", R::not_integer, 0},
              {"five", R::not_integer, 0},
              {"1 2", R::not_integer, 0},
              {"9223372036854775807", R::none, INT64_MAX},
              {"9223372036854775808", R::out_of_range, 0}};
  for (const auto& row : rows) {
    int64_t value = 0;
    EXPECT_EQ(to_integer(text(row.text), value), row.reason) << row.text;
    if (row.reason == R::none) {
      EXPECT_EQ(value, row.value) << row.text;
    }
  }
}

TEST(Convert, Numbers) {
  const struct {
    const char* text;
    R reason;
    double value;
  } rows[] = {
      {"12", R::none, 12},           {"-0.5", R::none, -0.5},         {"1e3", R::none, 1000},
      {"40.7012", R::none, 40.7012}, {"-73.9436", R::none, -73.9436}, {" 3.5", R::none, 3.5},
      {"nan", R::not_number, 0},     {"inf", R::not_number, 0},       {"-inf", R::not_number, 0},
      {"1e999", R::out_of_range, 0}, {"", R::not_number, 0},          {"1,5", R::not_number, 0},
      {"1.2.3", R::not_number, 0},   {"--1", R::not_number, 0},       {"-", R::not_number, 0}};
  for (const auto& row : rows) {
    double value = 0;
    EXPECT_EQ(to_number(text(row.text), value), row.reason) << row.text;
    if (row.reason == R::none) {
      EXPECT_EQ(value, row.value) << row.text;
    }
  }
  double zero = 1;
  EXPECT_EQ(to_number(text("-0.0"), zero), R::none);
  EXPECT_FALSE(std::signbit(zero));
}

// The short cut for plain decimals gives the same bits as the library.
TEST(Convert, NumbersEqualFromChars) {
  Random random(5);
  for (int i = 0; i < 200'000; ++i) {
    std::string s = random.chance(0.5) ? "-" : "";
    int digits = static_cast<int>(random.between(1, 18)),
        point = static_cast<int>(random.between(0, 18));
    for (int d = 0; d < digits; ++d) {
      if (d == point && d > 0) s += '.';
      s += static_cast<char>('0' + random.below(10));
    }
    double expected = 0, value = 0;
    std::from_chars(s.data(), s.data() + s.size(), expected);
    ASSERT_EQ(to_number(text(s), value), R::none) << s;
    ASSERT_EQ(value, expected) << s;
  }
}

TEST(Convert, Booleans) {
  for (const char* yes : {"true", "True", "TRUE", "1", " true "}) {
    bool value = false;
    EXPECT_EQ(to_boolean(text(yes), value), R::none) << yes;
    EXPECT_TRUE(value);
  }
  for (const char* no : {"false", "False", "0"}) {
    bool value = true;
    EXPECT_EQ(to_boolean(text(no), value), R::none) << no;
    EXPECT_FALSE(value);
  }
  bool value = false;
  for (const char* neither : {"yes", "2", "t", "truee", "1.0"})
    EXPECT_EQ(to_boolean(text(neither), value), R::not_boolean) << neither;
  EXPECT_EQ(to_boolean({Kind::boolean, "true"}, value), R::none);
  EXPECT_EQ(to_boolean({Kind::nested, {}}, value), R::nested);
}

TEST(Convert, Times) {
  const int64_t t = 1'592'741'698'000;  // 2020-06-21 12:14:58
  const struct {
    TimeFormat format;
    const char* text;
    R reason;
    int64_t ms;
  } rows[] = {
      {TimeFormat::iso8601, "2020-06-21T12:14:58Z", R::none, t},
      {TimeFormat::iso8601, "2020-06-21T14:14:58.25+02:00", R::none, t + 250},
      {TimeFormat::iso8601, "2020-06-21", R::none, 1'592'697'600'000},
      {TimeFormat::iso8601, "21.06.2020", R::not_time, 0},
      {TimeFormat::iso8601, "2199-12-31T23:59:59.999Z", R::none, 7'258'118'399'999},
      {TimeFormat::iso8601, "2200-01-01T00:00:00Z", R::out_of_range, 0},
      {TimeFormat::iso8601, "9999-12-31", R::out_of_range, 0},
      {TimeFormat::iso8601, "0001-01-01T00:00:00+01:00", R::out_of_range, 0},
      {TimeFormat::iso8601, "1899-12-31T23:59:59Z", R::out_of_range, 0},
      {TimeFormat::iso8601, "2204-02-29", R::out_of_range, 0},
      {TimeFormat::iso8601, "2300-02-29", R::not_time, 0},
      {TimeFormat::iso8601, "2299-13-01", R::not_time, 0},
      {TimeFormat::iso8601, "12020-01-01", R::not_time, 0},
      {TimeFormat::iso8601, "-999-01-01", R::not_time, 0},
      {TimeFormat::datetime, "9999-12-31 23:59:59", R::out_of_range, 0},
      {TimeFormat::datetime, "9999-12-31T23:59:59Z", R::not_time, 0},
      {TimeFormat::datetime, "2020-06-21 12:14:58", R::none, t},
      {TimeFormat::datetime, "2020-06-21 12:14:58.5", R::none, t + 500},
      {TimeFormat::datetime, "1959-01-13", R::none, -346'118'400'000},
      {TimeFormat::datetime, "2020-06-21T12:14:58Z", R::not_time, 0},
      {TimeFormat::datetime, "2020-06-31 00:00:00", R::not_time, 0},
      {TimeFormat::epoch_s, "1592741698", R::none, t},
      {TimeFormat::epoch_s, "1592741698.0", R::none, t},
      {TimeFormat::epoch_s, "1592741698.2599", R::none, t + 259},
      {TimeFormat::epoch_s, "-1.5", R::none, -1500},
      {TimeFormat::epoch_s, "1592741698000", R::out_of_range, 0},
      {TimeFormat::epoch_s, "99999999999999999999", R::out_of_range, 0},
      {TimeFormat::epoch_s, "now", R::not_time, 0},
      {TimeFormat::epoch_s, "1.", R::not_time, 0},
      {TimeFormat::epoch_ms, "1592741698000", R::none, t},
      {TimeFormat::epoch_ms, "1592741698", R::none, 1'592'741'698},
      {TimeFormat::epoch_us, "1592741698000999", R::none, t},
      {TimeFormat::epoch_us, "-1", R::none, -1},
      {TimeFormat::epoch_ms, "7258118400000", R::out_of_range, 0},
      {TimeFormat::epoch_ms, "7258118399999", R::none, 7'258'118'399'999},
  };
  for (const auto& row : rows) {
    EventTime value;
    EXPECT_EQ(to_time(text(row.text), row.format, value), row.reason) << row.text;
    if (row.reason == R::none) {
      EXPECT_EQ(value.ms(), row.ms) << row.text;
    }
  }
}

TEST(Convert, Amounts) {
  const struct {
    const char* text;
    int exponent;
    AmountDecimals decimals;
    R reason;
    int64_t minor;
  } rows[] = {
      {"12.5", 2, AmountDecimals::exact, R::none, 1250},
      {"0", 2, AmountDecimals::exact, R::none, 0},
      {"-0", 2, AmountDecimals::exact, R::none, 0},
      {"-0.01", 2, AmountDecimals::exact, R::negative, 0},
      {"12.505", 2, AmountDecimals::exact, R::not_amount, 0},
      {"12.505", 2, AmountDecimals::round, R::none, 1250},
      {"12.515", 2, AmountDecimals::round, R::none, 1252},
      {"63.449999999999996", 2, AmountDecimals::round, R::none, 6345},
      {"99.999", 2, AmountDecimals::round, R::none, 10000},
      {"-0.001", 2, AmountDecimals::round, R::none, 0},
      {"12.50", 0, AmountDecimals::exact, R::not_amount, 0},
      {"12.5", 0, AmountDecimals::round, R::none, 12},
      {"13.5", 0, AmountDecimals::round, R::none, 14},
      {"9.5", 0, AmountDecimals::round, R::none, 10},
      {"1.2345", 3, AmountDecimals::round, R::none, 1234},
      {"1e2", 2, AmountDecimals::exact, R::none, 10000},
      {"1e16", 2, AmountDecimals::exact, R::not_amount, 0},
      {"nan", 2, AmountDecimals::round, R::not_amount, 0},
      {"1,000.00", 2, AmountDecimals::round, R::not_amount, 0},
      {"", 2, AmountDecimals::round, R::not_amount, 0},
      {".", 2, AmountDecimals::round, R::not_amount, 0},
  };
  for (const auto& row : rows) {
    int64_t minor = 0;
    EXPECT_EQ(to_amount(text(row.text), row.exponent, row.decimals, minor), row.reason) << row.text;
    if (row.reason == R::none) {
      EXPECT_EQ(minor, row.minor) << row.text;
    }
  }
}

TEST(Convert, RoundedDecimalEqualsWholeNumbers) {
  Random random(11);
  for (int i = 0; i < 100'000; ++i) {
    int64_t thousandths = random.between(0, 2'000'000);
    std::string s = std::to_string(thousandths / 1000) + "." +
                    std::to_string(1000 + thousandths % 1000).substr(1);
    int64_t half_even = thousandths / 10;
    int64_t rest = thousandths % 10;
    if (rest > 5 || (rest == 5 && half_even % 2 == 1)) ++half_even;
    int64_t minor = 0;
    ASSERT_EQ(to_amount(text(s), 2, AmountDecimals::round, minor), R::none) << s;
    ASSERT_EQ(minor, half_even) << s;
  }
}

TEST(Convert, KindsThatDoNotFit) {
  int64_t integer;
  double number;
  EventTime time;
  Currency currency;
  EXPECT_EQ(to_integer({Kind::nested, {}}, integer), R::nested);
  EXPECT_EQ(to_number({Kind::boolean, "true"}, number), R::wrong_kind);
  EXPECT_EQ(to_time({Kind::nested, {}}, TimeFormat::epoch_s, time), R::nested);
  EXPECT_EQ(to_amount({Kind::boolean, "true"}, 2, AmountDecimals::exact, integer), R::wrong_kind);
  EXPECT_EQ(to_currency(text("eur"), currency), R::not_currency);
  EXPECT_EQ(to_currency(text(" EUR"), currency), R::none);
  EXPECT_EQ(currency.code(), "EUR");
}

}  // namespace
}  // namespace paywarden
