// The embedded page is whole: what a browser asks for first is there, and each gzip unpacks to its
// bytes.
#include "center/page_assets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <set>
#include <string>

namespace paywarden {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string gunzip(std::string_view packed, size_t size) {
  std::string out(size + 1, '\0');
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(PageAssets, TheFirstRequestsFindTheirFiles) {
  for (std::string_view path : {"/", "/index.html", "/docs", "/docs.html"}) {
    const PageAsset* asset = find_page_asset(path);
    ASSERT_NE(asset, nullptr) << path;
    EXPECT_EQ(asset->content_type, "text/html; charset=utf-8");
    EXPECT_FALSE(asset->immutable) << "a new version must be seen at once";
    EXPECT_TRUE(asset->bytes.starts_with("<!doctype html>")) << path;
  }
}

TEST(PageAssets, NothingElseIsFound) {
  for (std::string_view path :
       {"", "//", "/nowhere", "/../index.html", "/index.html/", "index.html"})
    EXPECT_EQ(find_page_asset(path), nullptr) << path;
}

TEST(PageAssets, GzipHoldsTheSameBytesAndIsSmaller) {
  for (const PageAsset& asset : page_assets()) {
    EXPECT_FALSE(asset.bytes.empty()) << asset.path;
    EXPECT_EQ(asset.immutable, asset.path.starts_with("/assets/"));
    if (asset.gzip.empty()) continue;
    EXPECT_LT(asset.gzip.size(), asset.bytes.size());
    EXPECT_EQ(gunzip(asset.gzip, asset.bytes.size()), asset.bytes) << asset.path;
  }
}

TEST(PageAssets, EtagsAreQuotedAndPathsAreSortedAndUnique) {
  std::set<std::string_view> paths;
  for (const PageAsset& asset : page_assets()) {
    EXPECT_TRUE(paths.empty() || *paths.rbegin() < asset.path);
    EXPECT_TRUE(paths.insert(asset.path).second) << asset.path;
    EXPECT_TRUE(asset.etag.starts_with('"') && asset.etag.ends_with('"') && asset.etag.size() > 16);
  }
}

// The policy forbids inline script and style; a page that holds them would come up blank.
TEST(PageAssets, PagesHoldNothingThatThePolicyForbids) {
  for (const PageAsset& asset : page_assets()) {
    if (!asset.path.ends_with(".html")) continue;
    std::string text(asset.bytes);
    EXPECT_THAT(text, Not(HasSubstr("<style"))) << asset.path;
    EXPECT_THAT(text, Not(HasSubstr("style="))) << asset.path;
    EXPECT_THAT(text, Not(HasSubstr("<script>"))) << asset.path;
    EXPECT_THAT(text, Not(HasSubstr("http://"))) << asset.path;
    EXPECT_THAT(text, Not(HasSubstr("https://"))) << asset.path;
  }
}

}  // namespace
}  // namespace paywarden
