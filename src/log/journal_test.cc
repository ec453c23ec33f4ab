#include "log/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/crc32c.h"
#include "base/simulated_files.h"
#include "log/journal_testing.h"

namespace paywarden {
namespace {

using namespace testing_journal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kDirectory = "j";

class JournalTest : public ::testing::Test {
 protected:
  JournalOptions options(uint64_t segment_bytes = 1 << 20) {
    JournalOptions options;
    options.directory = kDirectory;
    options.segment_bytes = segment_bytes;
    options.seal_in_background = false;
    return options;
  }
  Result<std::unique_ptr<Journal>> try_open(uint64_t segment_bytes = 1 << 20) {
    return Journal::open(files, log, options(segment_bytes));
  }
  std::unique_ptr<Journal> open(uint64_t segment_bytes = 1 << 20) {
    auto journal = try_open(segment_bytes);
    if (!journal) ADD_FAILURE() << journal.error().line();
    return std::move(journal.value());
  }
  void append(Journal& journal, const TestGroup& group) {
    auto first = journal.append(group.records());
    ASSERT_TRUE(first) << first.error().line();
    EXPECT_EQ(*first, truth.end());
    truth.add(group);
  }
  void append_some(Journal& journal, int groups) {
    for (int i = 0; i < groups; ++i) append(journal, random_group(random));
  }
  std::string path(uint64_t first) { return kDirectory + "/" + segment_name(first); }

