#include "log/journal_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/simulated_files.h"
#include "log/journal_testing.h"
#include "log/recovery.h"

namespace paywarden {
namespace {

using namespace testing_journal;
using ::testing::HasSubstr;

const std::string kDirectory = "j";

class JournalViewTest : public ::testing::Test {
 protected:
  void SetUp() override {
    JournalOptions options{.directory = kDirectory, .segment_bytes = 2500};
    options.seal_in_background = false;
    journal = std::move(*Journal::open(files, log, options));
    add(30);
    firsts = *list_segments(files, kDirectory);
    ASSERT_GE(firsts.size(), 5u);
  }
  void add(int groups) {
    for (int i = 0; i < groups; ++i) {
      TestGroup group = random_group(random, 3, 400);
      ASSERT_TRUE(journal->append(group.records()));
      truth.add(group);
    }
  }
  JournalView view() { return std::move(*JournalView::open(files, kDirectory)); }
  // What is wrong with what it shows, up to and without `end`.
  std::string compare(const JournalView& view, uint64_t end) {
    uint64_t expected = view.first_sequence();
    std::string wrong;
    Status read = view.read([&](const RecordView& record) {
      const TestRecord& item = truth.at(expected);
      bool same = record.sequence == expected && record.kind == item.kind &&
                  record.bytes == item.bytes && record.lookup_key == item.key;
      if (!same) wrong = fmt::format("record {} differs", expected);
      ++expected;
      return same;
    });
    if (!read) return read.error().line();
    if (wrong.empty() && expected != end) wrong = fmt::format("ends at {}, not {}", expected, end);
    return wrong;
  }
  std::string path(size_t segment) { return kDirectory + "/" + segment_name(firsts[segment]); }

  SimulatedFiles files{1};
  SilentLog log;
  Random random{1};
  Truth truth;
  std::vector<uint64_t> firsts;
  std::unique_ptr<Journal> journal;  // open all the while, and holding its lock
};

TEST_F(JournalViewTest, ShowsWhatStoodWhenItWasOpenedBesideOneThatAppends) {
  JournalView before = view();
  uint64_t end = truth.end();
  EXPECT_EQ(before.first_sequence(), 1u);
  EXPECT_EQ(before.end_sequence(), end);
  EXPECT_EQ(compare(before, end), "");
  add(30);  // fills the segment that was the last one, and more
  EXPECT_EQ(compare(before, end), "");
  EXPECT_EQ(compare(view(), truth.end()), "");
  int records = 0;
  ASSERT_TRUE(before.read([&](const RecordView&) { return ++records < 4; }));
  EXPECT_EQ(records, 4);
}

TEST_F(JournalViewTest, AGroupThatIsBeingWrittenIsNoPartOfIt) {
  uint64_t size = read_whole(files, path(firsts.size() - 1))->size();
  auto file = *files.open(path(firsts.size() - 1), OpenMode::change);
  ASSERT_TRUE(file->write_all(size, "half a group"));
  EXPECT_EQ(compare(view(), truth.end()), "");
}

TEST_F(JournalViewTest, DamageIsSaidByItsPlace) {
  JournalView open_before = view();
  files.flip(path(2), kSegmentHeaderBytes + kGroupHeaderBytes + 20, 1);
  std::string says = compare(open_before, truth.end());
  EXPECT_THAT(says, HasSubstr(path(2) + " at byte 64"));
  EXPECT_THAT(says, HasSubstr("journal verify"));
  add(20);  // so that whole groups stand behind the next damage
  firsts = *list_segments(files, kDirectory);
  std::string last = path(firsts.size() - 1);
  SegmentHeader header = open_segment(files, last)->header;
  auto file = *files.open(last, OpenMode::read);
  auto facts = *scan_segment(*file, header, truth.end(), nullptr);
  while (facts.groups < 2) {
    add(1);
    firsts = *list_segments(files, kDirectory);
    last = path(firsts.size() - 1);
    auto opened = *open_segment(files, last);
    facts = *scan_segment(*opened.file, opened.header, truth.end(), nullptr);
  }
  files.flip(last, kSegmentHeaderBytes + kGroupHeaderBytes + 20, 1);
  auto damaged = JournalView::open(files, kDirectory);
  ASSERT_FALSE(damaged);
  EXPECT_THAT(damaged.error().line(), HasSubstr(last + " at byte 64"));
}

TEST_F(JournalViewTest, WhatRetentionDropsMeanwhileIsSaid) {
  JournalView open_before = view();
  ASSERT_TRUE(journal->drop_before(firsts[2]));
  EXPECT_THAT(compare(open_before, truth.end()), HasSubstr("dropped by retention meanwhile"));
  JournalView now = view();
  EXPECT_EQ(now.first_sequence(), firsts[2]);
  EXPECT_EQ(compare(now, truth.end()), "");
}

// On a real file system, where a group that is being written may be seen in part.
TEST(JournalView, IsWholeWhileAnotherThreadAppends) {
  PosixFiles files;
  SilentLog log;
  TemporaryDirectory directory(fast_directory());
  JournalOptions options{.directory = directory.path(), .segment_bytes = 1 << 20};
  auto journal = std::move(*Journal::open(files, log, options));
  std::atomic<bool> done{false};
  std::thread writer([&] {
    Random random{2};
    for (int i = 0; i < 1500; ++i) {
      TestGroup group = random_group(random, 40, 1500);
      if (!journal->append(group.records())) break;
    }
    done = true;
  });
  uint64_t views = 0, end = 0;
  bool last = false;
  while (!last) {
    last = done;
    auto view = JournalView::open(files, directory.path());
    ASSERT_TRUE(view) << view.error().line();
    EXPECT_GE(view->end_sequence(), end);
    end = view->end_sequence();
    uint64_t next = view->first_sequence();
    Status read = view->read([&](const RecordView& record) { return record.sequence == next++; });
    EXPECT_TRUE(read) << read.error().line();
    EXPECT_EQ(next, end);
    ++views;
  }
  writer.join();
  EXPECT_EQ(end, journal->durable_end());
  EXPECT_GE(views, 2u);
}

TEST_F(JournalViewTest, WhereThereIsNoJournalItSaysSo) {
  EXPECT_THAT(JournalView::open(files, "elsewhere").error().line(),
              HasSubstr("elsewhere: there is no journal here"));
}

}  // namespace
}  // namespace paywarden
