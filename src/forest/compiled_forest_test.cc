#include "forest/compiled_forest.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>

#include "forest/forest_tables.h"
#include "forest/forest_testing.h"
#include "forest/quantiser.h"
#include "forest/sliced_forest.h"
#include "forest/xgboost_json.h"

namespace paywarden {
namespace {

std::vector<Isa> all_isas() {
  std::vector<Isa> isas;
  for (Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512})
    if (is_supported(isa)) isas.push_back(isa);
  return isas;
}

// For every instruction set: one row at a time and all at once, bit by bit as the first one says;
// and near the naive walk.
void expect_all_paths_equal(const TreeModel& model, const std::vector<float>& rows) {
  size_t n = rows.size() / model.feature_count;
  std::vector<float> first;
  for (Isa isa : all_isas()) {
    auto forest = CompiledForest::compile(model, isa);
    ASSERT_TRUE(forest) << forest.error().line();
    std::vector<float> batch(n), single(n);
    forest->margin_batch(rows.data(), model.feature_count, n, batch.data());
    for (size_t i = 0; i < n; ++i) single[i] = forest->margin(&rows[i * model.feature_count]);
    if (first.empty()) first = batch;
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(std::bit_cast<uint32_t>(batch[i]), std::bit_cast<uint32_t>(first[i]))
          << name_of(isa) << " row " << i;
      ASSERT_EQ(std::bit_cast<uint32_t>(single[i]), std::bit_cast<uint32_t>(first[i]))
          << name_of(isa) << " row " << i;
      ASSERT_NEAR(first[i], naive_margin(model, &rows[i * model.feature_count]), 2e-5)
          << name_of(isa) << " row " << i;
    }
  }
}

