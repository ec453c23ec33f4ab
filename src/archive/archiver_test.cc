// Promise E8: objects tile the log with no gap or overlap, each object's bytes are the same in every attempt, whatever crashes when.
#include "archive/archiver.h"

#include <gmock/gmock.h>

#include "archive/archive_testing.h"
#include "base/digest.h"
#include "base/simulated_files.h"

namespace paywarden {
namespace {

using test::MemoryStore;
using test::TestLog;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kPlanFile = "data/archive.json";

struct EventLog : OperatorLog {
  std::vector<std::string> events;
  void write(LogLevel, std::string_view event, std::initializer_list<LogField>) override {
    events.emplace_back(event);
  }
};

ArchiverOptions small_batches(uint64_t records = 10) {
  ArchiverOptions options;
  options.batch_records = records;
  return options;
}

struct World {
  explicit World(uint64_t seed = 1) : log(seed), source(log), files(seed), store(seed) {}
  std::unique_ptr<Archiver> archiver(ArchiverOptions options) {
    plans = std::make_unique<FilePlanStore>(files, kPlanFile);
    return std::make_unique<Archiver>(ArchivePorts{source, store, *plans, clock, events},
                                      std::move(options));
  }
  // Until there is nothing more to do, or a failure.
  static Status drain(Archiver& archiver) {
    for (;;) {
      TRY_ASSIGN(bool more, archiver.step());
      if (!more) return {};
    }
  }

