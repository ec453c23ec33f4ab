#include "forest/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/digest.h"
#include "forest/forest_testing.h"

namespace paywarden {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class BundleTest : public testing::Test {
 protected:
  BundleTest() : directory_(testing::TempDir() + "bundle-XXXXXX") {
    CHECK(mkdtemp(directory_.data()), "a temporary directory");
    path_ = directory_ + "/cards-1";
  }
  ~BundleTest() override { fs::remove_all(directory_); }

  static Bundle example() {
    Random random(5);
    Bundle bundle;
    bundle.name = "cards-1";
    bundle.created_from = "train --data \"a.csv\"";
    bundle.features = {{"card_amount_sum_24h", 41.5f}, {"hour", std::nanf("")}, {"amount", 12.25f}};
    bundle.features_hash = "abc";
    bundle.thresholds = {0.25f, 0.9f};
    bundle.calibration = *Calibration::from({{0.1f, 0.05f}, {0.9f, 0.8f}});
    bundle.training = {
        1000, 7, "2020-01-01T00:00:00.000Z", "2020-02-01T00:00:00.000Z", {{"trees", "10"}}};
    bundle.metrics = {{"aucpr", 0.875}};
    bundle.model_json =
        write_xgboost_json(random_model(random, {.trees = 3, .depth = 3, .features = 3}));
    return bundle;
  }
  std::string read(const std::string& file) const {
    std::ifstream stream(path_ + "/" + file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void write(const std::string& file, const std::string& text) const {
    std::ofstream(path_ + "/" + file) << text;
  }
  size_t entries() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(directory_), fs::directory_iterator()));
  }

  std::string directory_, path_;
};

TEST_F(BundleTest, ComesBackAsItWas) {
  Bundle bundle = example();
  ASSERT_TRUE(save_bundle(path_ + "/", bundle));
  auto loaded = load_bundle(path_);
  ASSERT_TRUE(loaded) << loaded.error().line();
  EXPECT_EQ(loaded->name, bundle.name);
  EXPECT_EQ(loaded->created_from, bundle.created_from);
  ASSERT_EQ(loaded->features.size(), 3u);
  EXPECT_EQ(loaded->features[0].name, "card_amount_sum_24h");
  EXPECT_EQ(loaded->features[2].usual, 12.25f);
  EXPECT_TRUE(std::isnan(loaded->features[1].usual));
  EXPECT_EQ(loaded->features_hash, "abc");
  EXPECT_EQ(loaded->thresholds.review, 0.25f);
  EXPECT_EQ(loaded->thresholds.decline, 0.9f);
  EXPECT_EQ(loaded->calibration.points().size(), 2u);
  EXPECT_EQ(loaded->training.rows, 1000u);
  EXPECT_EQ(loaded->training.frauds, 7u);
  EXPECT_EQ(loaded->training.until, bundle.training.until);
  EXPECT_EQ(loaded->training.parameters, bundle.training.parameters);
  EXPECT_EQ(loaded->metrics, bundle.metrics);
  EXPECT_EQ(loaded->model_json, bundle.model_json);
  EXPECT_EQ(loaded->model.trees.size(), 3u);
  EXPECT_EQ(loaded->content_hash.size(), 64u);
  EXPECT_EQ(entries(), 1u);  // nothing temporary stays
}

ModelReference example_reference() {
  BinReference score{{0.01f, 0.3f}, {0.5, 0.4, 0.1, 0}, 0.0625};
  BinReference few{edges_of({0, 1, 2}), {0, 0.2, 0.3, 0.5, 0, 0}, 7.9};
  BinReference missing{{}, {0, 1}, 0};
  return {score, {few, missing, few}};
}

TEST_F(BundleTest, AReferenceComesBackToTheLastBit) {
  Bundle bundle = example();
  bundle.reference = example_reference();
  ASSERT_TRUE(save_bundle(path_, bundle));
  auto loaded = load_bundle(path_);
  ASSERT_TRUE(loaded) << loaded.error().line();
  ASSERT_TRUE(loaded->reference);
  EXPECT_EQ(loaded->reference->score.edges, bundle.reference->score.edges);
  ASSERT_EQ(loaded->reference->features.size(), 3u);
  EXPECT_EQ(loaded->reference->features[0].edges, bundle.reference->features[0].edges);
  EXPECT_EQ(loaded->reference->features[0].shares, bundle.reference->features[0].shares);
  EXPECT_EQ(loaded->reference->features[0].day_psi_max, 7.9);
  EXPECT_TRUE(loaded->reference->features[1].edges.empty());
  ASSERT_TRUE(save_bundle(directory_ + "/copy", *loaded));
  EXPECT_EQ(load_bundle(directory_ + "/copy")->content_hash, loaded->content_hash);
}

// As bundles of before and imported models are: they stay the same to the last byte, since logs call them by their hash.
TEST_F(BundleTest, WithoutAReferenceNothingIsWrittenOfIt) {
  ASSERT_TRUE(save_bundle(path_, example()));
  EXPECT_EQ(read("bundle.json").find("reference"), std::string::npos);
  EXPECT_FALSE(load_bundle(path_)->reference);
}

