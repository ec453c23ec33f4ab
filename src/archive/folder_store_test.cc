#include "objects/folder_store.h"

#include <gmock/gmock.h>

#include "archive/archive_testing.h"
#include "base/simulated_files.h"

namespace paywarden {
namespace {

using testing::ElementsAre;

TEST(FolderStore, PutGetListRemove) {
  test::ArchiveFolder folder;
  PosixFiles files;
  auto store = *FolderStore::open(files, folder.file("deep/archive"));
  ASSERT_TRUE(store->put("topics/d/year=2026/b.json.gz", "two"));
  ASSERT_TRUE(store->put("topics/d/year=2026/a.json.gz", std::string("o\0e", 3)));
  ASSERT_TRUE(store->put("topics/e/c", "three"));
  ASSERT_TRUE(replace_whole(files, folder.file("deep/archive/topics/d/half.new"), "x"));
  EXPECT_EQ(*store->get("topics/d/year=2026/a.json.gz"), std::string("o\0e", 3));
  EXPECT_THAT(*store->list("topics/d/"),
              ElementsAre("topics/d/year=2026/a.json.gz", "topics/d/year=2026/b.json.gz"));
  ASSERT_TRUE(store->put("topics/e/c", "four"));
  EXPECT_EQ(*store->get("topics/e/c"), "four");
  ASSERT_TRUE(store->remove("topics/e/c"));
  ASSERT_TRUE(store->remove("topics/e/c"));
  EXPECT_FALSE(store->get("topics/e/c"));
}

TEST(FolderStore, NamesStayInsideTheFolder) {
  test::ArchiveFolder folder;
  PosixFiles files;
  auto store = *FolderStore::open(files, folder.file("archive"));
  for (const char* name : {"", "/a", "a/", "a//b", "..", "../a", "a/../../b", "a/./b"})
    EXPECT_FALSE(store->put(name, "x")) << name;
  EXPECT_FALSE(store->put(std::string(256, 'a'), "x"));
}

// After a power cut at any moment the name has the whole object or none.
TEST(FolderStore, AnObjectIsThereWholeOrNotAtAll) {
  for (uint64_t calls = 0; calls < 12; ++calls) {
    SimulatedFiles files(calls + 1);
    auto store = *FolderStore::open(files, "archive");
    files.cut_power_after(calls);
    Status put = store->put("a/b", std::string(5'000, 'x'));
    files.restore_power();
    auto there = store->get("a/b");
    if (put) {
      ASSERT_TRUE(there) << calls;
    }
    if (there) {
      EXPECT_EQ(*there, std::string(5'000, 'x')) << calls;
    }
  }
}

}  // namespace
}  // namespace paywarden
