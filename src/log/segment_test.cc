#include "log/segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/digest.h"
#include "base/simulated_files.h"
#include "log/journal_testing.h"
#include "log/segment_index.h"

namespace paywarden {
namespace {

using namespace testing_journal;

TEST(SegmentName, BothWays) {
  EXPECT_EQ(segment_name(1), "journal-00000000000000000001.pwj");
  for (uint64_t first : {uint64_t{1}, uint64_t{987654321}, std::numeric_limits<uint64_t>::max()})
    EXPECT_EQ(sequence_of_segment_name(segment_name(first)), first);
  for (const char* other :
       {"", "journal-1.pwj", "journal-0000000000000000000x.pwj", "journal-99999999999999999999.pwj",
        "journal-00000000000000000001.pwj.new", "journal.lock", "journal--0000000000000000001.pwj"})
    EXPECT_FALSE(sequence_of_segment_name(other)) << other;
}

// The bytes of format 1, once and for all: a change here needs a new format number.
TEST(Segment, FormatOneIsThese) {
  uint32_t format = 0;
  SegmentHeader header;
  std::string bytes = encode_segment_header({42, 0x1122334455667788});
  EXPECT_EQ(to_hex(bytes),
            "5041595752444e4a01000000000000002a0000000000000088776655443322110000000000000000"
            "0000000000000000000000000000000000000000434acc25");
  EXPECT_EQ(decode_segment_header(bytes, header, format), HeaderState::good);
  EXPECT_EQ(header.first_sequence, 42u);
  EXPECT_EQ(header.salt, 0x1122334455667788u);
  RecordToWrite records[] = {{RecordKind::payment, "abc", 7}, {RecordKind::label, "", 0}};
  GroupEncoder encoder;
  std::string group(encoder.encode(header.salt, 42, records));
  EXPECT_EQ(group.size(), 32 + 16 + 3 + 16u);
  EXPECT_EQ(group.size(), group_bytes(records));
  EXPECT_EQ(to_hex(group),
            "98fd256ef24876612a00000000000000230000000200000000000000c3aa3464bbca3a0f01030000"
            "07000000000000006162630420b7ab030000000000000000000000");
}

TEST(Segment, AGroupIsReadBackOnlyInItsPlace) {
  Random random(3);
  GroupEncoder encoder;
  for (int i = 0; i < 200; ++i) {
    uint64_t salt = random.next(), first = 1 + random.below(1'000'000);
    TestGroup group = random_group(random, 6, 200);
    std::string bytes(encoder.encode(salt, first, group.records()));
    auto header = decode_group_header(bytes, salt);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->records, group.items.size());
    EXPECT_FALSE(decode_group_header(bytes, salt + 1));
    std::string_view body = std::string_view(bytes).substr(kGroupHeaderBytes);
    RecordWalk walk(body, salt, first, header->records);
    RecordView record;
    for (const TestRecord& item : group.items) {
      ASSERT_TRUE(walk.next(record));
      EXPECT_EQ(record.sequence, first++);
      EXPECT_EQ(record.bytes, item.bytes);
      EXPECT_EQ(record.lookup_key, item.key);
      EXPECT_EQ(record.kind, item.kind);
    }
    EXPECT_FALSE(walk.next(record));
    EXPECT_TRUE(walk.complete());
    EXPECT_FALSE(RecordWalk(body, salt, first + 1, header->records).next(record))
        << "another place";
    EXPECT_FALSE(RecordWalk(body.substr(0, 15), salt, first, 1).next(record)) << "too short";
  }
}

// Keys as they may come: few and shared by many (they fill several blocks), dense, random, the
// extremes.
TEST(SegmentIndex, FileAndMemoryAnswerAsAScanDoes) {
  SilentLog log;
  SimulatedFiles files(4);
  for (uint64_t distinct : {1, 2, 3, 300, 100'000}) {
    Random random(distinct);
    MemoryIndex memory;
    std::vector<uint64_t> keys;  // of sequence 100 + i
    uint64_t sequence = 100;
    std::vector<uint64_t> starts;
    while (sequence < 3100) {
      memory.add_group(sequence, 64 + sequence * 10);
      starts.push_back(sequence);
      for (uint64_t n = 1 + random.below(5); n > 0; --n) {
        uint64_t key = random.below(distinct) * (std::numeric_limits<uint64_t>::max() / distinct);
        if (key == 0) key = std::numeric_limits<uint64_t>::max();
        keys.push_back(key);
        memory.add_key(key, sequence++);
      }
    }
    IndexIdentity identity{100, sequence, 5, 77};
    ASSERT_TRUE(write_index(files, "d/i", identity, memory));
    auto file = FileIndex::open(files, "d/i", identity);
    ASSERT_TRUE(file) << file.error().line();
    for (int i = 0; i < 200; ++i) {
      uint64_t key = i % 4 == 0 ? random.next() : keys[random.below(keys.size())];
      std::vector<uint64_t> expected, from_memory, from_file;
      for (size_t k = keys.size(); k-- > 0;)
        if (keys[k] == key) expected.push_back(100 + k);
      ASSERT_TRUE(memory.find(key, from_memory));
      ASSERT_TRUE((*file)->find(key, from_file));
      EXPECT_EQ(from_memory, expected);
      EXPECT_EQ(from_file, expected);
      uint64_t wanted = 100 + random.below(sequence - 100);
      uint64_t start = *std::prev(std::upper_bound(starts.begin(), starts.end(), wanted));
      EXPECT_EQ(memory.group_of(wanted)->offset, 64 + start * 10);
      EXPECT_EQ((*file)->group_of(wanted)->offset, 64 + start * 10);
      EXPECT_EQ((*file)->group_of(wanted)->first_sequence, start);
    }
  }
}

TEST(SegmentIndex, DroppingTheLastGroupsLeavesWhatWasBefore) {
  Random random(5);
  MemoryIndex index;
  std::vector<uint64_t> keys;
  for (uint64_t s = 1; s <= 3000; ++s) {
    if (s % 3 == 1) index.add_group(s, s);
    keys.push_back(1 + random.below(40));
    index.add_key(keys.back(), s);
  }
  for (uint64_t end : {2998u, 1501u, 4u, 1u}) {
    index.drop_from(end);
    for (uint64_t key = 1; key <= 40; ++key) {
      std::vector<uint64_t> found, expected;
      ASSERT_TRUE(index.find(key, found));
      for (uint64_t s = end; s-- > 1;)
        if (keys[s - 1] == key) expected.push_back(s);
      EXPECT_EQ(found, expected);
    }
  }
  EXPECT_TRUE(index.groups().empty());
}

}  // namespace
}  // namespace paywarden