  SimulatedFiles files{1};
  SilentLog log;
  Random random{1};
  Truth truth;
};

TEST_F(JournalTest, EmptyOneStartsWithRecordOne) {
  auto journal = open();
  EXPECT_EQ(journal->first_sequence(), 1u);
  EXPECT_EQ(journal->durable_end(), 1u);
  EXPECT_EQ(truth.compare(*journal), "");
  EXPECT_FALSE(journal->record(1));
  EXPECT_FALSE(journal->wait_for(1, milliseconds(1)));
}

TEST_F(JournalTest, RoundTripThroughManySegmentsAndStarts) {
  for (int start = 0; start < 5; ++start) {
    auto journal = open(5000);
    ASSERT_EQ(truth.compare(*journal), "") << start;
    append_some(*journal, 40);
    ASSERT_EQ(truth.compare(*journal), "") << start;
    ASSERT_EQ(journal->durable_end(), truth.end());
    EXPECT_GT(journal->figures().segments, 5u);
    for (uint64_t s = 1; s < truth.end(); ++s) ASSERT_EQ(truth.compare_one(*journal, s), "");
    EXPECT_TRUE(journal->wait_for(truth.end() - 1, milliseconds(0)));
  }
}

TEST_F(JournalTest, AGroupOfAnySizeIsOneWriteAndOneSync) {
  auto journal = open();
  for (size_t records : {1, 50, 500}) {
    uint64_t before = files.calls();
    append(*journal, random_group(random, records));
    EXPECT_EQ(files.calls() - before, 2u);
  }
}

TEST_F(JournalTest, StartsWithoutAppendsMakeNoMoreSegments) {
  append_some(*open(), 3);
  open();
  uint64_t segments = open()->figures().segments;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(open()->figures().segments, segments);
  EXPECT_EQ(truth.compare(*open()), "");
}

TEST_F(JournalTest, ReadGoesOnFromAnyRecordAndStopsWhenTold) {
  auto journal = open(3000);
  append_some(*journal, 20);
  for (uint64_t from = 1; from <= truth.end(); ++from) {
    uint64_t seen = 0;
    auto next = journal->read(from, [&](const RecordView& record) {
      EXPECT_EQ(record.sequence, from + seen);
      return ++seen < 3;
    });
    ASSERT_TRUE(next);
    EXPECT_EQ(*next, from + seen);
    EXPECT_EQ(seen, std::min<uint64_t>(3, truth.end() - from));
  }
  auto beyond = journal->read(truth.end() + 1, [](const RecordView&) { return true; });
  ASSERT_FALSE(beyond);
  EXPECT_THAT(beyond.error().line(), HasSubstr("the end is"));
}

TEST_F(JournalTest, FindAnswersNewestFirstAndNoMoreThanAsked) {
  auto journal = open(200);
  for (uint64_t key : {7, 8, 7, 7, 8}) append(*journal, {{{RecordKind::payment, "abc", key}}});
  EXPECT_THAT(*journal->find(7), ElementsAre(4, 3, 1));
  EXPECT_THAT(*journal->find(7, 2), ElementsAre(4, 3));
  EXPECT_THAT(*journal->find(8, 1), ElementsAre(5));
  EXPECT_THAT(*journal->find(9), ElementsAre());
  EXPECT_THAT(*journal->find(0), ElementsAre());
}

TEST_F(JournalTest, LimitsAreRefusedAndHarmNothing) {
  JournalOptions small = options();
  small.group_bytes_max = 1000;
  auto journal = std::move(Journal::open(files, log, small).value());
  EXPECT_FALSE(journal->append({}));
  std::string large(1000, 'x'), huge(kRecordBytesMax + 1, 'x');
  RecordToWrite one{RecordKind::payment, large, 1};
  auto refused = journal->append({&one, 1});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().line(), HasSubstr("a group of 1048 bytes is over the limit of 1000"));
  one.bytes = huge;
  EXPECT_THAT(journal->append({&one, 1}).error().line(), HasSubstr("a record of 16777216 bytes"));
  EXPECT_TRUE(journal->usable());
  append(*journal, {{{RecordKind::payment, "fits", 1}}});
  EXPECT_EQ(truth.compare(*journal), "");
}

TEST_F(JournalTest, SegmentsAreFullByRecordsToo) {
  JournalOptions few = options();
  few.segment_records_max = 3;
  auto journal = std::move(Journal::open(files, log, few).value());
  for (int i = 0; i < 7; ++i) append(*journal, {{{RecordKind::label, "", 0}}});
  EXPECT_EQ(journal->figures().segments, 3u);
  append(*journal,
         {{{RecordKind::label, "", 1},
           {RecordKind::label, "", 2},
           {RecordKind::label, "", 3},
           {RecordKind::label, "", 4}}});  // more than a segment's share goes into one of its own
  EXPECT_EQ(truth.compare(*journal), "");
}

TEST_F(JournalTest, LargestRecordAndManyRecordsInAGroup) {
  auto journal = open(1 << 26);
  JournalOptions defaults;
  TestGroup large{{{RecordKind::change, random_text(random, defaults.group_bytes_max - 48), 3}}};
  append(*journal, large);
  append(*journal, random_group(random, 5000, 30));
  append(*journal, large);
  EXPECT_EQ(truth.compare(*journal), "");
  EXPECT_EQ(truth.compare_one(*journal, truth.end() - 2), "");
  journal.reset();
  EXPECT_EQ(truth.compare(*open()), "");
}

// --- retention

TEST_F(JournalTest, RetentionDropsWholeSegmentsAndSurvivesStarts) {
  auto journal = open(2000);
  append_some(*journal, 30);
  EXPECT_EQ(*journal->drop_before(1), 1u);
  uint64_t middle = truth.end() / 2;
  uint64_t first = *journal->drop_before(middle);
  EXPECT_GT(first, 1u);
  EXPECT_LE(first, middle);
  EXPECT_EQ(truth.compare(*journal), "");
  auto dropped = journal->record(1);
  ASSERT_FALSE(dropped);
  EXPECT_EQ(dropped.error().line(), "j: record 1 is dropped by retention");
  EXPECT_FALSE(journal->read(first - 1, [](const RecordView&) { return true; }));
  journal.reset();
  journal = open(2000);
  EXPECT_EQ(journal->first_sequence(), first);
  EXPECT_EQ(truth.compare(*journal), "");
  EXPECT_LE(*journal->drop_before(truth.end() + 100), truth.end() - 1);
  append_some(*journal, 5);
  EXPECT_EQ(truth.compare(*journal), "");
}

// --- what the directory may look like at a start

TEST_F(JournalTest, OneProcessAtATime) {
  auto journal = open();
  auto second = try_open();
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().line(), HasSubstr("journal.lock: in use by"));
}

TEST_F(JournalTest, UnknownFormatIsRefusedByNumber) {
  append_some(*open(), 2);
  std::string bytes = encode_segment_header({1, 77});
  bytes[8] = 2;
  uint32_t crc = crc32c(std::string_view(bytes).substr(0, 60));
  std::memcpy(bytes.data() + 60, &crc, 4);
  ASSERT_TRUE(replace_whole(files, path(1), bytes));
  EXPECT_EQ(try_open().error().line(), path(1) +
                                           ": has format 2, this paywarden knows format 1; start "
                                           "the version of paywarden that wrote it");
}