TEST_F(BundleTest, AReferenceOfOtherFeaturesOrWithoutOrderIsRefused) {
  Bundle bundle = example();
  bundle.reference = example_reference();
  bundle.reference->features.pop_back();
  EXPECT_THAT(save_bundle(path_, bundle).error().what,
              HasSubstr("'reference' has 2 features, and the bundle 3"));
  bundle.reference = example_reference();
  bundle.reference->score.edges = {0.3f, 0.01f};
  EXPECT_THAT(save_bundle(path_, bundle).error().what, HasSubstr("edges do not ascend"));
}

TEST_F(BundleTest, OneHashForOneContent) {
  Bundle bundle = example();
  ASSERT_TRUE(save_bundle(path_, bundle));
  std::string first = load_bundle(path_)->content_hash;
  ASSERT_TRUE(save_bundle(path_, bundle, {.replace = true}));
  EXPECT_EQ(load_bundle(path_)->content_hash, first);
  bundle.thresholds.review = 0.26f;
  ASSERT_TRUE(save_bundle(path_, bundle, {.replace = true}));
  EXPECT_NE(load_bundle(path_)->content_hash, first);
}

TEST_F(BundleTest, ReplacesOnlyWhenTold) {
  ASSERT_TRUE(save_bundle(path_, example()));
  Bundle other = example();
  other.name = "other";
  auto refused = save_bundle(path_, other);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().line(), HasSubstr("stands here already"));
  EXPECT_EQ(load_bundle(path_)->name, "cards-1");
  ASSERT_TRUE(save_bundle(path_, other, {.replace = true}));
  EXPECT_EQ(load_bundle(path_)->name, "other");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(BundleTest, ReplacesNothingButBundles) {
  EXPECT_TRUE(check_bundle_place(path_)) << "nothing is there";
  ASSERT_TRUE(save_bundle(path_, example()));
  EXPECT_TRUE(check_bundle_place(path_));
  write("notes.txt", "mine");
  for (bool saved : {false, true}) {
    auto refused =
        saved ? save_bundle(path_, example(), {.replace = true}) : check_bundle_place(path_);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().line(), HasSubstr("'notes.txt' would be lost"));
  }
  EXPECT_EQ(read("notes.txt"), "mine");
  std::filesystem::remove_all(path_);
  std::filesystem::create_directory(path_);
  write("model.json", "mine");
  EXPECT_THAT(save_bundle(path_, example(), {.replace = true}).error().line(),
              HasSubstr("'model.json' would be lost"));
  std::filesystem::remove_all(path_);
  std::ofstream(path_) << "mine";
  EXPECT_THAT(save_bundle(path_, example(), {.replace = true}).error().line(),
              HasSubstr("a file stands here"));
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_TRUE(save_bundle(path_, example(), {.replace = true})) << "an empty directory";
}

TEST_F(BundleTest, RefusesToWriteWhatItWouldNotRead) {
  Bundle bundle = example();
  bundle.thresholds = {0.9f, 0.5f};
  EXPECT_FALSE(save_bundle(path_, bundle));
  bundle = example();
  bundle.features.pop_back();
  auto status = save_bundle(path_, bundle);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().what, HasSubstr("lists 2 features, and its model has 3"));
  bundle = example();
  bundle.features[1].name = "amount";
  EXPECT_THAT(save_bundle(path_, bundle).error().what, HasSubstr("'amount' stands twice"));
  bundle = example();
  bundle.model_json = "{}";
  EXPECT_FALSE(save_bundle(path_, bundle));
  EXPECT_EQ(entries(), 0u);
}

TEST_F(BundleTest, DamageIsSeen) {
  for (const char* file : {"bundle.json", "model.json", "SHA256SUMS"}) {
    ASSERT_TRUE(save_bundle(path_, example(), {.replace = true}));
    std::string text = read(file);
    text[text.size() / 2] ^= 1;
    write(file, text);
    auto damaged = load_bundle(path_);
    ASSERT_FALSE(damaged) << file;
    EXPECT_THAT(damaged.error().what, HasSubstr("do not match SHA256SUMS")) << file;
    fs::remove(path_ + "/" + file);
    auto absent = load_bundle(path_);
    ASSERT_FALSE(absent) << file;
    EXPECT_THAT(absent.error().line(),
                HasSubstr(std::string(file) + ": cannot read the file: No such file"));
  }
}

