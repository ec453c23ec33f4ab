#include "log/journal_repair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/simulated_files.h"
#include "log/journal_testing.h"

namespace paywarden {
namespace {

using namespace testing_journal;
using ::testing::HasSubstr;

const std::string kDirectory = "j";

class RepairTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto journal = open();
    for (int i = 0; i < 30; ++i) {
      TestGroup group = random_group(random, 3, 400);
      ASSERT_TRUE(journal->append(group.records()));
      truth.add(group);
      ends.push_back(truth.end());
    }
    journal.reset();
    open();  // closes the last segment
    firsts = *list_segments(files, kDirectory);
    ASSERT_GE(firsts.size(), 5u);
  }
  Result<std::unique_ptr<Journal>> open_on(Files& disk) {
    JournalOptions options;
    options.directory = kDirectory;
    options.segment_bytes = 2500;
    options.seal_in_background = false;
    return Journal::open(disk, log, options);
  }
  std::unique_ptr<Journal> open() {
    auto journal = open_on(files);
    if (!journal) ADD_FAILURE() << journal.error().line();
    return std::move(journal.value());
  }
  // The same groups on another disk, so in the same segments.
  void write_again(Files& disk) {
    auto journal = std::move(open_on(disk).value());
    for (uint64_t from = 1, i = 0; i < ends.size(); from = ends[i++]) {
      TestGroup group;
      for (uint64_t s = from; s < ends[i]; ++s) group.items.push_back(truth.at(s));
      ASSERT_TRUE(journal->append(group.records()));
    }
  }
  VerifyReport verify() { return journal_verify(files, kDirectory).value(); }
  CutReport cut(std::optional<uint64_t> from) {
    auto report = journal_cut(files, log, kDirectory, from);
    if (!report) ADD_FAILURE() << report.error().line();
    return report.value_or(CutReport{});
  }
  std::string path(size_t segment) { return kDirectory + "/" + segment_name(firsts[segment]); }
  // The whole groups before `sequence` end here.
  uint64_t group_start(uint64_t sequence) {
    uint64_t start = 1;
    for (uint64_t end : ends)
      if (end <= sequence) start = end;
    return start;
  }
  void expect_a_journal_until(uint64_t end) {
    EXPECT_FALSE(verify().damage);
    EXPECT_EQ(verify().end_sequence, end);
    auto journal = open();
    EXPECT_EQ(journal->durable_end(), end);
    truth.cut(end);
    EXPECT_EQ(truth.compare(*journal), "");
    TestGroup group = random_group(random);
    ASSERT_TRUE(journal->append(group.records()));
    truth.add(group);
    journal.reset();
    EXPECT_EQ(truth.compare(*open()), "");
  }

  SimulatedFiles files{1};
  SilentLog log;
  Random random{1};
  Truth truth;
  std::vector<uint64_t> firsts, ends;
};

TEST_F(RepairTest, AGoodJournalIsCountedWhole) {
  VerifyReport report = verify();
  EXPECT_FALSE(report.damage);
  EXPECT_FALSE(report.unfinished);
  EXPECT_EQ(report.segments, firsts.size());
  EXPECT_EQ(report.groups, 30u);
  EXPECT_EQ(report.records, truth.end() - 1);
  EXPECT_EQ(report.end_sequence, truth.end());
  EXPECT_THAT(report.line(), HasSubstr(fmt::format("30 groups, {} records (1 to {})",
                                                   truth.end() - 1, truth.end() - 1)));
  EXPECT_THAT(report.line(), HasSubstr("no damage"));
  EXPECT_THAT(journal_cut(files, log, kDirectory, {}).error().line(), HasSubstr("nothing to cut"));
  EXPECT_EQ(truth.compare(*open()), "");
}

TEST_F(RepairTest, AnUnfinishedGroupIsNoDamage) {
  std::string last = path(firsts.size() - 1);
  uint64_t size = read_whole(files, last)->size();
  ASSERT_TRUE((*files.open(last, OpenMode::change))->write_all(size, "half a group"));
  VerifyReport report = verify();
  EXPECT_FALSE(report.damage);
  ASSERT_TRUE(report.unfinished);
  EXPECT_EQ(report.unfinished->where, fmt::format("{} at byte {}", last, size));
  EXPECT_FALSE(journal_cut(files, log, kDirectory, {}));
  EXPECT_EQ(truth.compare(*open()), "");
}