TEST_F(JournalTest, ARenamedSegmentIsRefused) {
  append_some(*open(), 2);
  ASSERT_TRUE(files.rename(path(1), path(500)));
  EXPECT_EQ(try_open().error().line(),
            path(500) + ": holds the records from 1 on; rename it back to " + segment_name(1));
}

TEST_F(JournalTest, AMissingSegmentIsRefusedWithWhatIsMissing) {
  append_some(*open(1500), 12);
  auto firsts = *list_segments(files, kDirectory);
  ASSERT_GE(firsts.size(), 4u);
  ASSERT_TRUE(files.remove(path(firsts[2])));
  EXPECT_THAT(try_open().error().line(), HasSubstr(fmt::format("{} at byte", path(firsts[1]))));
  EXPECT_THAT(try_open().error().line(),
              HasSubstr(fmt::format("the records from {} on are missing", firsts[2])));
}

TEST_F(JournalTest, ASegmentThatLostItsEndIsRefused) {
  append_some(*open(1500), 12);
  open(1500);
  auto firsts = *list_segments(files, kDirectory);
  uint64_t size = read_whole(files, path(firsts[1]))->size();
  ASSERT_TRUE((*files.open(path(firsts[1]), OpenMode::change))->truncate(size - 1));
  EXPECT_THAT(try_open().error().line(), HasSubstr(path(firsts[1]) + " at byte"));
}

TEST_F(JournalTest, LeftoversOfACrashAreRemoved) {
  append_some(*open(1500), 6);
  for (const char* name :
       {"journal-00000000000000000077.pwj.new", "journal-00000000000000000001.pwj.index.new",
        "journal-00000000000000000099.pwj.index"})
    ASSERT_TRUE(replace_whole(files, kDirectory + "/" + name, "rubbish"));
  ASSERT_TRUE(replace_whole(files, kDirectory + "/notes.new", "not ours"));
  EXPECT_EQ(truth.compare(*open()), "");
  auto names = *files.list(kDirectory);
  EXPECT_EQ(std::count_if(names.begin(), names.end(), [](auto& n) { return n.ends_with(".new"); }),
            1);
  EXPECT_FALSE(*files.exists(kDirectory + "/journal-00000000000000000099.pwj.index"));
}

TEST_F(JournalTest, IndexesAreBuiltAgainWhenAbsentDamagedOrOfAnotherState) {
  append_some(*open(3000), 20);
  open(3000);  // closes the last one
  auto firsts = *list_segments(files, kDirectory);
  std::string index = index_path(path(firsts[1]));
  ASSERT_EQ(open()->recovery().indexes_built, 0u);
  ASSERT_TRUE(files.remove(index));
  EXPECT_EQ(open()->recovery().indexes_built, 1u);
  std::string good = *read_whole(files, index);
  ASSERT_TRUE(replace_whole(files, index, *read_whole(files, index_path(path(firsts[0])))));
  EXPECT_EQ(open()->recovery().indexes_built, 1u) << "another segment's";
  ASSERT_EQ(*read_whole(files, index), good);
  for (size_t at = 0; at < good.size(); at += at < 100 ? 1 : 97) {
    files.flip(index, at, 0x10);
    auto journal = open();
    ASSERT_EQ(truth.compare(*journal), "") << "byte " << at;
    for (uint64_t s = firsts[1]; s < firsts[2]; ++s) ASSERT_EQ(truth.compare_one(*journal, s), "");
    ASSERT_EQ(*read_whole(files, index), good) << "byte " << at;
  }
  ASSERT_TRUE(replace_whole(files, index, good.substr(0, good.size() - 1)));
  EXPECT_EQ(open()->recovery().indexes_built, 1u) << "cut short";
}

// --- failures while running

TEST_F(JournalTest, AFullDiskEndsAppendingAndLosesNothing) {
  for (uint64_t room = 0; room < 4000; room += 130) {
    files.fill_disk_after(uint64_t{1} << 40);
    auto journal = open(1500);
    ASSERT_EQ(truth.compare(*journal), "");
    append_some(*journal, 2);
    files.fill_disk_after(room);
    Result<uint64_t> last = 0;
    while (true) {
      TestGroup group = random_group(random);
      last = journal->append(group.records());
      if (!last) break;
      truth.add(group);
    }
    EXPECT_THAT(last.error().line(), HasSubstr("the disk is full; free space on this disk"));
    EXPECT_FALSE(journal->usable());
    files.fill_disk_after(uint64_t{1} << 40);
    auto never = journal->append(random_group(random).records());
    ASSERT_FALSE(never) << "a failure is never tried again";
    EXPECT_THAT(never.error().line(), HasSubstr("start again"));
    EXPECT_EQ(truth.compare(*journal), "") << "what is durable stays readable";
    journal.reset();
    journal = open(1500);
    EXPECT_EQ(journal->durable_end(), truth.end());
    EXPECT_EQ(truth.compare(*journal), "");
  }
}

