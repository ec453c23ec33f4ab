// What reasons say: of every operation, of values that are missing, and by templates that are declared.
#include "features/reason_sentences.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"
#include "features/stateless.h"

namespace paywarden {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// A schema with a field of each type, and one payment of 912.40 that has them all.
struct World {
  FieldTable fields;
  FieldIndex device, items, present, born, weight, fee;
  Payment payment;

  World() {
    device = *fields.add("device", FieldType::text);
    items = *fields.add("basket_items", FieldType::integer);
    present = *fields.add("card_present", FieldType::boolean);
    born = *fields.add("born", FieldType::time);
    weight = *fields.add("weight", FieldType::number);
    fee = *fields.add("fee", FieldType::amount);
    payment.reset(fields.size());
    payment.amount_minor = 99'174;
    payment.amount_base_minor = 91'240;
    payment.set_text(field::merchant, "m1");
    payment.set_text(field::category, "food");
    payment.set_text(device, "d1");
    payment.set_integer(items, 12);
    payment.set_integer(present, 1);
    payment.set_integer(born, 0);
    payment.set_number(weight, 2.5);
    payment.set_integer(fee, 150);
  }

  Result<FeatureSet> parse(const std::string& body) const {
    return FeatureSet::parse(toml::parse("[[feature]]\nname = 'f'\n" + body + "\n"), fields,
                             "f.toml");
  }