// A sealed segment is trusted through its index at the start; reading it meets the damage, verify
// tells where.
TEST_F(RepairTest, DamageInsideIsFoundByVerifyAndByReadersAndCut) {
  uint64_t in_header = kSegmentHeaderBytes + 3;  // of the first group of the third segment
  files.flip(path(2), in_header, 1);
  VerifyReport report = verify();
  ASSERT_TRUE(report.damage);
  EXPECT_EQ(report.damage->where, fmt::format("{} at byte {}", path(2), kSegmentHeaderBytes));
  EXPECT_EQ(report.end_sequence, firsts[2]);
  auto journal = open();
  uint64_t seen = 0;
  auto read = journal->read(1, [&](const RecordView& r) { return seen = r.sequence, true; });
  ASSERT_FALSE(read);
  EXPECT_EQ(seen, firsts[2] - 1);
  EXPECT_THAT(read.error().line(),
              HasSubstr(fmt::format("{} at byte {}", path(2), kSegmentHeaderBytes)));
  EXPECT_FALSE(journal->record(firsts[2]));
  EXPECT_THAT(journal_cut(files, log, kDirectory, {}).error().line(), HasSubstr("in use"));
  journal.reset();

  std::string damaged = read_whole(files, path(2))->substr(kSegmentHeaderBytes);
  CutReport done = cut({});
  EXPECT_EQ(done.cut_sequence, firsts[2]);
  EXPECT_EQ(done.end_before, truth.end());
  EXPECT_THAT(done.line(),
              HasSubstr(fmt::format("records {} to {} are removed", firsts[2], truth.end() - 1)));
  EXPECT_EQ(*read_whole(files, path(2) + ".removed"), damaged);
  EXPECT_EQ(done.removed_files.size(), firsts.size() - 2);
  expect_a_journal_until(firsts[2]);
}

TEST_F(RepairTest, DamageAtEveryFewBytesOfASegmentIsCutThere) {
  uint64_t size = read_whole(files, path(1))->size();
  for (uint64_t at = 0; at < size; at += 23) {
    SimulatedFiles fresh(at);
    write_again(fresh);
    fresh.flip(path(1), at, 0x80);
    VerifyReport before = journal_verify(fresh, kDirectory).value();
    ASSERT_TRUE(before.damage) << at;
    ASSERT_TRUE(journal_cut(fresh, log, kDirectory, {})) << at;
    auto opened = open_on(fresh);
    ASSERT_TRUE(opened) << at << ": " << opened.error().line();
    EXPECT_EQ((*opened)->durable_end(), before.end_sequence) << at;
    EXPECT_EQ(truth.compare(**opened), "") << at;
  }
}

TEST_F(RepairTest, CutsWhereToldAtTheGroupsBegin) {
  for (uint64_t from :
       {truth.end() - 1, firsts[3] + 1, firsts[3], firsts[1], uint64_t{2}, uint64_t{1}}) {
    uint64_t start = group_start(from);
    EXPECT_EQ(cut(from).cut_sequence, start);
    expect_a_journal_until(start);
    ends.erase(std::upper_bound(ends.begin(), ends.end(), start), ends.end());
  }
}

TEST_F(RepairTest, WishesThatCannotBeAreRefused) {
  EXPECT_THAT(journal_cut(files, log, kDirectory, truth.end() + 1).error().line(),
              HasSubstr("there is no record"));
  files.flip(path(2), kSegmentHeaderBytes + 40, 1);
  EXPECT_THAT(journal_cut(files, log, kDirectory, firsts[4]).error().line(),
              HasSubstr(fmt::format("cut from record {} or an earlier one", firsts[2])));
  EXPECT_THAT(journal_cut(files, log, "elsewhere", {}).error().line(),
              HasSubstr("there is no journal"));
}

TEST_F(RepairTest, AMissingSegmentAndADamagedHeaderAreCut) {
  files.flip(path(4), 20, 1);
  EXPECT_THAT(verify().damage->line(),
              HasSubstr(path(4) + " at byte 0: the segment's header is damaged"));
  EXPECT_EQ(cut({}).cut_sequence, firsts[4]);
  ASSERT_TRUE(files.remove(path(2)));
  ASSERT_TRUE(verify().damage);
  EXPECT_EQ(cut({}).cut_sequence, firsts[2]);
  files.flip(path(0), 20, 1);
  EXPECT_EQ(cut({}).cut_sequence, 1u);
  expect_a_journal_until(1);
}

TEST_F(RepairTest, ACutThatThePowerEndedIsRunAgain) {
  for (uint64_t calls = 0;; ++calls) {
    SimulatedFiles disk(calls);
    write_again(disk);
    disk.flip(path(2), kSegmentHeaderBytes + 1, 1);
    disk.cut_power_after(calls);
    bool finished = journal_cut(disk, log, kDirectory, {}).has_value();
    disk.restore_power();
    if (!finished) (void)journal_cut(disk, log, kDirectory, {}).has_value();
    auto opened = open_on(disk);
    ASSERT_TRUE(opened) << calls << ": " << opened.error().line();
    EXPECT_EQ((*opened)->durable_end(), firsts[2]) << calls;
    EXPECT_EQ(truth.compare(**opened), "") << calls;
    if (finished) break;
  }
}

}  // namespace
}  // namespace paywarden
