#include "app/follow_places.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

namespace paywarden {
namespace {

using testing::HasSubstr;

struct Folder {
  std::string path = testing::TempDir() + "follow_places_" + std::to_string(getpid());
  Folder() { std::filesystem::create_directory(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

TEST(FollowPlaces, KeepsThemAndRefusesWhatItCannotRead) {
  Folder folder;
  std::string file = folder.path + "/followed.json";
  PosixFiles files;
  FilePlace place{1'000, 11, 90, {}};
  place.tail.bytes[15] = 0xfa;
  {
    auto places = FollowPlaces::load(files, file);
    ASSERT_TRUE(places) << places.error().line();
    EXPECT_FALSE((*places)->of("live.csv"));
    ASSERT_TRUE((*places)->save());
    EXPECT_FALSE(*files.exists(file)) << "nothing was to be kept";
    (*places)->durable("live.csv", {500, 5, 90, {}});
    (*places)->durable("live.csv", place);
    (*places)->durable("a \"b\"\n.ndjson", {7, 2, 7, {}});
    ASSERT_TRUE((*places)->save());
  }
  auto places = FollowPlaces::load(files, file);
  ASSERT_TRUE(places) << places.error().line();
  auto found = (*places)->of("live.csv");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->bytes, 1'000u);
  EXPECT_EQ(found->line, 11u);
  EXPECT_EQ(found->tail_bytes, 90u);
  EXPECT_EQ(found->tail, place.tail);
  EXPECT_EQ((*places)->of("a \"b\"\n.ndjson")->bytes, 7u);

  ASSERT_TRUE(
      replace_whole(files, file, R"({"format":1,"files":[{"path":"live.csv","bytes":-1}]})"));
  EXPECT_THAT(FollowPlaces::load(files, file).error().line(),
              HasSubstr("followed.json: does not say how far"));
  ASSERT_TRUE(replace_whole(files, file, R"({"format":2,"files":[]})"));
  EXPECT_THAT(FollowPlaces::load(files, file).error().line(), HasSubstr("unknown format 2"));
}

TEST(FollowPlaces, WhatCouldNotBeSavedIsSavedTheNextTime) {
  Folder folder;
  std::string file = folder.path + "/followed.json";
  PosixFiles files;
  auto places = FollowPlaces::load(files, file);
  ASSERT_TRUE(places);
  (*places)->durable("live.csv", {500, 5, 90, {}});
  std::filesystem::remove_all(folder.path);
  EXPECT_FALSE((*places)->save());
  std::filesystem::create_directory(folder.path);
  ASSERT_TRUE((*places)->save());
  EXPECT_TRUE(*files.exists(file));
}

}  // namespace
}  // namespace paywarden