TEST_F(JournalTest, AStartOnAFullDiskSaysSo) {
  append_some(*open(), 3);
  files.fill_disk_after(10);
  EXPECT_THAT(try_open().error().line(), HasSubstr("the disk is full"));
  files.fill_disk_after(1 << 20);
  EXPECT_EQ(truth.compare(*open()), "");
}

// The group whose sync failed reads well from the page cache, and no later sync of its file would
// bring it to the disk.
TEST_F(JournalTest, AFailedSyncIsNeverAcknowledgedNorShownBeforeItIsDurableElsewhere) {
  auto journal = open();
  append_some(*journal, 3);
  files.fail_syncs(1);
  TestGroup group = random_group(random);
  auto failed = journal->append(group.records());
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().where, testing::EndsWith(".pwj"))
      << "the name that the file has by then";
  EXPECT_FALSE(journal->usable());
  EXPECT_EQ(journal->durable_end(), truth.end());
  EXPECT_FALSE(journal->append(group.records()));
  journal.reset();
  journal = open();
  ASSERT_EQ(journal->durable_end(), truth.end() + group.items.size()) << "whole in the page cache";
  truth.add(group);
  EXPECT_EQ(truth.compare(*journal), "");
  journal.reset();
  files.restore_power();
  journal = open();
  EXPECT_EQ(journal->durable_end(), truth.end()) << "was shown";
  EXPECT_EQ(truth.compare(*journal), "");
}

// --- many threads

TEST_F(JournalTest, ReadersFollowTheWriterThroughRotationsAndRetention) {
  TemporaryDirectory directory(fast_directory());
  PosixFiles posix;
  JournalOptions real;
  real.directory = directory.path();
  real.segment_bytes = 20'000;
  auto opened = Journal::open(posix, log, real);
  ASSERT_TRUE(opened) << opened.error().line();
  Journal& journal = **opened;
  constexpr uint64_t kGroups = 300, kRecords = 2 * kGroups;
  std::atomic<uint64_t> slowest = 1;
  std::thread tail([&] {
    for (uint64_t cursor = 1; cursor <= kRecords;) {
      if (!journal.wait_for(cursor, seconds(10))) break;
      auto next = journal.read(cursor, [&](const RecordView& record) {
        EXPECT_EQ(record.bytes, std::string(record.sequence % 700, 'a' + record.sequence % 26));
        return true;
      });
      ASSERT_TRUE(next) << next.error().line();
      slowest = cursor = *next;
    }
  });
  std::thread look([&] {
    while (slowest <= kRecords && !HasFailure()) {
      uint64_t end = journal.durable_end();
      if (end == 1) continue;
      auto found = journal.find(end - 1);
      ASSERT_TRUE(found) << found.error().line();
      if (journal.first_sequence() < end) {
        EXPECT_THAT(*found, ElementsAre(end - 1));
      }
      auto record = journal.record(end - 1);
      if (record) {
        EXPECT_EQ(record->bytes.size(), (end - 1) % 700);
      }
    }
  });
  std::thread drop([&] {
    while (slowest <= kRecords && !HasFailure()) {
      auto dropped = journal.drop_before(slowest);
      ASSERT_TRUE(dropped) << dropped.error().line();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  // The writer stays close enough to the others that all four meet, however the machine schedules.
  auto too_far = [&](uint64_t s) {
    return s > slowest + 100 || (s > kRecords / 2 && journal.first_sequence() == 1);
  };
  for (uint64_t s = 1; s <= kRecords; s += 2) {
    while (too_far(s) && !HasFailure()) std::this_thread::yield();
    std::string a(s % 700, 'a' + s % 26), b((s + 1) % 700, 'a' + (s + 1) % 26);
    RecordToWrite pair[] = {{RecordKind::payment, a, s}, {RecordKind::decision, b, s + 1}};
    auto first = journal.append(pair);
    EXPECT_TRUE(first && *first == s);
    if (!first) break;
  }
  tail.join();
  look.join();
  drop.join();
  EXPECT_EQ(slowest, kRecords + 1);
  EXPECT_GT(journal.first_sequence(), 1u);
}

}  // namespace
}  // namespace paywarden
