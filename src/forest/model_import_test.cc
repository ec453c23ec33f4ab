// Models from elsewhere. That they score as their own libraries do is held with the libraries themselves (app/tests/import_models.py).
#include "forest/model_import.h"

#include <gtest/gtest.h>

#include <cmath>

#include "forest/forest_testing.h"
#include "forest/lightgbm_text.h"
#include "forest/ubjson.h"
#include "forest/xgboost_json.h"

namespace paywarden {
namespace {

using namespace std::string_literals;

constexpr const char* kLightgbm = R"(tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:2
feature_names=amount hour
feature_infos=[0:9] [0:23]
tree_sizes=1 1

Tree=0
num_leaves=3
num_cat=0
split_feature=0 1
split_gain=5 3
threshold=0.1 -2
decision_type=10 8
left_child=1 -2
right_child=-1 -3
leaf_value=0.5 -0.25 0.125
leaf_weight=4 2 1
leaf_count=4 2 1
internal_value=0 0
internal_weight=7 3
internal_count=7 3
is_linear=0
shrinkage=1


Tree=1
num_leaves=1
num_cat=0
leaf_value=0.0625


end of trees

parameters:
end of parameters
)";

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  size_t at = text.find(what);
  CHECK(at != std::string::npos, "the text to replace is there");
  return text.replace(at, what.size(), by);
}

double margin(const TreeModel& model, float amount, float hour) {
  const float row[] = {amount, hour};
  return naive_margin(model, row);
}

TEST(LightgbmText, ReadsSplitsLeavesAndTheSigmoid) {
  auto model = read_lightgbm_text(kLightgbm, "m");
  ASSERT_TRUE(model) << model.error().line();
  ASSERT_EQ(model->trees.size(), 2u);
  const float nan = std::nanf("");
  EXPECT_EQ(margin(*model, 1, 0), 2 * (0.5 + 0.0625));
  EXPECT_EQ(margin(*model, 0, -3), 2 * (-0.25 + 0.0625));
  EXPECT_EQ(margin(*model, 0, -2), 2 * (-0.25 + 0.0625)) << "<= goes left";
  EXPECT_EQ(margin(*model, 0, -1), 2 * (0.125 + 0.0625));
  EXPECT_EQ(margin(*model, nan, 5), 2 * (0.125 + 0.0625)) << "missing goes left";
  EXPECT_EQ(margin(*model, 0, nan), 2 * (0.125 + 0.0625)) << "and here right";
  EXPECT_EQ(model->trees[0].nodes[0].cover, 7);
  std::string older =
      replaced(replaced(kLightgbm, "version=v4", "version=v3"), "is_linear=0\n", "");
  auto v3 = read_lightgbm_text(older, "m");
  ASSERT_TRUE(v3) << v3.error().line();
  EXPECT_EQ(margin(*v3, 0, -1), margin(*model, 0, -1));
  EXPECT_EQ(lightgbm_feature_names(kLightgbm), (std::vector<std::string>{"amount", "hour"}));
}

// For floats around it, x < ours is x <= theirs.
TEST(LightgbmText, AThresholdIsTheNextFloatAbove) {
  for (const char* text : {"0.1", "0.10000000149011612", "-0.1", "0", "-0", "1e-50", "-1e-50",
                           "16777217", "3.4028234663852886e+38", "1e300", "-1e300"}) {
    auto model =
        read_lightgbm_text(replaced(kLightgbm, "threshold=0.1", "threshold="s + text), "m");
    ASSERT_TRUE(model) << text << model.error().line();
    double threshold = std::stod(text);
    float ours = model->trees[0].nodes[0].threshold;
    auto near = static_cast<float>(std::clamp(threshold, -3.4e38, 3.4e38));
    for (float x : {near, std::nextafter(near, 1e38f), std::nextafter(near, -1e38f), 0.0f, -0.0f,
                    1e-45f, -1e-45f, 3e38f, -3e38f})
      EXPECT_EQ(x < ours, static_cast<double>(x) <= threshold) << text << " " << x;
  }
}

TEST(LightgbmText, WhatCannotBeServedExactlyIsRefused) {
  const std::pair<std::pair<const char*, const char*>, const char*> cases[] = {
      {{"objective=binary", "objective=regression"}, "the model's objective is 'regression'"},
      {{"num_class=1", "num_class=3"}, "3 classes"},
      {{"decision_type=10", "decision_type=11"}, "categorical"},
      {{"decision_type=10", "decision_type=4"}, "zeros as missing"},
      {{"is_linear=0", "is_linear=1"}, "linear"},
      {{"left_child=1 -2", "left_child=0 -2"}, "reached twice"},
      {{"left_child=1 -2", "left_child=9 -2"}, "a child is 9"},
      {{"left_child=1 -2", "left_child=1 -9"}, "a child is -9"},
      {{"split_feature=0 1", "split_feature=0 2"}, "feature 2 of 2"},
      {{"split_feature=0 1", "split_feature=0"}, "does not hold 2"},
      {{"split_feature=0 1", "split_feature=0 -1"}, "below 0"},
      {{"threshold=0.1 -2", "threshold=0.1 nan"}, "no number"},
      {{"leaf_value=0.5", "leaf_value=inf"}, "no finite leaf value"},
      {{"num_leaves=3", "num_leaves=2000000000"}, "2000000000 leaves"},
      {{"num_leaves=3", "num_leaves=-1"}, "-1 leaves"},
      {{"version=v4", "version=v2"}, "version"},
      {{"sigmoid:2", "sigmoid:-2"}, "sigmoid"},
      {{"max_feature_idx=1", "max_feature_idx=-1"}, "max_feature_idx"},
      {{"end of trees", "end"}, "where a tree is due"}};
  for (const auto& [change, says] : cases) {
    auto model = read_lightgbm_text(replaced(kLightgbm, change.first, change.second), "m.txt");
    ASSERT_FALSE(model) << change.second;
    EXPECT_NE(model.error().line().find(says), std::string::npos) << model.error().line();
    EXPECT_EQ(model.error().where, "m.txt");
  }
}

