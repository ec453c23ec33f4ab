// Promise E2: whatever a power cut, a dying process or rot leaves, a start shows a prefix with
// everything acknowledged, or refuses.
#include "log/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/simulated_files.h"
#include "log/journal_testing.h"

namespace paywarden {
namespace {

using namespace testing_journal;
using ::testing::HasSubstr;

const std::string kDirectory = "j";

JournalOptions small_segments(uint64_t bytes) {
  JournalOptions options;
  options.directory = kDirectory;
  options.segment_bytes = bytes;
  options.seal_in_background = false;
  return options;
}

// One segment with four groups; where each begins.
struct FourGroups {
  explicit FourGroups(uint64_t seed) : files(seed) {
    Random random(seed);
    auto journal = std::move(Journal::open(files, log, small_segments(1 << 20)).value());
    uint64_t offset = kSegmentHeaderBytes;
    for (int i = 0; i < 4; ++i) {
      TestGroup group = random_group(random, 3, 90);
      starts.push_back(offset);
      firsts.push_back(truth.end());
      offset += group_bytes(group.records());
      EXPECT_TRUE(journal->append(group.records()));
      truth.add(group);
    }
    end = offset;
  }
  Result<std::unique_ptr<Journal>> open() {
    return Journal::open(files, log, small_segments(1 << 20));
  }
  // Which group the byte is in.
  size_t group_of(uint64_t offset) const {
    return static_cast<size_t>(std::upper_bound(starts.begin(), starts.end(), offset) -
                               starts.begin()) -
           1;
  }
  std::string path = kDirectory + "/" + segment_name(1);
  SimulatedFiles files;
  SilentLog log;
  Truth truth;
  std::vector<uint64_t> starts, firsts;
  uint64_t end = 0;
};

TEST(Recovery, AnyByteChangedInTheLastGroupCutsItInAnEarlierOneRefuses) {
  uint64_t end = FourGroups(5).end;
  for (uint64_t at = kSegmentHeaderBytes; at < end; ++at) {
    FourGroups journal(5);
    journal.files.flip(journal.path, at, static_cast<uint8_t>(1u << (at % 8)));
    size_t hit = journal.group_of(at);
    auto opened = journal.open();
    if (hit == 3) {
      ASSERT_TRUE(opened) << at << ": " << opened.error().line();
      EXPECT_EQ((*opened)->durable_end(), journal.firsts[3]) << at;
      EXPECT_EQ(journal.truth.compare(**opened), "") << at;
      EXPECT_EQ((*opened)->recovery().bytes_cut, end - journal.starts[3]);
    } else {
      ASSERT_FALSE(opened) << at;
      std::string line = opened.error().line();
      EXPECT_THAT(line,
                  HasSubstr(fmt::format("{} at byte {}: ", journal.path, journal.starts[hit])));
      EXPECT_THAT(line, HasSubstr("`paywarden journal cut`"));
    }
  }
}

TEST(Recovery, AnyByteChangedInTheSegmentHeaderRefuses) {
  for (uint64_t at = 0; at < kSegmentHeaderBytes; ++at) {
    FourGroups journal(6);
    journal.files.flip(journal.path, at, 0x40);
    auto opened = journal.open();
    ASSERT_FALSE(opened) << at;
    EXPECT_THAT(opened.error().line(), HasSubstr("the segment's header is damaged"));
  }
}

TEST(Recovery, CutAtAnyLengthItShowsTheWholeGroupsBefore) {
  uint64_t end = FourGroups(7).end;
  for (uint64_t length = kSegmentHeaderBytes; length <= end; ++length) {
    FourGroups journal(7);
    ASSERT_TRUE((*journal.files.open(journal.path, OpenMode::change))->truncate(length));
    auto opened = journal.open();
    ASSERT_TRUE(opened) << length << ": " << opened.error().line();
    uint64_t expected =
        length == end ? journal.truth.end() : journal.firsts[journal.group_of(length)];
    EXPECT_EQ((*opened)->durable_end(), expected) << length;
    EXPECT_EQ(journal.truth.compare(**opened), "") << length;
  }
}

TEST(Recovery, WhatFollowsTheLastGroupIsIgnored) {
  for (const std::string& tail :
       {std::string(5, '\0'), std::string(3000, '\0'), std::string(700, 'x')}) {
    FourGroups journal(8);
    auto file = std::move(journal.files.open(journal.path, OpenMode::change).value());
    ASSERT_TRUE(file->write_all(journal.end, tail));
    auto opened = journal.open();
    ASSERT_TRUE(opened) << opened.error().line();
    EXPECT_EQ((*opened)->durable_end(), journal.truth.end());
    EXPECT_EQ(journal.truth.compare(**opened), "");
  }
}

// A payload with the bytes of real groups (an older segment's, and one made without the salt) in a
// torn last group.
TEST(Recovery, APayloadCannotPassForALaterGroup) {
  FourGroups journal(9);
  std::string old_segment = *read_whole(journal.files, journal.path);
  GroupEncoder encoder;
  RecordToWrite record{RecordKind::payment, "fake", 1};
  std::string fake = old_segment.substr(kSegmentHeaderBytes);
  fake += encoder.encode(0, journal.truth.end() + 1, {&record, 1});
  auto opened = std::move(journal.open().value());  // a new segment with a salt of its own
  uint64_t before = opened->durable_end();
  RecordToWrite carrier{RecordKind::payment, fake, 1};
  ASSERT_TRUE(opened->append({&carrier, 1}));
  opened.reset();
  std::string last = kDirectory + "/" + segment_name(journal.firsts[3]);
  uint64_t size = read_whole(journal.files, last)->size();
  journal.files.flip(last, size - group_bytes({&carrier, 1}) + 2, 1);  // tears the carrier's header
  auto again = journal.open();
  ASSERT_TRUE(again) << again.error().line();
  EXPECT_EQ((*again)->durable_end(), before);
  EXPECT_EQ(journal.truth.compare(**again), "");
}

constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

// A machine that lives several lives: the power fails or the process dies at any call, syncs fail,
// the disk fills.
class ManyLives {
 public:
  explicit ManyLives(uint64_t seed) : files_(seed), random_(seed * 2 + 1) {
    files_.write_short(random_.chance(0.3));
  }