  TestLog log;
  LogSource source;
  SimulatedFiles files;
  MemoryStore store;
  ManualClock clock{EventTime(1'600'000'000'000)};
  EventLog events;
  std::unique_ptr<FilePlanStore> plans;
};

uint64_t start_of(const std::string& name) {
  return std::stoull(name.substr(name.rfind('+') + 1));
}

// What is wrong with the objects: each decision before `end` must be in exactly one, in order, between its object's start and the next one's.
std::string tiling_fault(const TestLog& log, const MemoryStore& store, uint64_t end) {
  std::map<uint64_t, std::string> by_start;
  for (const auto& [name, bytes] : store.objects())
    if (!by_start.emplace(start_of(name), bytes).second) return "two objects of one start";
  std::vector<uint64_t> found, wanted;
  for (auto at = by_start.begin(); at != by_start.end(); ++at) {
    uint64_t next = std::next(at) == by_start.end() ? end : std::next(at)->first;
    for (const std::string& line : test::lines_of(test::gunzipped(at->second))) {
      uint64_t offset = test::offset_of(line);
      if (offset < at->first || offset >= next) return "an offset outside of its object";
      found.push_back(offset);
    }
  }
  for (uint64_t sequence : log.decisions())
    if (sequence < end) wanted.push_back(sequence);
  return found == wanted ? "" : "not every decision exactly once";
}

TEST(Archiver, ObjectsTileTheLog) {
  World s;
  s.log.grow(35);
  auto archiver = s.archiver(small_batches());
  ASSERT_TRUE(archiver->open(s.log.durable_end()));
  ASSERT_TRUE(World::drain(*archiver));
  EXPECT_EQ(s.store.objects().size(), 3u) << "the last five wait for more, or for the time";
  EXPECT_EQ(tiling_fault(s.log, s.store, archiver->needed_from()), "");
  EXPECT_EQ(archiver->figures().records, 30u);
  EXPECT_EQ(archiver->lag(), 0u);
  EXPECT_GT(archiver->pending(), 0u);

  s.clock.advance(minutes(5));
  ASSERT_TRUE(World::drain(*archiver));
  EXPECT_EQ(s.store.objects().size(), 4u);
  EXPECT_EQ(tiling_fault(s.log, s.store, s.log.durable_end()), "");
  EXPECT_EQ(archiver->pending(), 0u);
}

TEST(Archiver, NamesAreThoseOfTheSinkConnectors) {
  ObjectNaming naming{"decisions", 3};
  EventTime at = *parse_rfc3339("2020-06-21T09:14:58Z");
  EXPECT_EQ(object_name(naming, 18, 0, at, {}),
            "topics/decisions/year=2020/month=06/day=21/hour=09/decisions+3+0000000018.json.gz");
  EXPECT_EQ(
      object_name(naming, 12'345'678'901, 2, at, {ArchiveFormat::ndjson, ArchiveCompression::zstd}),
      "topics/decisions/year=2020/month=06/day=21/hour=09/decisions+3+12345678901.g2.json.zst");
}

TEST(Archiver, ABatchEndsByItsSize) {
  World s;
  s.log.grow(200);
  ArchiverOptions options;
  options.batch_bytes = 20'000;
  auto archiver = s.archiver(options);
  ASSERT_TRUE(archiver->open(s.log.durable_end()));
  ASSERT_TRUE(World::drain(*archiver));
  EXPECT_GT(s.store.objects().size(), 3u);
  for (const auto& [name, bytes] : s.store.objects()) {
    size_t size = test::gunzipped(bytes).size();
    EXPECT_GE(size, 20'000u);
    EXPECT_LT(size, 24'000u);
  }
  EXPECT_EQ(tiling_fault(s.log, s.store, archiver->needed_from()), "");
}

TEST(Archiver, TheOpenBatchIsReadAgainAfterARestart) {
  World s;
  s.log.grow(5);
  for (int start = 0; start < 3; ++start) {
    auto archiver = s.archiver(small_batches());
    ASSERT_TRUE(archiver->open(s.log.durable_end()));
    ASSERT_TRUE(World::drain(*archiver));
    EXPECT_EQ(archiver->needed_from(), 1u);
  }
  EXPECT_TRUE(s.store.objects().empty());
}

// A batch that is planned keeps its range and its bytes, whatever was decided since and however the limits were changed.
TEST(Archiver, APlannedObjectDoesNotChange) {
  World s;
  s.log.grow(12);
  s.store.fail_after(0);
  auto archiver = s.archiver(small_batches());
  ASSERT_TRUE(archiver->open(s.log.durable_end()));
  EXPECT_FALSE(World::drain(*archiver));
  auto plan = (*s.plans->load())->plan;
  ASSERT_TRUE(plan);

  s.log.grow(50);
  s.store.work();
  ArchiverOptions other = small_batches(20);
  other.encoding.compression = ArchiveCompression::zstd;
  archiver = s.archiver(other);
  ASSERT_TRUE(archiver->open(s.log.durable_end()));
  ASSERT_TRUE(archiver->step());
  ASSERT_EQ(s.store.objects().count(plan->name), 1u);
  EXPECT_EQ(sha256_hex(s.store.objects().at(plan->name)), plan->sha256);
  EXPECT_EQ(archiver->needed_from(), plan->end);
  EXPECT_TRUE(s.events.events.empty());
}

TEST(Archiver, AClockThatIsSetBackKeepsNoBatchOpen) {
  World s;
  s.log.grow(5);
  auto archiver = s.archiver(small_batches());
  ASSERT_TRUE(archiver->open(s.log.durable_end()));
  ASSERT_TRUE(World::drain(*archiver));
  EXPECT_TRUE(s.store.objects().empty());
  s.clock.advance(milliseconds(-3'600'000));
  ASSERT_TRUE(World::drain(*archiver));
  EXPECT_EQ(s.store.objects().size(), 1u);
}

// As after an upgrade of zlib between the plan and the upload.
TEST(Archiver, AnObjectOfOtherBytesIsToldOf) {
  World s;
  s.log.grow(10);
  s.store.fail_after(0);
  auto archiver = s.archiver(small_batches());
  ASSERT_TRUE(archiver->open(s.log.durable_end()));
  EXPECT_FALSE(World::drain(*archiver));
  ArchiveState state = **s.plans->load();
  state.plan->sha256 = sha256_hex("what the former zlib made");
  ASSERT_TRUE(s.plans->save(state));
  s.store.work();
  archiver = s.archiver(small_batches());
  ASSERT_TRUE(archiver->open(s.log.durable_end()));
  ASSERT_TRUE(World::drain(*archiver));
  EXPECT_THAT(s.events.events, ElementsAre("archive_object_differs"));
  EXPECT_EQ(tiling_fault(s.log, s.store, s.log.durable_end()), "");
}

TEST(Archiver, AFailureIsToldOnce) {
  World s;
  s.log.grow(10);
  s.store.fail_after(0);
  ArchiverOptions options = small_batches();
  options.retry_min = options.retry_max = milliseconds(1);
  auto archiver = s.archiver(options);
  ASSERT_TRUE(archiver->start(s.log.durable_end()));
  while (archiver->figures().failures < 5)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(archiver->figures().failing);
  archiver->stop();
  EXPECT_THAT(s.events.events, ElementsAre("archive_failed"));
  s.store.work();
  ASSERT_TRUE(archiver->start(s.log.durable_end()));
  while (archiver->figures().failing) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  archiver->stop();
  EXPECT_THAT(s.events.events, ElementsAre("archive_failed", "archive_works_again"));
  EXPECT_EQ(tiling_fault(s.log, s.store, s.log.durable_end()), "");
}

// Positions behind a cut are given again: their objects have other names than those of the cut decisions, which stay.
TEST(Archiver, ACutLogGoesOnUnderOtherNames) {
  World s;
  s.log.grow(20);
  auto archiver = s.archiver(small_batches());
  ASSERT_TRUE(archiver->open(s.log.durable_end()));
  ASSERT_TRUE(World::drain(*archiver));
  auto before = s.store.objects();
  s.log.cut(s.log.decisions()[12] + 1);
  uint64_t cut_at = s.log.durable_end();
  archiver = s.archiver(small_batches());
  ASSERT_TRUE(archiver->open(s.log.durable_end()));
  EXPECT_THAT(s.events.events, ElementsAre("archive_set_back"));

  // Kept at once: behind the next start the log may be longer than what was reached.
  s.log.grow(30);
  archiver = s.archiver(small_batches());
  ASSERT_TRUE(archiver->open(s.log.durable_end()));
  EXPECT_EQ(archiver->needed_from(), cut_at);
  ASSERT_TRUE(World::drain(*archiver));
  EXPECT_EQ(s.store.overwritten(), 0u);
  for (const auto& [name, bytes] : before) EXPECT_EQ(s.store.objects().at(name), bytes);
  EXPECT_EQ(s.store.objects().size(), before.size() + 3);
  for (const auto& [name, bytes] : s.store.objects()) {
    if (before.contains(name)) continue;
    EXPECT_THAT(name, HasSubstr(".g1.json.gz"));
  }
}

TEST(Archiver, WhatTheLogDroppedIsToldOf) {
  World s;
  s.log.grow(20);
  auto archiver = s.archiver(small_batches());
  ASSERT_TRUE(archiver->open(s.log.durable_end()));
  ASSERT_TRUE(World::drain(*archiver));
  s.log.grow(40);
  s.log.drop(s.log.decisions()[30] + 1);
  archiver = s.archiver(small_batches());
  ASSERT_TRUE(archiver->open(s.log.durable_end()));
  EXPECT_THAT(s.events.events, ElementsAre("archive_missed"));
  EXPECT_EQ(archiver->needed_from(), s.log.first_sequence());
}

TEST(Archiver, APlanOfAnotherFormatIsRefused) {
  World s;
  ASSERT_TRUE(replace_whole(s.files, kPlanFile, R"({"format":2,"next":7})"));
  auto opened = s.archiver(small_batches())->open(1);
  ASSERT_FALSE(opened);
  EXPECT_EQ(
      opened.error().line(),
      "data/archive.json: has the unknown format 2; a newer Paywarden wrote it: start that one");
  for (const char* damaged :
       {"", "{", R"({"format":1})", R"({"format":1,"next":7,"generation":0,"plan":{"start":8}})"})
    EXPECT_FALSE(parse_archive_state(damaged)) << damaged;
}

// The power fails at any call to the disk, the store at any call to it, the process is killed at any step; the log grows meanwhile.
TEST(Archiver, ExactlyOnceThroughCrashesAtEveryStep) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    World s(seed);
    Random random(seed);
    s.log.grow(1 + random.below(40));
    for (int life = 0; life < 12; ++life) {
      if (random.chance(0.5)) s.files.cut_power_after(random.below(12));
      if (random.chance(0.5)) s.store.fail_after(random.below(3));
      ArchiverOptions options = small_batches(1 + random.below(12));
      options.encoding.compression = ArchiveCompression::gzip;
      auto archiver = s.archiver(options);
      if (archiver->open(s.log.durable_end())) {
        for (uint64_t steps = random.below(12); steps > 0; --steps) {
          if (random.chance(0.3)) s.log.grow(random.below(8));
          if (random.chance(0.2)) s.clock.advance(minutes(5));
          (void)archiver->step();
        }
      }
      archiver.reset();
      s.files.restore_power();
      s.store.work();
    }
    auto archiver = s.archiver(small_batches());
    ASSERT_TRUE(archiver->open(s.log.durable_end())) << "seed " << seed;
    ASSERT_TRUE(World::drain(*archiver));
    s.clock.advance(minutes(5));
    ASSERT_TRUE(World::drain(*archiver));
    ASSERT_EQ(tiling_fault(s.log, s.store, s.log.durable_end()), "") << "seed " << seed;
    ASSERT_EQ(s.store.overwritten(), 0u) << "other bytes under the same name, seed " << seed;
    ASSERT_TRUE(s.events.events.empty()) << s.events.events.front() << ", seed " << seed;
  }
}

}  // namespace
}  // namespace paywarden