// Cut anywhere, or with any byte changed: an error or a model that can be walked, and nothing worse.
TEST(LightgbmText, DamageIsSurvived) {
  std::string whole = kLightgbm;
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = whole;
    if (random.chance(0.3)) text.resize(random.below(text.size()));
    for (uint64_t n = random.below(4); n > 0 && !text.empty(); --n)
      text[random.below(text.size())] = "0123456789-=.e \nTx"[random.below(18)];
    auto model = read_lightgbm_text(text, "m");
    if (!model) continue;
    std::vector<float> row(model->feature_count);
    EXPECT_TRUE(std::isfinite(naive_margin(*model, row.data())));
  }
}

// Big-endian.
template <typename Number>
std::string raw(Number value) {
  std::string out(sizeof value, '\0');
  std::memcpy(out.data(), &value, sizeof value);
  return {out.rbegin(), out.rend()};
}

TEST(Ubjson, EveryKindOfValue) {
  const std::pair<std::string, std::string> cases[] = {
      {"Z", "null"},
      {"[TF]", "[true,false]"},
      {"[i\xffU\xff"
       "I" +
           raw(int16_t{-300}) + "l" + raw(int32_t{70000}) + "L" + raw(int64_t{-5'000'000'000}) +
           "]",
       "[-1,255,-300,70000,-5000000000]"},
      {"[d" + raw(0.1f) + "D" + raw(0.1) + "]", "[0.1,0.1]"},
      {"[$d#i\x02" + raw(1.5f) + raw(-2.f), "[1.5,-2]"},
      {"[$U#L" + raw(int64_t{3}) + "\x01\x02\x03", "[1,2,3]"},
      {"[#i\x02ZT", "[null,true]"},
      {"{i\x01"
       "aSi\x02x\"i\x01"
       "b[]}",
       R"({"a":"x\"","b":[]})"},
      {"{$i#i\x01i\x01"
       "a\x07",
       R"({"a":7})"}};
  for (const auto& [bytes, json] : cases) {
    auto got = ubjson_to_json(bytes, "m");
    ASSERT_TRUE(got) << json << got.error().line();
    EXPECT_EQ(*got, json);
  }
}

TEST(Ubjson, WhatIsWrongIsSaid) {
  const std::string cases[] = {"",
                               "?",
                               "[",
                               "{i\x01"
                               "a",
                               "i",
                               "ZZ",
                               "[$d]",
                               "[$d#i\x05",
                               "Si\x05"
                               "abc",
                               "Si\xff",
                               "[#L" + raw(int64_t{1} << 60),
                               "[$Z#L" + raw(int64_t{1} << 60),
                               "d" + raw(std::nanf("")),
                               std::string(40, '[')};
  for (const std::string& bytes : cases) {
    auto got = ubjson_to_json(bytes, "m.ubj", 1 << 20);
    ASSERT_FALSE(got) << bytes;
    EXPECT_NE(got.error().line().find("m.ubj: this is no UBJSON"), std::string::npos)
        << got.error().line();
  }
  std::string many = "[$Z#L" + raw(int64_t{1'000'000});
  EXPECT_FALSE(ubjson_to_json(many, "m", 1000)) << "few bytes, much text";
}

TEST(ModelImport, ColumnsArePutIntoTheConfigurationsOrder) {
  auto same = import_model(kLightgbm, "m", {"amount", "hour"});
  auto turned = import_model(kLightgbm, "m", {"hour", "amount"});
  ASSERT_TRUE(same) << same.error().line();
  ASSERT_TRUE(turned) << turned.error().line();
  for (float amount : {0.f, 1.f})
    for (float hour : {-3.f, 0.f})
      EXPECT_EQ(margin(*same, amount, hour), margin(*turned, hour, amount));
  auto made_up =
      import_model(replaced(kLightgbm, "amount hour", "Column_0 Column_1"), "m", {"x", "y"});
  EXPECT_TRUE(made_up) << "names that LightGBM made up";
  for (const auto& [features, says] : {std::pair<std::vector<std::string>, const char*>{
                                           {"amount"}, "2 columns, the configuration 1"},
                                       {{"amount", "day"}, "'hour' is no feature"}}) {
    auto refused = import_model(kLightgbm, "m", features);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().line().find(says), std::string::npos) << refused.error().line();
  }
  auto twice =
      import_model(replaced(kLightgbm, "amount hour", "amount amount"), "m", {"amount", "hour"});
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().line().find("there twice"), std::string::npos) << twice.error().line();
}

TEST(ModelImport, WhatIsWrittenReadsBackTheSame) {
  Random random(5);
  TreeModel model = random_model(random, {.trees = 20, .depth = 7, .features = 5});
  for (float base : {0.0f, -4.5f}) {
    model.base_margin = base;
    auto back = import_model(write_xgboost_json(model), "m", {"a", "b", "c", "d", "e"});
    ASSERT_TRUE(back) << back.error().line();
    EXPECT_NEAR(back->base_margin, base, 2e-6);
    for (int i = 0; i < 200; ++i) {
      std::vector<float> row = random_row(random, model);
      EXPECT_EQ(naive_margin(*back, row.data()) - back->base_margin,
                naive_margin(model, row.data()) - base);
    }
  }
}

}  // namespace
}  // namespace paywarden