  std::string run() {
    for (int life = 0; life < 6; ++life) {
      if (random_.chance(0.8)) files_.cut_power_after(random_.below(120));
      if (random_.chance(0.2)) files_.fail_syncs(1);
      if (random_.chance(0.1)) files_.fill_disk_after(random_.below(9000));
      std::string wrong = live(true);
      if (!wrong.empty()) return wrong;
      files_.fail_syncs(0);
      files_.fill_disk_after(uint64_t{1} << 40);
      if (files_.power_is_off() || random_.chance(0.3)) files_.restore_power();
      files_.cut_power_after(kNever);
    }
    return live(false);
  }

 private:
  std::string live(bool may_fail) {
    auto journal = Journal::open(files_, log_, small_segments(1 + random_.below(6000)));
    if (!journal) {
      // Only what befalls the disk now may keep it from starting, never what an earlier life left.
      std::string line = journal.error().line();
      bool disk = line.find("Input/output error") != line.npos || line.find("is full") != line.npos;
      return disk && may_fail ? "" : "refuses to start: " + line;
    }
    std::string wrong = look(**journal);
    for (int i = 0; i < 12 && wrong.empty() && (*journal)->usable(); ++i) wrong = act(**journal);
    return wrong;
  }

  std::string look(const Journal& journal) {
    uint64_t end = journal.durable_end();
    if (end < acknowledged_)
      return fmt::format("shows {}, {} was acknowledged or shown before", end, acknowledged_);
    if (end != acknowledged_ && end != truth_.end())
      return fmt::format("a part of a group, to {}", end);
    if (journal.first_sequence() > drop_asked_) return "dropped more than asked";
    acknowledged_ = end;  // shown: it must stay
    truth_.cut(end);
    std::string wrong = truth_.compare(journal);
    return files_.power_is_off() ? "" : wrong;
  }

  std::string act(Journal& journal) {
    if (random_.chance(0.1)) {
      uint64_t before = 1 + random_.below(acknowledged_);
      drop_asked_ = std::max(drop_asked_, before);
      (void)journal.drop_before(before).has_value();
      return "";
    }
    TestGroup group = random_group(random_);
    truth_.add(group);
    if (journal.append(group.records())) acknowledged_ = truth_.end();
    if (journal.durable_end() != acknowledged_) return "durable_end() is not what was acknowledged";
    return "";
  }

  SimulatedFiles files_;
  Random random_;
  SilentLog log_;
  Truth truth_;  // acknowledged, and perhaps one group more
  uint64_t acknowledged_ = 1;
  uint64_t drop_asked_ = 1;
};

TEST(Recovery, NothingAcknowledgedOrShownIsLostThroughManyLives) {
  for (uint64_t seed = 0; seed < 3000; ++seed)
    ASSERT_EQ(ManyLives(seed).run(), "") << "seed " << seed;
}

// The power fails at each call of a recovery in turn, twice over.
TEST(Recovery, ARecoveryCutAtAnyPointIsRepeated) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    for (uint64_t first_cut = 0; first_cut < 60; ++first_cut) {
      FourGroups journal(seed);
      journal.files.restore_power();
      journal.files.cut_power_after(first_cut);
      bool finished = journal.open().has_value();
      journal.files.restore_power();
      journal.files.cut_power_after((first_cut * 7 + seed) % 40);
      (void)journal.open().has_value();
      journal.files.restore_power();
      auto opened = journal.open();
      ASSERT_TRUE(opened) << seed << " " << first_cut << ": " << opened.error().line();
      ASSERT_EQ((*opened)->durable_end(), journal.truth.end()) << seed << " " << first_cut;
      ASSERT_EQ(journal.truth.compare(**opened), "") << seed << " " << first_cut;
      if (finished) break;
    }
  }
}

}  // namespace
}  // namespace paywarden
