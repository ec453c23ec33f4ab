#include "app/section.h"

#include <gmock/gmock.h>

#include "app/config.h"
#include "app/setup.h"

namespace paywarden {
namespace {

using testing::HasSubstr;

constexpr uint64_t kTebibyte = uint64_t{1} << 40;

Result<uint64_t> size_of(const std::string& value) {
  toml::table table = toml::parse("[data]\nsize = " + value);
  Section section(table, "data", "c.toml");
  uint64_t out = 0;
  section.bytes("size", out, 1024, 4 * kTebibyte);
  TRY(section.finish());
  return out;
}

TEST(Section, Sizes) {
  struct Row {
    const char* text;
    uint64_t bytes;
  };
  for (Row row :
       {Row{"4096", 4096}, Row{"\"4096\"", 4096}, Row{"\"64KiB\"", 65'536},
        Row{"\"3MiB\"", 3u << 20}, Row{"\"1GiB\"", 1u << 30}, Row{"\"4TiB\"", 4 * kTebibyte}}) {
    auto size = size_of(row.text);
    ASSERT_TRUE(size) << row.text << ": " << size.error().line();
    EXPECT_EQ(*size, row.bytes) << row.text;
  }
  for (const char* text : {"\"1PiB\"", "\"64MB\"", "\"much\"", "-1", "true"})
    EXPECT_THAT(size_of(text).error().line(), HasSubstr("is no size")) << text;
  // 2^24 TiB are 2^64 bytes: no overflow passes for a small size.
  for (const char* text : {"1023", "\"5TiB\"", "\"16777217TiB\"", "\"18446744073709551615GiB\""})
    EXPECT_FALSE(size_of(text)) << text;
}

TEST(Config, ZeroTrainingThreadsAreAllProcessors) {
  std::string text = *read_text_file(PAYWARDEN_SOURCE "/config/demo.toml", "the demo");
  size_t at = text.find("[training]\n");
  ASSERT_NE(at, std::string::npos);
  text.insert(at + 11, "threads = 0\n");
  std::string copy = testing::TempDir() + "threads.toml";
  PosixFiles files;
  ASSERT_TRUE(replace_whole(files, copy, text));
  auto config = load_config(copy);
  ASSERT_TRUE(config) << config.error().line();
  EXPECT_EQ((*config)->training.booster.threads, 0u);
}

}  // namespace
}  // namespace paywarden
