// Declarations: what is refused, and in which words; and the features of the payment alone.
#include "features/feature.h"

#include <gtest/gtest.h>

#include <cmath>

#include "features/stateless.h"

namespace paywarden {
namespace {

Result<FeatureSet> parse(const std::string& text) {
  FieldTable fields;
  EXPECT_TRUE(fields.add("born", FieldType::time));
  return FeatureSet::parse(toml::parse(text), fields, "f.toml");
}

TEST(Features, BadDeclarationsSayWhatWhereAndWhatToDo) {
  struct Row {
    const char* body;
    const char* says;
  };
  for (
      Row row : {
          Row{"operation = 'count'\nby = 'card'\nover = '1h'", "'name' must be a text"},
          Row{"name = 'f'\noperation = 'cuont'",
              "f.toml:3: feature 'f': there is no operation 'cuont'"},
          Row{"name = 'f'\noperation = 'count'\nover = '1h'", "needs 'by'"},
          Row{"name = 'f'\noperation = 'count'\nby = 'card'", "needs 'over'"},
          Row{"name = 'f'\noperation = 'sum'\nby = 'card'\nover = '1h'", "'field' must be a text"},
          Row{"name = 'f'\noperation = 'sum'\nfield = 'merchant'\nby = 'card'\nover = '1h'",
              "'merchant' (text) does not fit 'sum'"},
          Row{"name = 'f'\noperation = 'count'\nby = 'cart'\nover = '1h'",
              "the schema has no field 'cart'"},
          Row{"name = 'f'\noperation = 'count'\nby = 'amount'\nover = '1h'", "'amount' is no key"},
          Row{"name = 'f'\noperation = 'count'\nby = 'card'\nover = '1 hour'",
              "'1 hour' is not a duration"},
          Row{"name = 'f'\noperation = 'count'\nby = 'card'\nover = '900d'", "at most 400d"},
          Row{"name = 'f'\noperation = 'count'\nby = 'card'\nover = ['1h','2h']",
              "need {over} in the name"},
          Row{"name = 'f'\noperation = 'hour'\nover = '1h'", "no 'over'"},
          Row{"name = 'f'\noperation = 'hour'\nwindow = '1h'", "unknown key 'window'"},
          Row{"name = 'amount'\noperation = 'hour'", "is a field's name already"},
          Row{"name = 'f'\noperation = 'code'\nfield = 'category'", "needs 'codes'"},
          Row{"name = 'f'\noperation = 'hour'\nsays = '{valeu}'",
              "f.toml:4: feature 'f': 'says': there is no placeholder '{valeu}'; did you mean "
              "'{value}'?"},
          Row{"name = 'f'\noperation = 'hour'\nsays = '{size}'",
              "no placeholder '{size}'; there are"},
          Row{"name = 'f'\noperation = 'hour'\nsays = '{} is'", "no placeholder '{}'"},
          Row{"name = 'f'\noperation = 'hour'\nsays = '{value'", "a brace stands alone; write it"},
          Row{"name = 'f'\noperation = 'hour'\nsays = 'a } b'", "a brace stands alone"},
          Row{"name = 'f'\noperation = 'hour'\nsays = ''", "'says': is empty"},
          Row{"name = 'f'\noperation = 'hour'\nsays = 7", "'says' must be a text"},
          Row{"name = 'f'\noperation = 'hour'\nsays = \"a\\nb\"", "a sentence is one line"},
          Row{"name = 'f'\noperation = 'hour'\nsays = '{over}'", "'hour' has no window for {over}"},
          Row{"name = 'f'\noperation = 'hour'\nsays = '{times}'",
              "{times} of 'hour' means nothing"},
          Row{"name = 'f'\noperation = 'code'\nfield = 'category'\ncodes = ['a']\nsays = '{field}'",
              "'code' takes no such field"},
      }) {
    auto set = parse("[[feature]]\n" + std::string(row.body) + "\n");
    ASSERT_FALSE(set) << row.body;
    EXPECT_NE(set.error().line().find(row.says), std::string::npos) << set.error().line();
  }
  std::string longest(512, 'x'), body = "[[feature]]\nname = 'f'\noperation = 'hour'\nsays = '";
  EXPECT_TRUE(parse(body + longest + "'\n"));
  EXPECT_FALSE(parse(body + longest + "x'\n"));
  EXPECT_FALSE(parse("[features]\nlabel_dalay = '7d'\n[[feature]]\nname='f'\noperation='hour'\n"));
  EXPECT_FALSE(parse(""));
}

TEST(Features, OneDeclarationForManyWindows) {
  auto set = parse(
      "[[feature]]\nname = 'c_{over}'\noperation = 'count'\nby = ['merchant', 'card']\nover = "
      "['10m', "
      "'30d']\n");
  ASSERT_TRUE(set);
  EXPECT_EQ(set->names(), (std::vector<std::string>{"c_10m", "c_30d"}));
}

TEST(Features, TheHashChangesWithWhatIsComputed) {
  auto hash = [](const char* delay, const char* over, const char* why) {
    return parse(std::string("[features]\nlabel_delay='") + delay +
                 "'\n[[feature]]\nname='c'\noperation='count'\nby='card'\nover='" + over +
                 "'\nwhy='" + why + "'\n")
        ->hash();
  };
  EXPECT_EQ(hash("7d", "1h", "a"), hash("7d", "1h", "b"));
  EXPECT_NE(hash("7d", "1h", "a"), hash("7d", "2h", "a"));
  EXPECT_NE(hash("7d", "1h", "a"), hash("6d", "1h", "a"));
}

TEST(Features, TheHashKnowsEachDigitOfAFactor) {
  auto hash = [](const char* factor) {
    auto set = parse(std::string("[[feature]]\nname='c'\noperation='count_above'\nfield='amount'\n"
                                 "by='card'\nover='1h'\nreference='30d'\nfactor=") +
                     factor + "\n");
    EXPECT_TRUE(set) << set.error().line();
    return set ? set->hash() : std::string();
  };
  EXPECT_EQ(hash("3"), hash("3.0"));
  EXPECT_NE(hash("3"), hash("3.0000001"));
  EXPECT_NE(hash("3.0000002"), hash("3.0000001"));
}

// So that bundles trained before are those of the same features after a word was changed.
TEST(Features, TheHashStaysWhateverIsSaid) {
  auto hash = [](const char* says) {
    return parse("[[feature]]\nname='c'\noperation='count'\nby='card'\nover='1h'\n" +
                 std::string(says))
        ->hash();
  };
  EXPECT_EQ(hash(""), hash("says='{value} payments'"));
  EXPECT_EQ(hash("says='{usual} is usual'"), hash("says='{value} payments'\nunit='payments'"));
}

TEST(StatelessFeatures, OfThePaymentAlone) {
  FieldTable fields;
  FieldIndex born = *fields.add("born", FieldType::time);
  auto set = FeatureSet::parse(toml::parse(R"(
feature = [
  {name = "h", operation = "hour"}, {name = "d", operation = "weekday"},
  {name = "a", operation = "value", field = "amount"}, {name = "l", operation = "log", field = "amount"},
  {name = "y", operation = "years_since", field = "born"}, {name = "km", operation = "distance_between"},
  {name = "c", operation = "code", field = "category", codes = ["food", "travel"]},
]
)"),
                               fields, "f.toml");
  ASSERT_TRUE(set) << set.error().line();
  StatelessFeatures features(*set, fields);
  Payment p;
  p.reset(fields.size());
  p.event_time = *parse_rfc3339("2026-11-22T17:51:10Z");
  p.amount_base_minor = 12'345;
  p.set_integer(born, parse_rfc3339("1986-11-22T17:51:10Z")->ms());
  p.set_text(field::category, "travel");
  p.set_number(field::latitude, 38.7223);  // Lisbon
  p.set_number(field::longitude, -9.1393);
  p.set_number(field::merchant_latitude, 41.1579);  // Porto
  p.set_number(field::merchant_longitude, -8.6291);
  float out[7];
  DistanceBatch distances;
  auto compute = [&] {
    features.compute(p, out, distances);
    distances.settle();
  };
  compute();
  EXPECT_EQ(out[0], 17);
  EXPECT_EQ(out[1], 6);
  EXPECT_FLOAT_EQ(out[2], 123.45f);
  EXPECT_FLOAT_EQ(out[3], std::log(124.45f));
  EXPECT_NEAR(out[4], 40, 0.01);
  EXPECT_NEAR(out[5], 274.2, 0.5);
  EXPECT_EQ(out[6], 1);
  p.reset(fields.size());
  compute();
  for (int i : {4, 5, 6}) EXPECT_TRUE(std::isnan(out[i])) << i;
}

}  // namespace
}  // namespace paywarden