  std::string say(const std::string& body, double value, double usual) const {
    auto set = parse(body);
    if (!set) return set.error().line();
    ReasonSentences sentences(*set, fields, *Currency::parse("EUR"));
    std::vector<Reason> reasons = {{"f", value, usual, 1}};
    sentences.say(payment, reasons);
    return reasons[0].text;
  }
};

std::string declared(const std::string& text) {
  std::string body = text;
  for (char& c : body)
    if (c == ';') c = '\n';
  return body;
}

struct Row {
  const char* body;
  double value, usual;
  const char* says;
};

void expect_all(const World& world, std::initializer_list<Row> rows) {
  for (const Row& row : rows)
    EXPECT_EQ(world.say(declared(row.body), row.value, row.usual), row.says) << row.body;
}

TEST(ReasonSentences, OfTheHistoryOfAKey) {
  expect_all(
      World(),
      {
          {"operation='count';by='card';over='1h'", 7, 0,
           "7 payments of this card in the last hour, 0 is usual"},
          {"operation='count';by='card';over='1h'", 1, kUnknown,
           "1 payment of this card in the last hour"},
          {"operation='count';by=['card','device'];over='24h'", 2, 1.5,
           "2 payments of this card with this device in the last 24 hours, 1.5 is usual"},
          {"operation='count';by='merchant';over='10m'", 300, 4,
           "300 payments at this merchant in the last 10 minutes, 4 is usual"},
          {"operation='sum';field='amount';by='card';over='24h'", 1832.8f, 60.125,
           "this card's 24-hour total amount is 1832.80 EUR, 60.12 EUR is usual"},
          {"operation='mean';field='amount';by=['card','category'];over='30d'", 45.2f, 12,
           "this card's 30-day mean amount in this category is 45.20 EUR, 12.00 EUR is usual"},
          {"operation='min';field='basket_items';by='card';over='90s';unit='items'", 3, 1,
           "this card's 90-second lowest basket items is 3 items, 1 items is usual"},
          {"operation='max';field='fee';by='merchant';over='7d';unit='minor coins'", 1.5, 0,
           "this merchant's 7-day highest fee is 1.50 minor coins, 0.00 minor coins is usual"},
          {"operation='stddev';field='amount';by='card';over='30d'", 5.5, 20,
           "this card's 30-day standard deviation of amount is 5.50 EUR, 20.00 EUR is usual"},
          {"operation='count_distinct';field='device';by='card';over='30d'", 5, 1,
           "5 different devices of this card in the last 30 days, 1 is usual"},
          {"operation='count_distinct';field='category';by='card';over='30d'", 2, 1,
           "2 different categories of this card in the last 30 days, 1 is usual"},
          {"operation='count_distinct';field='card';by='device';over='1d'", 1, 1,
           "1 card of this device in the last 24 hours, 1 is usual"},
          {"operation='ratio';field='amount';by='card';over='30d'", 13.6f, 1.1f,
           "amount 912.40 EUR is 14 x this card's 30-day mean, 1.1 x is usual"},
          {"operation='median_ratio';field='weight';by=['card','category'];over='30d'", 0.25, 0.97f,
           "weight 2.5 is 0.25 x this card's 30-day median in this category, 0.97 x is usual"},
          {"operation='rank';field='amount';by='card';over='30d'", 0.999, 0.5,
           "amount 912.40 EUR is higher than in 99.9 % of this card's other payments in the last "
           "30 "
           "days, 50 % is usual"},
          {"operation='deviation';field='amount';by='card';over='30d'", 12, 0,
           "amount 912.40 EUR is 12 x the typical distance above this card's 30-day median, 0 x is "
           "usual"},
          {"operation='deviation';field='amount';by='card';over='30d'", -1.25, -0.5,
           "amount 912.40 EUR is 1.2 x the typical distance below this card's 30-day median, -0.5 "
           "x "
           "is usual"},
          {"operation='count_above';field='amount';by='card';over='3d';factor=3;reference='30d'", 4,
           0,
           "4 payments of this card in the last 3 days above 3 x this card's 30-day mean amount, 0 "
           "is usual"},
          {"operation='time_since_last';by='card'", 10'800, 172'800,
           "this card's previous payment was 3 h ago, 2 days is usual"},
          {"operation='time_since_last';by=['card','category']", 0, 5400,
           "this card's previous payment in this category was 0 s ago, 1.5 h is usual"},
          {"operation='age';by='card'", 0, 17'280'000,
           "this is the first payment of this card, first seen 200 days ago is usual"},
          {"operation='age';by='device'", 90, kUnknown,
           "the first payment of this device was 1.5 min ago"},
          {"operation='distance';by='card'", 812.4, 4.25,
           "the distance from the place of this card's previous payment is 812 km, 4.2 km is "
           "usual"},
          {"operation='speed';by='card'", 1200, 0,
           "the speed from the place of this card's previous payment is 1200 km/h, 0 km/h is "
           "usual"},
      });
}

TEST(ReasonSentences, OfFraudsThatAreKnown) {
  expect_all(
      World(),
      {
          {"operation='fraud_count';by='merchant';over='30d'", 1, 0,
           "1 known fraud at this merchant in the last 30 days, 0 is usual"},
          {"operation='fraud_count';by='category';over='30d'", 9, 3,
           "9 known frauds in this category in the last 30 days, 3 is usual"},
          {"operation='fraud_rate';by='merchant';over='30d'", 0.125, 0.004f,
           "12 % of the payments of known truth at this merchant in the last 30 days are fraud, "
           "0.4 % is usual"},
          {"operation='fraud_min';field='amount';by='merchant';over='21d'", 12.3f, 80,
           "the lowest amount of the known frauds at this merchant in the last 21 days is "
           "12.30 EUR, "
           "80.00 EUR is usual"},
          {"operation='time_since_fraud';by='merchant';over='37d'", 300'000, 900'000,
           "the latest known fraud at this merchant in the last 37 days was 3.5 days ago, "
           "10 days is "
           "usual"},
          {"operation='time_since_first_fraud';by='merchant';over='37d'", 3600, kUnknown,
           "the first known fraud at this merchant in the last 37 days was 1 h ago"},
          {"operation='count_since_fraud';by='merchant';over='37d'", 4, 12,
           "4 genuine payments at this merchant since the latest known fraud in the last 37 "
           "days, 12 "
           "is usual"},
      });
}

TEST(ReasonSentences, OfThePaymentAlone) {
  expect_all(
      World(),
      {
          {"operation='value';field='amount'", 912.4f, 45.2f,
           "amount is 912.40 EUR, 45.20 EUR is usual"},
          {"operation='value';field='card_present'", 1, 0, "card present is yes, no is usual"},
          {"operation='value';field='basket_items';unit='pieces'", 12'000, 3.5,
           "basket items is 12000 pieces, 3.5 pieces is usual"},
          {"operation='log';field='amount'", std::log(913.4), std::log(46.2),
           "amount is 912.40 EUR, 45.20 EUR is usual"},
          {"operation='log';field='basket_items'", std::log(13.0), kUnknown, "basket items is 12"},
          {"operation='hour'", 3, 13.5, "paid in the hour from 03:00 UTC, 13:30 UTC is usual"},
          {"operation='weekday'", 6, 2.5, "the day of the week is Sunday"},
          {"operation='years_since';field='born'", 43.25, 1,
           "born was 43.2 years ago, 1 year is usual"},
          {"operation='distance_between'", 120.4, 3,
           "the merchant is 120 km from the cardholder, 3 km is usual"},
          {"operation='distance_between';to=['latitude','longitude']", 0.25, kUnknown,
           "the two places of the payment are 0.25 km apart"},
          {"operation='code';field='category';codes=['food','a \"b\"']", 1, 0,
           "category is 'a \"b\"'"},
      });
}

TEST(ReasonSentences, OfWhatIsMissing) {
  World world;
  expect_all(
      world,
      {
          {"operation='time_since_last';by='card'", kUnknown, 60,
           "no earlier payment of this card is known"},
          {"operation='ratio';field='amount';by='card';over='30d'", kUnknown, 1,
           "there is nothing of this card in the last 30 days to compare amount 912.40 EUR with"},
          {"operation='deviation';field='amount';by='card';over='1h'", kUnknown, 1,
           "there is no spread of this card in the last hour to compare amount 912.40 EUR with"},
          {"operation='mean';field='weight';by='card';over='7d'", kUnknown, 1,
           "no payment of this card in the last 7 days has a known weight"},
          {"operation='count_above';field='amount';by='card';over='3d';factor=1.5;reference='30d'",
           kUnknown, 0, "there is nothing of this card in the last 30 days to compare with"},
          {"operation='fraud_rate';by='merchant';over='30d'", kUnknown, 0,
           "no payment at this merchant in the last 30 days is known to be fraud or genuine"},
          {"operation='fraud_min';field='amount';by='merchant';over='30d'", kUnknown, 0,
           "no fraud at this merchant in the last 30 days is known"},
          {"operation='speed';by='card'", kUnknown, 0, "no earlier place of this card is known"},
          {"operation='code';field='category';codes=['x']", kUnknown, 0,
           "category is none of those that are known"},
          {"operation='distance_between'", kUnknown, 0,
           "one of the payment's two places is unknown"},
      });
  world.payment.reset(world.fields.size());
  expect_all(world,
             {
                 {"operation='count';by=['card','device'];over='1h'", kUnknown, 0,
                  "this payment has no device"},
                 {"operation='ratio';field='basket_items';by='card';over='1h'", kUnknown, 0,
                  "this payment has no basket items"},
                 {"operation='value';field='weight'", kUnknown, 0, "this payment has no weight"},
             });
}

TEST(ReasonSentences, ByADeclaredTemplate) {
  const char* ratio = "operation='ratio';field='amount';by='card';over='30d';says=";
  auto with = [&](const char* says) { return std::string(ratio) + '\'' + says + '\''; };
  World world;
  auto say = [&](const char* says, double value, double usual) {
    return world.say(declared(with(says)), value, usual);
  };
  EXPECT_EQ(say("{field} is {value} the mean of {over}", 13.6, 1),
            "912.40 EUR is 14 x the mean of 30 days");
  EXPECT_EQ(say("{times} the usual {usual} {{}}", 13.6, 0.8), "17 x the usual 0.8 x {}");
  // What cannot be filled gives way to the default sentence.
  const char* without = "amount 912.40 EUR is 14 x this card's 30-day mean";
  EXPECT_EQ(say("{times} the usual", 13.6, kUnknown), without);
  EXPECT_EQ(say("{value}, not {usual}", 13.6, kUnknown), without);
  EXPECT_EQ(say("{times} the usual", 13.6, 0), std::string(without) + ", 0 x is usual");
  EXPECT_EQ(say("{times} the usual", 13.6, -1), std::string(without) + ", -1 x is usual");
  EXPECT_EQ(say("{times} the usual", 0, 2), "0 x the usual");
  EXPECT_EQ(say("{value}", kUnknown, 2),
            "there is nothing of this card in the last 30 days to compare amount 912.40 EUR with");
  // A field that this payment lacks, of a feature that has a value all the same.
  const char* mean =
      "operation='mean';field='weight';by='card';over='1h';says='now {field}, {value}'";
  EXPECT_EQ(world.say(declared(mean), 3, 2), "now 2.5, 3");
  world.payment.reset(world.fields.size());
  EXPECT_EQ(world.say(declared(mean), 3, 2), "this card's 1-hour mean weight is 3, 2 is usual");
}

TEST(ReasonSentences, OneDeclarationSpeaksOfEachOfItsWindows) {
  FieldTable fields;
  auto set = FeatureSet::parse(
      toml::parse("[[feature]]\nname='c_{over}'\noperation='count'\nby='card'\nover=['1h','30d']\n"
                  "says='{value} within {over}'\n"),
      fields, "f.toml");
  ASSERT_TRUE(set) << set.error().line();
  ReasonSentences sentences(*set, fields, Currency());
  std::vector<Reason> reasons = {
      {"c_1h", 3, 1, 1}, {"c_30d", 40, 9, 1}, {"of another set", 1, 1, 1}};
  Payment payment;
  payment.reset(fields.size());
  sentences.say(payment, reasons);
  EXPECT_EQ(reasons[0].text, "3 within 1 hour");
  EXPECT_EQ(reasons[1].text, "40 within 30 days");
  EXPECT_EQ(reasons[2].text, "");
}

TEST(ReasonSentences, MoneyHasTheDigitsOfTheBaseCurrency) {
  FieldTable fields;
  auto parsed = [&](int exponent) {
    return *FeatureSet::parse(
        toml::parse("[[feature]]\nname='a'\noperation='value'\nfield='amount'\n"), fields, "f.toml",
        exponent);
  };
  auto say = [&](int exponent, Currency base) {
    FeatureSet set = parsed(exponent);
    std::vector<Reason> reasons = {{"a", 1200, 7.5, 1}};
    Payment payment;
    payment.reset(fields.size());
    ReasonSentences(set, fields, base).say(payment, reasons);
    return reasons[0].text;
  };
  EXPECT_EQ(say(0, *Currency::parse("JPY")), "amount is 1200 JPY, 8 JPY is usual");
  EXPECT_EQ(say(3, *Currency::parse("KWD")), "amount is 1200.000 KWD, 7.500 KWD is usual");
  EXPECT_EQ(say(2, Currency()), "amount is 1200.00, 7.50 is usual");
}

TEST(ReasonSentences, NumbersForPeople) {
  struct Shown {
    ValueFormat format;
    double value;
    const char* text;
  };
  auto of = [](ValueKind kind) { return ValueFormat{.kind = kind}; };
  for (const Shown& shown : {
           Shown{of(ValueKind::number), 0.1f, "0.1"},
           Shown{of(ValueKind::number), 1234.56, "1235"},
           Shown{of(ValueKind::number), 0.00123, "0.0012"},
           Shown{of(ValueKind::number), 100, "100"},
           Shown{of(ValueKind::number), -0.0, "0"},
           Shown{of(ValueKind::number), 3e30, "3e+30"},
           Shown{of(ValueKind::number), 1e-20, "1e-20"},
           Shown{of(ValueKind::money), -0.001, "0.00"},
           Shown{of(ValueKind::money), -5, "-5.00"},
           Shown{of(ValueKind::times), 1.96, "2 x"},
           Shown{of(ValueKind::times), 140.4, "140 x"},
           Shown{of(ValueKind::share), 0.9999, "99.9 %"},
           Shown{of(ValueKind::share), 1, "100 %"},
           Shown{of(ValueKind::share), 0, "0 %"},
           Shown{of(ValueKind::seconds), 42, "42 s"},
           Shown{of(ValueKind::seconds), 59.7, "1 min"},
           Shown{of(ValueKind::seconds), 3590, "1 h"},
           Shown{of(ValueKind::seconds), 90'000, "25 h"},
           Shown{of(ValueKind::seconds), 86'400'000, "1000 days"},
           Shown{of(ValueKind::hour), 23, "23:00 UTC"},
           Shown{of(ValueKind::weekday), 700, "Sunday"},
           Shown{of(ValueKind::code), -3, "-3"},
       }) {
    std::string text;
    append_value(shown.format, shown.value, text);
    EXPECT_EQ(text, shown.text);
  }
}

// Whatever a row holds, there is a sentence of some length, without a number that is none.
TEST(ReasonSentences, OfAnyNumbers) {
  World world;
  Random random(20'261'128);
  const char* bodies[] = {
      "operation='count';by='card';over='1h'",
      "operation='ratio';field='amount';by='card';over='30d'",
      "operation='fraud_rate';by='merchant';over='30d'",
      "operation='deviation';field='amount';by='card';over='30d'",
      "operation='log';field='amount'",
      "operation='hour'",
      "operation='weekday'",
      "operation='years_since';field='born'",
      "operation='time_since_last';by='card'",
      "operation='distance_between'",
      "operation='code';field='category';codes=['x','y']",
      "operation='value';field='amount';says='{value} {usual} {times} {field}'"};
  const double edges[] = {0,       -0.0, 1,    -1,    0.5,  1e-45,    -1e-45,   3.4e38,
                          -3.4e38, 2e31, 1e15, 9.999, 59.9, kUnknown, INFINITY, -INFINITY};
  for (const char* body : bodies)
    for (int i = 0; i < 300; ++i) {
      auto any = [&] {
        return edges[random.below(std::size(edges))] * (random.chance(0.5) ? 1 : random.unit());
      };
      std::string text = world.say(declared(body), any(), any());
      EXPECT_FALSE(text.empty()) << body;
      EXPECT_LT(text.size(), 300u) << text;
      EXPECT_EQ(text.find("nan"), std::string::npos) << text;
    }
}

}  // namespace
}  // namespace paywarden