std::vector<float> random_rows(Random& random, const TreeModel& model, size_t n,
                               bool infinities = true) {
  std::vector<float> rows;
  for (size_t i = 0; i < n; ++i) {
    std::vector<float> row = random_row(random, model, infinities);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return rows;
}

struct ShapeCase {
  const char* what;
  ForestShape shape;
};

TEST(CompiledForest, EveryShapeOnEveryPath) {
  const ShapeCase cases[] = {
      {"one leaf", {.trees = 1, .depth = 0}},
      {"one stump", {.trees = 1, .depth = 1, .features = 1}},
      {"exactly one group", {.trees = 16, .depth = 4}},
      {"one more than a group", {.trees = 17, .depth = 6}},
      {"the usual", {.trees = 200, .depth = 6, .features = 32}},
      {"33 features: more than 64 slots",
       {.trees = 100, .depth = 6, .features = 33, .leaf_chance = 0}},
      {"45 features, 64 slots that are tested",
       {.trees = 100, .depth = 7, .features = 45, .leaf_chance = 0, .one_sided = 26}},
      {"45 features, 65 slots that are tested",
       {.trees = 100, .depth = 7, .features = 45, .leaf_chance = 0, .one_sided = 25}},
      {"features with several parts of thresholds, few slots that are tested",
       {.trees = 200,
        .depth = 8,
        .features = 20,
        .leaf_chance = 0,
        .distinct_thresholds = 600,
        .one_sided = 20}},
      {"65 features: more than 128 slots",
       {.trees = 100, .depth = 6, .features = 65, .leaf_chance = 0}},
      {"200 features: more than byte slots hold",
       {.trees = 100, .depth = 6, .features = 200, .leaf_chance = 0}},
      {"features with one and with several parts of thresholds",
       {.trees = 200,
        .depth = 7,
        .features = 40,
        .leaf_chance = 0,
        .distinct_thresholds = 100'000}},
      {"depth 8", {.trees = 40, .depth = 8, .features = 20}},
      {"depth 9: walked", {.trees = 20, .depth = 9, .features = 20}},
      {"depths on both sides of the limit",
       {.trees = 60, .depth = 10, .features = 20, .leaf_chance = 0.45}},
      {"300 trees", {.trees = 300, .depth = 5, .features = 40}},
      {"features that no node uses", {.trees = 3, .depth = 2, .features = 500}},
      {"one threshold for all", {.trees = 30, .depth = 6, .features = 4, .distinct_thresholds = 1}},
      {"3,000 thresholds a feature",
       {.trees = 100,
        .depth = 8,
        .features = 5,
        .leaf_chance = 0,
        .distinct_thresholds = 1'000'000}},
      {"odd numbers", {.trees = 50, .depth = 6, .features = 6, .odd_thresholds = true}},
  };
  uint64_t seed = 1;
  for (const ShapeCase& each : cases) {
    SCOPED_TRACE(each.what);
    Random random(seed++);
    TreeModel model = random_model(random, each.shape);
    expect_all_paths_equal(model, random_rows(random, model, 70));
  }
}

// Rows are taken in slices, blocks or one by one, by how many there are: all give the same bits. A row more than a slice, a word or a
// register holds, and one less.
TEST(CompiledForest, ManyRowsAtOnceAsOneByOne) {
  const ForestShape shapes[] = {
      {.trees = 200, .depth = 6, .features = 32},
      {.trees = 17, .depth = 3, .features = 5},
      {.trees = 1, .depth = 0},
      {.trees = 90, .depth = 6, .features = 8, .odd_thresholds = true},
      {.trees = 290, .depth = 6, .features = 40, .leaf_chance = 0, .distinct_thresholds = 100'000},
  };
  uint64_t seed = 300;
  for (const ForestShape& shape : shapes) {
    Random random(seed++);
    TreeModel model = random_model(random, shape);
    std::vector<float> rows = random_rows(random, model, 300);
    for (size_t n : {1, 8, 31, 32, 33, 47, 48, 63, 64, 65, 127, 128, 129, 159, 160, 256, 300}) {
      SCOPED_TRACE(fmt::format("{} trees, {} rows", shape.trees, n));
      expect_all_paths_equal(
          model, {rows.begin(), rows.begin() + static_cast<ptrdiff_t>(n * model.feature_count)});
    }
  }
}

// Stumps of one feature, each with a test of its own.
TreeModel model_of_tests(uint32_t tests) {
  TreeModel model;
  model.feature_count = 1;
  for (uint32_t i = 0; i < tests; ++i)
    model.trees.push_back({{{1, 2, 0, static_cast<float>(i / 2), 0, 2, i % 2 == 0},
                            {-1, -1, 0, 0, 1, 1, false},
                            {-1, -1, 0, 0, 0, 1, false}}});
  return model;
}

TEST(CompiledForest, SlicesWhatItIsMadeFor) {
  Random random(1);
  for (Isa isa : all_isas()) {
    auto is_sliced = [isa](const TreeModel& model) {
      return !SlicedForest::build(plan_forest(model), isa).empty();
    };
    const bool has_vectors = isa != Isa::scalar;
    TreeModel usual = random_model(random, {.trees = 200, .depth = 6, .features = 32});
    EXPECT_EQ(is_sliced(usual), has_vectors);
    EXPECT_EQ(is_sliced(model_of_tests(SlicedForest::tests_max)), has_vectors);
    EXPECT_FALSE(is_sliced(model_of_tests(SlicedForest::tests_max + 1)));
    for (uint32_t depth : {7u, 9u}) {
      TreeModel deep =
          random_model(random, {.trees = 1, .depth = depth, .features = 4, .leaf_chance = 0});
      EXPECT_FALSE(is_sliced(deep)) << depth;
    }
    EXPECT_FALSE(is_sliced(TreeModel{}));
  }
}

TEST(CompiledForest, SlicesWithAsManyTestsAsItTakes) {
  TreeModel model = model_of_tests(SlicedForest::tests_max);
  std::vector<float> rows;
  for (float x : {-1.0f, 0.0f, 0.5f, 1.0f, 100.0f, 6'142.0f, 6'143.0f, 6'144.0f, std::nanf("")})
    rows.insert(rows.end(), 15, x);
  for (Isa isa : all_isas()) {
    auto forest = CompiledForest::compile(model, isa);
    ASSERT_TRUE(forest);
    std::vector<float> out(rows.size());
    forest->margin_batch(rows.data(), 1, rows.size(), out.data());
    for (size_t i = 0; i < rows.size(); ++i)
      ASSERT_EQ(out[i], naive_margin(model, &rows[i])) << name_of(isa) << " " << rows[i];
  }
}

// Leaves of -0, infinite thresholds and values, missing values to both sides, rows further apart
// than they are long.
TEST(CompiledForest, SlicesOddModelsAsTheOthersDo) {
  constexpr float infinite = std::numeric_limits<float>::infinity();
  for (float threshold : {-infinite, infinite, -0.0f, 0.0f, 1e-45f}) {
    TreeModel model;
    model.feature_count = 2;
    for (uint32_t i = 0; i < 40; ++i)
      model.trees.push_back({{{1, 2, i % 2, threshold, 0, 2, i % 3 == 0},
                              {-1, -1, 0, 0, -0.0f, 1, false},
                              {-1, -1, 0, 0, i < 20 ? -0.0f : 0.25f, 1, false}}});
    std::vector<float> rows;
    for (float x : {-infinite, -1.0f, -0.0f, 0.0f, 1e-45f, 1.0f, infinite, std::nanf("")})
      for (float y : {infinite, 0.0f, -1.0f, std::nanf("")}) {
        rows.push_back(x);
        rows.push_back(y);
        rows.push_back(7);  // between the rows
      }
    const size_t n = rows.size() / 3;
    ASSERT_GE(n, SlicedForest::rows_worth_it);
    auto scalar = CompiledForest::compile(model, Isa::scalar);
    for (Isa isa : all_isas()) {
      auto forest = CompiledForest::compile(model, isa);
      ASSERT_TRUE(forest && scalar);
      std::vector<float> out(n);
      forest->margin_batch(rows.data(), 3, n, out.data());
      for (size_t i = 0; i < n; ++i)
        ASSERT_EQ(std::bit_cast<uint32_t>(out[i]),
                  std::bit_cast<uint32_t>(scalar->margin(&rows[3 * i])))
            << name_of(isa) << " " << threshold << " row " << i;
    }
  }
}

// A row's sum does not depend on the rows beside it, whatever they hold.
TEST(CompiledForest, RowsOfASliceDoNotTouchEachOther) {
  Random random(2);
  TreeModel model = random_model(random, {.trees = 64, .depth = 6, .features = 12});
  std::vector<float> rows = random_rows(random, model, 128),
                     others = random_rows(random, model, 128);
  for (Isa isa : all_isas()) {
    auto forest = CompiledForest::compile(model, isa);
    ASSERT_TRUE(forest);
    std::vector<float> before(128), after(128);
    forest->margin_batch(rows.data(), 12, 128, before.data());
    for (size_t kept = 0; kept < 128; kept += 7) {
      std::vector<float> mixed = others;
      std::copy_n(&rows[kept * 12], 12, &mixed[kept * 12]);
      forest->margin_batch(mixed.data(), 12, 128, after.data());
      EXPECT_EQ(std::bit_cast<uint32_t>(after[kept]), std::bit_cast<uint32_t>(before[kept]))
          << name_of(isa) << " row " << kept;
    }
  }
}

// Whether those slots alone are kept that nodes test.
bool is_near(const ForestShape& shape) {
  Random random(1);
  TreeModel model = random_model(random, shape);
  Result<Quantiser> quantiser = Quantiser::build(model, Isa::scalar);
  EXPECT_TRUE(quantiser);
  return build_tables(plan_forest(model), *quantiser, Isa::avx512).byte_slots.is_near;
}

TEST(CompiledForest, KeepsTheSlotsThatAreTestedWhereOneRegisterHoldsThem) {
  ForestShape shape{.trees = 100, .depth = 7, .features = 45, .leaf_chance = 0, .one_sided = 26};
  EXPECT_TRUE(is_near(shape)) << "26 features with one slot, 19 with two: 64";
  shape.one_sided = 25;
  EXPECT_FALSE(is_near(shape)) << "65";
  shape = {.trees = 200,
           .depth = 8,
           .features = 20,
           .leaf_chance = 0,
           .distinct_thresholds = 600,
           .one_sided = 20};
  EXPECT_TRUE(is_near(shape)) << "three parts of each feature, with one slot: 60";
  shape.one_sided = 16;
  EXPECT_FALSE(is_near(shape)) << "72";
}

TEST(CompiledForest, RandomShapes) {
  for (uint64_t seed = 100; seed < 160; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    ForestShape shape{.trees = 1 + static_cast<uint32_t>(random.below(60)),
                      .depth = 1 + static_cast<uint32_t>(random.below(10)),
                      .features = 1 + static_cast<uint32_t>(random.below(80)),
                      .leaf_chance = random.unit() * 0.6,
                      .distinct_thresholds = 1 + static_cast<uint32_t>(random.below(400)),
                      .odd_thresholds = random.chance(0.3)};
    TreeModel model = random_model(random, shape);
    expect_all_paths_equal(model, random_rows(random, model, 20));
  }
}

TEST(CompiledForest, EqualsXgboost) {
  for (uint64_t seed = 200; seed < 220; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    TreeModel model = random_model(random, {.trees = 1 + static_cast<uint32_t>(random.below(200)),
                                            .depth = 1 + static_cast<uint32_t>(random.below(9)),
                                            .features = 12,
                                            .odd_thresholds = random.chance(0.5)});
    std::vector<float> rows = random_rows(random, model, 200, false);
    std::string json = write_xgboost_json(model);
    auto read = read_xgboost_json(json, "model.json");
    ASSERT_TRUE(read) << read.error().line();
    auto forest = CompiledForest::compile(*read);
    ASSERT_TRUE(forest);
    std::vector<float> want = XgboostReferee(json).predict(rows, 12,
                                                           XgboostReferee::Output::probability),
                       got(200);
    forest->score_batch(rows.data(), 12, 200, got.data());
    for (size_t i = 0; i < 200; ++i) ASSERT_NEAR(got[i], want[i], 1e-6) << i;
  }
}

TEST(CompiledForest, BatchesOfAnySizeAndStride) {
  Random random(3);
  TreeModel model = random_model(random, {.trees = 40, .depth = 6, .features = 10});
  auto forest = CompiledForest::compile(model);
  ASSERT_TRUE(forest);
  std::vector<float> rows(100 * 13);
  for (float& x : rows) x = static_cast<float>(random.unit() - 0.5);
  for (size_t n : {0, 1, 2, 15, 16, 17, 33, 100}) {
    std::vector<float> out(n + 1, -1.0f);
    forest->score_batch(rows.data(), 13, n, out.data());
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(out[i], forest->score(&rows[i * 13])) << n << " " << i;
    EXPECT_EQ(out[n], -1.0f);  // nothing written behind the last
  }
}

TEST(CompiledForest, SaysWhatItCannotHold) {
  TreeModel model;
  model.feature_count = 1;
  for (uint32_t i = 0; i <= Quantiser::thresholds_max; ++i)
    model.trees.push_back({{{1, 2, 0, static_cast<float>(i), 0, 2, true},
                            {-1, -1, 0, 0, 1, 1, false},
                            {-1, -1, 0, 0, 2, 1, false}}});
  auto forest = CompiledForest::compile(model);
  ASSERT_FALSE(forest);
  EXPECT_NE(forest.error().what.find("splits feature 0 at 65534 values"), std::string::npos)
      << forest.error().line();
  model.trees.pop_back();
  EXPECT_TRUE(CompiledForest::compile(model));

  TreeModel wide;
  wide.feature_count = Quantiser::used_features_max + 1;
  for (uint32_t i = 0; i < wide.feature_count; ++i)
    wide.trees.push_back(
        {{{1, 2, i, 0.5f, 0, 2, true}, {-1, -1, 0, 0, 1, 1, false}, {-1, -1, 0, 0, 2, 1, false}}});
  ASSERT_FALSE(CompiledForest::compile(wide));
  wide.trees.pop_back();
  std::vector<float> row(wide.feature_count, 0.25f);
  auto widest = CompiledForest::compile(wide);
  ASSERT_TRUE(widest);
  EXPECT_EQ(widest->margin(row.data()), Quantiser::used_features_max);
}

TEST(CompiledForest, MostThresholdsInOneFeature) {
  TreeModel model;
  model.feature_count = 1;
  for (uint32_t i = 0; i < 5'000; ++i)
    model.trees.push_back({{{1, 2, 0, static_cast<float>(i), 0, 2, i % 2 == 0},
                            {-1, -1, 0, 0, 1, 1, false},
                            {-1, -1, 0, 0, 0, 1, false}}});
  for (Isa isa : all_isas()) {
    auto forest = CompiledForest::compile(model, isa);
    ASSERT_TRUE(forest);
    for (float x : {-1.0f, 0.0f, 0.5f, 271.0f, 272.0f, 288.0f, 4'911.5f, 4'912.0f, 4'998.0f,
                    4'999.0f, 6'000.0f})
      EXPECT_EQ(forest->margin(&x), naive_margin(model, &x)) << x;
    float missing = std::nanf("");
    EXPECT_EQ(forest->margin(&missing), 2'500);
  }
}

TEST(CompiledForest, SigmoidAtTheEnds) {
  EXPECT_EQ(sigmoid(0), 0.5f);
  EXPECT_EQ(sigmoid(1000), 1.0f);
  EXPECT_EQ(sigmoid(-1000), 0.0f);
  EXPECT_NEAR(sigmoid(-2.5f), 1 / (1 + std::exp(2.5)), 1e-8);
}

}  // namespace
}  // namespace paywarden