TEST_F(BundleTest, ManifestComplaintsNameTheField) {
  ASSERT_TRUE(save_bundle(path_, example()));
  std::string good = read("bundle.json"), model = read("model.json");
  struct Row {
    const char *from, *to, *complaint;
  };
  for (Row row :
       {Row{"\"format_version\":1", "\"format_version\":2",
            "'format_version' is 2, and this program reads 1"},
        Row{"\"name\":\"hour\"", "\"nam\":\"hour\"", "'features[1].name' is missing or not a text"},
        Row{"\"review\":0.25", "\"review\":\"x\"",
            "'thresholds.review' is missing or not a number"},
        Row{"\"decline\":0.9", "\"decline\":0.1", "not 0 <= review <= decline"},
        Row{"\"raw\":0.9", "\"raw\":0.05", "calibration point 1"},
        Row{"\"rows\":1000", "\"rows\":-1", "'training.rows' is missing or not a whole number"},
        Row{"\"metrics\":[", "\"metrics\":5,\"m\":[", "'metrics' is missing or not a list"}}) {
    std::string text = good;
    size_t at = text.find(row.from);
    ASSERT_NE(at, std::string::npos) << row.from;
    write("bundle.json", text.replace(at, std::string(row.from).size(), row.to));
    write("SHA256SUMS",
          fmt::format("{}  bundle.json\n{}  model.json\n", sha256_hex(text), sha256_hex(model)));
    auto loaded = load_bundle(path_);
    ASSERT_FALSE(loaded) << row.to;
    EXPECT_THAT(loaded.error().what, HasSubstr(row.complaint));
    EXPECT_EQ(loaded.error().where, path_ + "/bundle.json");
  }
}

TEST_F(BundleTest, FeaturesThatDoNotMatchAreNamed) {
  Bundle bundle = example();
  EXPECT_TRUE(check_features(bundle, {"card_amount_sum_24h", "hour", "amount"}, "abc"));
  struct Row {
    std::vector<std::string> names;
    const char* hash;
    const char* complaint;
  };
  for (const Row& row :
       {Row{{"card_amount_sum_24h", "amount"}, "abc", "the configuration lacks 'hour'"},
        Row{{"card_amount_sum_24h", "hour", "amount", "age"},
            "abc",
            "the model does not know 'age'"},
        Row{{"card_amount_sum_24h", "weekday", "amount"},
            "abc",
            "the configuration lacks 'hour'; the model does not know 'weekday'"},
        Row{{"hour", "card_amount_sum_24h", "amount"},
            "abc",
            "place 1 is 'card_amount_sum_24h' in the model and 'hour' in the configuration"},
        Row{{"card_amount_sum_24h", "hour", "amount", "amount"}, "abc", "stands twice"},
        Row{{"card_amount_sum_24h", "hour", "amount"}, "xyz", "definition"}}) {
    auto status = check_features(bundle, row.names, row.hash, "config/cards.toml");
    ASSERT_FALSE(status) << row.complaint;
    EXPECT_THAT(status.error().line(), HasSubstr(row.complaint));
    EXPECT_THAT(status.error().line(), HasSubstr("config/cards.toml: model 'cards-1'"));
  }
}

TEST_F(BundleTest, NoPlaceToWrite) {
  EXPECT_TRUE(save_bundle(directory_ + "/absent/cards-1", example()))
      << "folders on the way are made";
  std::ofstream(directory_ + "/file") << "in the way";
  auto status = save_bundle(directory_ + "/file/cards-1", example());
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().line(), HasSubstr("/file: cannot create a directory here"));
}

TEST(Calibration, LinesBetweenPoints) {
  auto calibration = Calibration::from({{0.1f, 0.0f}, {0.5f, 0.4f}, {0.6f, 0.4f}, {0.8f, 1.0f}});
  ASSERT_TRUE(calibration);
  EXPECT_EQ(calibration->apply(0.0f), 0.0f);
  EXPECT_EQ(calibration->apply(0.1f), 0.0f);
  EXPECT_FLOAT_EQ(calibration->apply(0.3f), 0.2f);
  EXPECT_EQ(calibration->apply(0.55f), 0.4f);
  EXPECT_FLOAT_EQ(calibration->apply(0.7f), 0.7f);
  EXPECT_EQ(calibration->apply(1.0f), 1.0f);
  EXPECT_EQ(Calibration().apply(0.123f), 0.123f);
  float before = 0;
  for (int i = 0; i <= 10'000; ++i) {
    float now = calibration->apply(static_cast<float>(i) / 10'000);
    ASSERT_LE(before, now) << i;
    before = now;
  }
}

TEST(Calibration, RefusesWhatIsNoMonotoneMap) {
  EXPECT_FALSE(Calibration::from({{0.1f, 0.5f}, {0.1f, 0.6f}}));
  EXPECT_FALSE(Calibration::from({{0.1f, 0.5f}, {0.2f, 0.4f}}));
  EXPECT_FALSE(Calibration::from({{-0.1f, 0.5f}}));
  EXPECT_FALSE(Calibration::from({{0.1f, std::nanf("")}}));
}

TEST(BundlePlace, IsADirectoryOfItsOwn) {
  EXPECT_EQ(bundle_name("var/demo/model"), "model");
  EXPECT_EQ(bundle_name("model/"), "model");
  EXPECT_EQ(bundle_name("./a/../model//"), "model");
  for (const char* none : {".", "./", "/", "..", "../", "../..", "a/.."})
    EXPECT_FALSE(check_bundle_place(none)) << none;
  EXPECT_TRUE(check_bundle_place("no-such-directory/model/"));
}

}  // namespace
}  // namespace paywarden
