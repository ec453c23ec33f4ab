#include "intake/payment_parser.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "base/json_writer.h"
#include "base/random.h"
#include "intake/csv.h"
#include "intake/test_schema.h"

namespace paywarden {
namespace {

using R = RejectReason;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kCard = "4111111111111111";
const EventTime kReceipt(1'592'741'700'000);

struct Fixture {
  explicit Fixture(const std::string& more = "", ParserOptions o = {})
      : schema(*test::schema_of(std::string(test::kSmallSchema).insert(10, more + "\n"))),
        options(o) {}
  std::optional<Rejection> json(std::string_view text) {
    return parser.parse_json(text, kReceipt, payment, &label);
  }
  Schema schema;
  ParserOptions options;
  Tokeniser tokeniser = test::tokeniser();
  PaymentParser parser{schema, tokeniser, options};
  Payment payment;
  std::optional<bool> label;
};

std::string json_of(const std::string& id = "p1", const std::string& more = "") {
  return R"({"id":")" + id +
         R"(","at":"2020-06-21T12:14:58Z","pan":"4111111111111111","amount":12.5)" + more + "}";
}

TEST(PaymentParser, AllTypes) {
  Fixture f;
  auto no = f.json(json_of(
      "p1",
      R"(,"shop":"Corner \"Shop\"","currency":"KWD","lat":-40.5,"note":"hello","age":"42",)"
      R"("ratio":0.25,"present":true,"since":"1959-01-13","fee":"0.5","fraud":1,"street":"x")"));
  ASSERT_FALSE(no) << no->line();
  EXPECT_EQ(f.payment.id(), "p1");
  EXPECT_EQ(f.payment.event_time.ms(), 1'592'741'698'000);
  EXPECT_EQ(f.payment.receipt_time, kReceipt);
  EXPECT_EQ(f.payment.card, f.tokeniser.token(kCard));
  EXPECT_EQ(f.payment.card_masked.view(), "411111******1111");
  EXPECT_EQ(f.payment.amount_minor, 12'500);  // fils
  EXPECT_EQ(f.payment.currency.code(), "KWD");
  EXPECT_EQ(f.payment.merchant(), "Corner \"Shop\"");
  const FieldTable& fields = f.schema.fields;
  EXPECT_EQ(f.payment.value(field::latitude).number, -40.5);
  EXPECT_EQ(f.payment.value(*fields.find("age")).integer, 42);
  EXPECT_EQ(f.payment.value(*fields.find("ratio")).number, 0.25);
  EXPECT_EQ(f.payment.value(*fields.find("present")).integer, 1);
  EXPECT_EQ(f.payment.value(*fields.find("since")).integer, -346'118'400'000);
  EXPECT_EQ(f.payment.value(*fields.find("fee")).integer, 500);
  EXPECT_EQ(f.label, true);
  EXPECT_FALSE(f.payment.has(field::category));
}

TEST(PaymentParser, WhatIsAbsentIsMissingOrTheDefault) {
  Fixture f;
  ASSERT_FALSE(f.json(json_of("p2", R"(,"note":null,"age":"","shop":"","present":null)")));
  EXPECT_EQ(f.payment.currency.code(), "EUR");
  EXPECT_EQ(f.payment.amount_minor, 1250);
  for (FieldIndex i = 1; i < f.payment.field_count(); ++i) EXPECT_FALSE(f.payment.has(i)) << i;
  EXPECT_FALSE(f.label);
}

TEST(PaymentParser, AmountsNeverPassThroughFloatingPoint) {
  Fixture f;
  ASSERT_FALSE(f.json(
      R"({"id":"p","at":"2020-06-21T12:14:58Z","pan":"4111111111111111","amount":9007199254740.99})"));
  EXPECT_EQ(f.payment.amount_minor, 900'719'925'474'099);
  ASSERT_FALSE(
      f.json(R"({"id":7,"at":"2020-06-21T12:14:58Z","pan":4111111111111111,"amount":"0"})"));
  EXPECT_EQ(f.payment.amount_minor, 0);
  EXPECT_EQ(f.payment.id(), "7");
  EXPECT_EQ(f.payment.card, f.tokeniser.token(kCard));
}

TEST(PaymentParser, EscapedKeysAndValues) {
  Fixture f;
  auto no = f.json(
      R"({"\u0069d":"p\u0031","at":"2020-06-21T12:14:58Z","pan":"4111\u003111111111111","amount":"1\u002e5"})");
  ASSERT_FALSE(no) << no->line();
  EXPECT_EQ(f.payment.id(), "p1");
  EXPECT_EQ(f.payment.amount_minor, 150);
  EXPECT_EQ(f.payment.card, f.tokeniser.token(kCard));
}

struct Case {
  std::string json;
  R reason;
  const char* line;
};

TEST(PaymentParser, UnparsableInput) {
  std::string deep = json_of("p", ",\"x\":" + std::string(8, '[') + std::string(8, ']'));
  std::string fields;
  for (int i = 0; i < 300; ++i) fields += fmt::format(",\"k{}\":1", i);
  const Case cases[] = {
      {"", R::not_json, "the input is not valid JSON: it is empty"},
      {"{", R::not_json, "the input is not valid JSON: it breaks off behind byte 1"},
      {"[]", R::not_object, "the input is not a JSON object"},
      {"12", R::not_object, ""},
      {"\"text\"", R::not_object, ""},
      {R"({"id":"p1")", R::not_json, ""},
      {json_of() + "x", R::not_json, ""},
      {json_of() + "{}", R::not_json, ""},
      {R"({"id":"p1",})", R::not_json, ""},
      {R"({"id" "p1"})", R::not_json, ""},
      {R"({id:"p1"})", R::not_json, ""},
      {R"({"id":"p1" "at":1})", R::not_json, ""},
      {R"({"id":NaN})", R::not_json, "the input is not valid JSON at byte 7"},
      {R"({"id":01})", R::not_json, ""},
      {R"({"id":1.})", R::not_json, ""},
      {R"({"id":tru})", R::not_json, ""},
      {R"({"other":tru})", R::not_json, ""},
      {R"({"other":{"a":[1,2,}})", R::not_json, ""},
      {R"({"other":"\q"})", R::not_json, ""},
      {R"({"id":"\u12"})", R::not_json, ""},
      {"{\"id\":\"a\nb\"}", R::not_json, ""},
      {"{\"id\":\"a\xff\"}", R::not_utf8, "the input is not valid UTF-8"},
      {deep, R::too_deep, "the input is nested deeper than 8"},
      {json_of("p", fields), R::too_many_fields, "the input has more than 256 fields"},
      {json_of("p", ",\"x\":\"" + std::string(70'000, 'x') + "\""), R::too_large,
       "the input is longer than 65536 bytes"},
  };
  Fixture f;
  for (const Case& c : cases) {
    auto no = f.json(c.json);
    ASSERT_TRUE(no) << c.json;
    EXPECT_EQ(no->reason, c.reason) << c.json;
    EXPECT_EQ(status_of(no->reason), c.reason == R::too_large ? 413 : 400);
    EXPECT_THAT(no->line(), HasSubstr(c.line));
  }
}

// A payment with one field made wrong.
std::string with(const std::string& key, const std::string& value) {
  std::map<std::string, std::string> fields = {{"id", R"("p1")"},
                                               {"at", R"("2020-06-21T12:14:58Z")"},
                                               {"pan", R"("4111111111111111")"},
                                               {"amount", "12.5"}};
  fields[key] = value;
  std::string text;
  for (const auto& [k, v] : fields)
    if (!v.empty()) text += (text.empty() ? "{\"" : ",\"") + k + "\":" + v;
  return text + "}";
}

TEST(PaymentParser, AByteOrderMarkIsPassedOver) {
  const std::string mark = "\xef\xbb\xbf";
  Fixture f;
  for (const std::string& body : {mark + json_of(), mark + json_of("p1", R"(,"x":{"y":[]})")}) {
    std::string padded = body + std::string(PaymentParser::kPadding, '"');
    for (size_t readable : {size_t{0}, padded.size()}) {
      auto no = f.parser.parse_json({padded.data(), body.size()}, kReceipt, f.payment, &f.label,
                                    readable);
      ASSERT_FALSE(no) << no->line();
      EXPECT_EQ(f.payment.id(), "p1");
      EXPECT_EQ(f.payment.amount_minor, 1250);
    }
  }
  for (const std::string& body : {mark, mark + mark + json_of(), mark.substr(0, 2) + json_of(),
                                  " " + mark + json_of(), json_of() + mark})
    EXPECT_TRUE(f.json(body)) << body;
  EXPECT_EQ(f.json(mark + R"({"id":tru})")->rule, "the input is not valid JSON at byte 10");
}

// As the body of a request without one.
TEST(PaymentParser, NothingIsNotJson) {
  Fixture f;
  for (size_t readable : {0, 64}) {
    auto no = f.parser.parse_json({}, kReceipt, f.payment, &f.label, readable);
    ASSERT_TRUE(no);
    EXPECT_EQ(no->reason, R::not_json);
  }
}

// As an account number, say. Another card's number could be any number.
TEST(PaymentParser, NumbersMayNotBeThePaymentsOwnCardNumber) {
  Fixture f;
  for (const char* more : {R"(,"age":4111111111111111)", R"(,"age":"4111111111111111")",
                           R"(,"ratio":4111111111111111.0)", R"(,"ratio":-4111111111111111)"}) {
    auto no = f.json(json_of("p1", more));
    ASSERT_TRUE(no) << more;
    EXPECT_EQ(no->reason, R::has_pan) << more;
    EXPECT_THAT(no->line(), Not(HasSubstr("4111111111111111"))) << more;
    EXPECT_THAT(no->raw, Not(HasSubstr("4111111111111111"))) << more;
  }
  EXPECT_EQ(f.json(with("amount", "4111111111111111"))->reason, R::has_pan);
  EXPECT_EQ(f.json(with("amount", R"("4111111111111111.00")"))->reason, R::has_pan);
  EXPECT_FALSE(f.json(json_of("p1", R"(,"ratio":5555555555554444)")));
  EXPECT_FALSE(f.json(json_of("p1", R"(,"ratio":0.4111111111111)")));
}

TEST(PaymentParser, RejectedFields) {
  const Case cases[] = {
      {with("id", ""), R::missing, "id: is missing"},
      {with("id", "null"), R::missing, "id: is missing"},
      {with("id", R"("")"), R::missing, "id: is missing"},
      {with("id", "{}"), R::nested, "id: is an object or a list where one value is expected"},
      {with("id", "true"), R::wrong_kind, "id: is not a text (value 'true')"},
      {with("id", '"' + std::string(129, 'x') + '"'), R::too_long, "id: is longer than 128 bytes"},
      {with("id", R"("o-4111111111111111")"), R::has_pan,
       "id: holds a card number; send something else there (value 'o-411111******1111')"},
      {with("id", R"("x4111111111111111x")"), R::has_pan,
       "id: holds a card number"},  // this payment's own
      {with("id", R"("5555555555554444")"), R::has_pan, "id: holds a card number"},
      {with("at", R"("yesterday")"), R::not_time,
       "at: is not a time like 2020-06-21T12:14:58Z (value 'yesterday')"},
      {with("at", R"("1969-12-31T23:59:59Z")"), R::out_of_range,
       "at: is outside the years 1970 to 2199"},
      {with("at", R"("2200-01-01T00:00:00Z")"), R::out_of_range,
       "at: is outside the years 1970 to 2199 (value '2200-01-01T00:00:00Z')"},
      {with("at", R"("1812-06-24T00:00:00Z")"), R::out_of_range,
       "at: is outside the years 1970 to 2199"},
      {with("pan", "[]"), R::nested, "pan: is an object"},
      {with("pan", R"("4111 1111 1111 1112")"), R::pan_luhn,
       "pan: does not pass the Luhn check (value '4111 11** **** 1112')"},
      {with("pan", R"("41111")"), R::pan_length, "pan: has not 12 to 19 digits (value '*****')"},
      {with("pan", R"("DE02120300000000202051")"), R::pan_digits,
       "pan: holds something else than digits"},
      {with("pan", "4.1e15"), R::pan_digits, "pan: "},
      {with("amount", "-5"), R::negative, "amount: is negative (value '-5')"},
      {with("amount", R"("twelve")"), R::not_amount,
       "amount: is not a decimal number (value 'twelve')"},
      {with("amount", "1.005"), R::not_amount,
       "amount: has more decimals than its currency (value '1.005')"},
      {with("amount", "1e14"), R::not_amount,
       "amount: is above the limit of 10^15 minor units (value '1e14')"},
      {with("amount", R"("NaN")"), R::not_amount, "amount: is not a decimal number"},
      {with("currency", R"("euro")"), R::not_currency, "currency: is not a currency code"},
      {with("lat", "90.5"), R::above_max, "lat: is above 90 (value '90.5')"},
      {with("lat", R"("inf")"), R::not_number, "lat: is not a number (value 'inf')"},
      {with("lat", "1e400"), R::out_of_range, "lat: is out of range"},
      {with("note", '"' + std::string(81, 'x') + '"'), R::too_long,
       "note: is longer than 80 bytes"},
      {with("age", "-1"), R::below_min, "age: is below 0 (value '-1')"},
      {with("age", "1.5"), R::not_integer, "age: is not a whole number (value '1.5')"},
      {with("present", R"("maybe")"), R::not_boolean,
       "present: is not true or false (value 'maybe')"},
      {with("since", R"("soon")"), R::not_time,
       "since: is not a time like 2020-06-21 12:14:58 (value 'soon')"},
      {with("since", R"("1812-06-24")"), R::out_of_range,
       "since: is outside the years 1900 to 2199"},
      {with("fee", "-1"), R::negative, "fee: is negative"},
      {with("fraud", "7"), R::not_boolean, "fraud: is not true or false"},
      {json_of("p", R"(,"id":"q")"), R::duplicate_field, "id: stands there twice"},
      {json_of("p", R"(,"i\u0064":"q")"), R::duplicate_field, "id: stands there twice"},
      {json_of("p", R"(,"new":1,"new":1)"), R::duplicate_field, "new: stands there twice"},
      {json_of("p", R"(,"street":1,"street":1)"), R::duplicate_field, "street: stands there twice"},
  };
  Fixture f;
  for (const Case& c : cases) {
    auto no = f.json(c.json);
    ASSERT_TRUE(no) << c.json;
    EXPECT_EQ(no->reason, c.reason) << c.json << " " << no->line();
    EXPECT_EQ(status_of(no->reason), 422);
    EXPECT_THAT(no->line(), HasSubstr(c.line)) << c.json;
    EXPECT_TRUE(find_pans(no->line()).empty() && find_pans(no->raw).empty()) << no->raw;
  }
  EXPECT_FALSE(f.json(with("at", R"("1970-01-01T00:00:00Z")")));
  EXPECT_FALSE(f.json(with("amount", "0")));
}

// The ladder: of two things that are wrong the one further up in this list is told, in whichever
// order they come.
TEST(PaymentParser, TheLadderIsFixed) {
  const std::pair<const char*, const char*> rungs[] = {
      {"dup", R"("dup":1,"dup":2)"}, {"new", R"("new":1)"},           {"id", R"("id":{})"},
      {"at", R"("at":"x")"},         {"pan", R"("pan":"1")"},         {"shop", R"("shop":true)"},
      {"amount", R"("amount":-1)"},  {"currency", R"("currency":1)"}, {"lat", R"("lat":91)"},
      {"note", R"("note":[])"},      {"age", R"("age":-1)"},          {"ratio", R"("ratio":"x")"},
      {"present", R"("present":2)"}, {"since", R"("since":0)"},       {"fee", R"("fee":"x")"},
  };
  const std::map<std::string, std::string> good = {{"id", R"("id":"p1")"},
                                                   {"at", R"("at":"2020-06-21T12:14:58Z")"},
                                                   {"pan", R"("pan":"4111111111111111")"},
                                                   {"amount", R"("amount":1)"}};
  Fixture f("unknown_fields = \"reject\"");
  for (size_t upper = 0; upper < std::size(rungs); ++upper) {
    for (size_t lower = upper + 1; lower < std::size(rungs); ++lower) {
      std::vector<std::string> members = {rungs[upper].second, rungs[lower].second};
      for (const auto& [key, member] : good)
        if (key != rungs[upper].first && key != rungs[lower].first) members.push_back(member);
      for (int order = 0; order < 2; ++order) {
        std::string body = fmt::format("{{{}}}", fmt::join(members, ","));
        auto no = f.json(body);
        ASSERT_TRUE(no) << body;
        EXPECT_EQ(no->field, rungs[upper].first) << body;
        std::reverse(members.begin(), members.end());
      }
    }
  }
  EXPECT_EQ(f.json(json_of("p", R"(,"new":1,"x":nul)"))->reason, R::not_json);
}

TEST(PaymentParser, UnknownFieldsAsTheSchemaSays) {
  Fixture ignoring, rejecting("unknown_fields = \"reject\"");
  std::string body = json_of("p", R"(,"colour":{"a":[1,"x",null,{"b":true}]})");
  EXPECT_FALSE(ignoring.json(body));
  auto no = rejecting.json(body);
  ASSERT_TRUE(no);
  EXPECT_EQ(no->line(), "colour: is not a field of the schema");
  EXPECT_FALSE(rejecting.json(json_of("p", R"(,"CVV":"123","street":"x","track2":";4111")")));
}

ParserOptions taking(std::initializer_list<const char*> codes) {
  ParserOptions options;
  for (const char* code : codes) options.currencies.push_back(*Currency::parse(code));
  return options;
}

TEST(PaymentParser, ACurrencyWithoutARateIsRefused) {
  Fixture f("", taking({"EUR", "USD"})), any;
  const std::pair<const char*, bool> rows[] = {{"EUR", true},  {"GBP", false}, {"GBP", false},
                                               {"USD", true},  {"USD", true},  {"CHF", false},
                                               {"XXX", false}, {"EUR", true}};
  for (auto [code, taken] : rows) {
    std::string body = with("currency", fmt::format("\"{}\"", code));
    auto no = f.json(body);
    EXPECT_EQ(!no, taken) << code;
    EXPECT_FALSE(any.json(body)) << code;
    if (!no) continue;
    EXPECT_EQ(no->reason, R::no_rate);
    EXPECT_EQ(status_of(no->reason), 422);
    EXPECT_EQ(no->line(),
              fmt::format("currency: there is no exchange rate for {0}; add it to [currency] rates "
                          "(value '{0}')",
                          code));
    EXPECT_THAT(no->raw, HasSubstr("\"id\":\"p1\""));
  }
  Fixture fresh("", taking({"EUR"}));
  EXPECT_TRUE(fresh.json(with("currency", R"("XXX")"))) << "what a parser begins with is no rate";
  EXPECT_EQ(fresh.json(with("currency", R"("euro")"))->reason, R::not_currency);
}

// The schema's currency, of payments that bring none.
TEST(PaymentParser, ADefaultCurrencyWithoutARateIsRefused) {
  Fixture f("", taking({"USD"}));
  for (const char* currency : {"", "null", R"("")"}) {
    auto no = f.json(with("currency", currency));
    ASSERT_TRUE(no) << currency;
    EXPECT_EQ(no->line(),
              "currency: there is no exchange rate for EUR; add it to [currency] rates");
  }
  EXPECT_FALSE(f.json(with("currency", R"("USD")")));
  Schema schema = *test::schema_of(R"(
[schema]
name = "bare"
currency = "EUR"
field = [{source = "id", to = "payment_id"}, {source = "at", to = "event_time"}, {source = "pan", to = "card"}, {source = "amount"}]
)");
  PaymentParser bare(schema, f.tokeniser, f.options);
  auto no = bare.parse_json(json_of(), kReceipt, f.payment);
  ASSERT_TRUE(no);
  EXPECT_EQ(no->reason, R::no_rate);
  EXPECT_EQ(no->field, "currency");
}

TEST(PaymentParser, TheFutureIsForLiveIntakeAlone) {
  ParserOptions live;
  live.reject_future = true;
  Fixture f("", live), file;
  std::string just = with("at", R"("2020-06-21T12:20:00Z")"),
              beyond = with("at", R"("2020-06-21T12:20:01Z")");
  EXPECT_FALSE(f.json(just));
  auto no = f.json(beyond);
  ASSERT_TRUE(no);
  EXPECT_EQ(no->reason, R::future);
  EXPECT_EQ(no->line(), "at: is more than 5m in the future (value '2020-06-21T12:20:01Z')");
  EXPECT_FALSE(file.json(beyond));
}

TEST(PaymentParser, LiveIntakePassesLabelsOver) {
  Fixture f;
  EXPECT_FALSE(f.parser.parse_json(json_of("p", R"(,"fraud":"anything")"), kReceipt, f.payment));
}

TEST(PaymentParser, CardNumbersInFreeTextAreMasked) {
  Fixture f;
  ASSERT_FALSE(
      f.json(json_of("p", R"(,"note":"paid by 4111 1111 1111 1111","shop":"5555555555554444")")));
  EXPECT_EQ(f.payment.text(*f.schema.fields.find("note")), "paid by 4111 11** **** 1111");
  EXPECT_EQ(f.payment.merchant(), "555555******4444");
}

TEST(PaymentParser, IdsOfManyDigits) {
  Fixture strict, loose("payment_id_check = \"own_card\"");
  std::string snowflake = with("id", R"("5555555555554444")");
  EXPECT_EQ(strict.json(snowflake)->reason, R::has_pan);
  EXPECT_FALSE(loose.json(snowflake));
  EXPECT_EQ(loose.json(with("id", R"("4111111111111111")"))->reason, R::has_pan);
  EXPECT_FALSE(
      strict.json(with("id", R"("8f8e32a5555555555554444a91f29359")")));  // hexadecimal, by chance
}

TEST(PaymentParser, RejectsKeepNothingThatMustNotBeKept) {
  Fixture f;
  auto no = f.json(
      R"({"id":"p1","at":"x","pan":"4111111111111111","amount":1,"street":"Elm","cvv":"987","secret":"abc",)"
      R"("note":"4111111111111111"})");
  ASSERT_TRUE(no);
  EXPECT_EQ(
      no->raw,
      R"({"id":"p1","at":"x","pan":"411111******1111","amount":"1","note":"411111******1111"})");
  no = f.json(R"({"pan":"4111111111111111","cvv":"987" "name":"Ann"})");
  ASSERT_TRUE(no);
  EXPECT_EQ(no->raw, R"({"aaa":"9999999999999999","aaa":"999" "aaaa":"aaa"})");
}

TEST(PaymentParser, IdsInsteadOfCards) {
  Fixture f("card_kind = \"id\"");
  ASSERT_FALSE(f.json(with("pan", "596")));
  EXPECT_EQ(f.payment.card, f.tokeniser.token("596"));
  EXPECT_EQ(f.payment.card_masked.view(), "596");
  ASSERT_FALSE(f.json(with("pan", R"("4111111111111111")")));
  EXPECT_EQ(f.payment.card_masked.view(), "411111******1111");
}

TEST(PaymentParser, PaddedInputIsReadWhereItLies) {
  Fixture f;
  std::string body = json_of(), padded = body + std::string(PaymentParser::kPadding, '"');
  EXPECT_FALSE(f.parser.parse_json({padded.data(), body.size()}, kReceipt, f.payment, nullptr,
                                   padded.size()));
  EXPECT_EQ(f.payment.id(), "p1");
}

TEST(PaymentParser, HeadersAreChecked) {
  Fixture f, rejecting("unknown_fields = \"reject\"");
  auto error = [](Fixture& in, std::vector<std::string_view> names) {
    return in.parser.columns(names).error().line();
  };
  EXPECT_THAT(error(f, {"id", "at", "pan"}),
              HasSubstr("the column 'amount' is missing; the schema 'small' needs it for amount"));
  EXPECT_THAT(error(f, {"id", "id", "at", "pan", "amount"}),
              HasSubstr("the column 'id' stands there twice"));
  EXPECT_THAT(error(rejecting, {"id", "at", "pan", "amount", "x"}),
              HasSubstr("the column 'x' is not in the schema"));
  std::vector<std::string_view> fine = {"x", "amount", "id", "street", "pan", "at"};
  EXPECT_TRUE(f.parser.columns(fine));
}

// A random value for each field, good or bad, as CSV and JSON both can say it.
std::string random_value(Random& random) {
  static const char* values[] = {"p1",
                                 "12.5",
                                 "-3",
                                 "4111111111111111",
                                 "4111-1111-1111-1111",
                                 "2020-06-21T12:14:58Z",
                                 "2020-06-21",
                                 "1592741698",
                                 "true",
                                 "0",
                                 "EUR",
                                 "JPY",
                                 "a, \"quoted\" text",
                                 "",
                                 "1e3",
                                 "new\nline",
                                 "120",
                                 "0.25",
                                 "K\xc3\xb6ln",
                                 "nan",
                                 "99999999999999999999"};
  return values[random.below(std::size(values))];
}

std::string csv_quoted(const std::string& s) {
  std::string out = "\"";
  for (char c : s) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

TEST(PaymentParser, JsonAndCsvGiveTheSamePayment) {
  Fixture a, b;
  Random random(17);
  size_t accepted = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::vector<std::string> names, csv;
    std::string json, scratch(4096, ' ');
    JsonWriter writer(json);
    writer.open_object();
    for (const FieldBinding& binding : a.schema.bindings) {
      std::string value = random_value(random);
      if (binding.field == field::payment_id && random.chance(0.9))
        value = "p" + std::to_string(round);
      if (binding.field == field::event_time && random.chance(0.9)) value = "2020-06-21 12:14:58";
      if (binding.field == field::card && random.chance(0.9)) value = kCard;
      if (binding.field == field::amount && random.chance(0.9)) value = "12";
      if (binding.field > field::amount && random.chance(0.7)) value.clear();
      names.push_back(binding.source);
      csv.push_back(random.chance(0.5) || value.find_first_of(",\"\n") != std::string::npos
                        ? csv_quoted(value)
                        : value);
      writer.key(binding.source).string(value);
    }
    writer.close_object();
    std::string line = fmt::format("{}\n", fmt::join(csv, ","));
    std::vector<RawValue> values;
    std::string padded = line + std::string(kCsvPadding, '\0');
    ASSERT_EQ(scan_csv({padded.data(), line.size()}, true, values, scratch).status,
              CsvStatus::record);
    std::vector<std::string_view> views(names.begin(), names.end());
    auto no_json = a.json(json);
    auto no_csv =
        b.parser.parse_row(*b.parser.columns(views), values, kReceipt, b.payment, &b.label);
    ASSERT_EQ(no_json.has_value(), no_csv.has_value()) << line;
    if (no_json) {
      ASSERT_EQ(no_json->line(), no_csv->line()) << line;
      continue;
    }
    ++accepted;
    ASSERT_EQ(body_digest(a.payment, a.schema.fields), body_digest(b.payment, b.schema.fields))
        << line;
    ASSERT_EQ(a.payment.id(), b.payment.id());
  }
  EXPECT_GT(accepted, 1'000u);
}

}  // namespace
}  // namespace paywarden
