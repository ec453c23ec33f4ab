// What a record costs: encoding and CRC alone, with the write and fdatasync, the sync alone,
// reading back, look-ups.
//
//   TMPDIR=/the/disk journal_bench
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "base/crc32c.h"
#include "log/journal_testing.h"

namespace paywarden {
namespace {

using namespace testing_journal;

bool tiny() {
  return std::getenv("PAYWARDEN_BENCH_TINY") != nullptr;
}

// A payment of `bytes` / 2 and a decision of the same size, `pairs` times.
struct Pairs {
  Pairs(size_t pairs, size_t bytes) : text(std::string(bytes / 2, 'p')) {
    for (size_t i = 0; i < pairs; ++i) {
      records.push_back({RecordKind::payment, text, 1 + i});
      records.push_back({RecordKind::decision, text, 1 + i});
    }
  }
  std::string text;
  std::vector<RecordToWrite> records;
};

void BM_crc32c(benchmark::State& state) {
  std::string bytes(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(crc32c(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_crc32c)->Arg(64)->Arg(512)->Arg(4096);

// One 1 KB pair of payment and decision into a group of 64 pairs.
void BM_encode_pair(benchmark::State& state) {
  Pairs pairs(64, 1024);
  GroupEncoder encoder;
  uint64_t sequence = 1;
  while (state.KeepRunningBatch(64)) {
    benchmark::DoNotOptimize(encoder.encode(77, sequence, pairs.records).data());
    sequence += pairs.records.size();
  }
}
BENCHMARK(BM_encode_pair);

std::unique_ptr<Journal> open(const std::string& directory) {
  static PosixFiles files;
  static SilentLog log;
  JournalOptions options;
  options.directory = directory;
  options.segment_bytes = 64 << 20;
  return std::move(Journal::open(files, log, options).value());
}

// Time of one append() of so many 1 KB pairs, with its fdatasync; ns a pair in `pair_ns`.
void BM_append(benchmark::State& state) {
  TemporaryDirectory directory;
  auto journal = open(directory.path());
  Pairs pairs(static_cast<size_t>(state.range(0)), 1024);
  for (auto _ : state)
    if (!journal->append(pairs.records)) state.SkipWithError("append failed");
  state.counters["pair"] =
      benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_append)->Arg(1)->Arg(16)->Arg(64)->Arg(256)->UseRealTime();

// The floor under it: bytes appended to a file and fdatasync.
void BM_fdatasync(benchmark::State& state) {
  TemporaryDirectory directory;
  PosixFiles files;
  auto file = std::move(files.open(directory.path() + "/f", OpenMode::create).value());
  std::string bytes(static_cast<size_t>(state.range(0)), 'x');
  uint64_t offset = 0;
  for (auto _ : state) {
    bool good = file->write_all(offset, bytes) && file->sync_data();
    if (!good) state.SkipWithError("sync failed");
    offset += bytes.size();
  }
}
BENCHMARK(BM_fdatasync)->Arg(1100)->Arg(70'000)->UseRealTime();

// Files that swallow everything: append() without the system calls.
class NoFile : public File {
 public:
  Result<size_t> write_some(uint64_t, std::string_view bytes) override { return bytes.size(); }
  Result<size_t> read_some(uint64_t, char*, size_t) override { return size_t{0}; }
  Status sync_data() override { return {}; }
  Result<uint64_t> size() override { return uint64_t{0}; }
  Status truncate(uint64_t) override { return {}; }
};
class NoFiles : public PosixFiles {
 public:
  Result<std::unique_ptr<File>> open(const std::string&, OpenMode) override {
    return std::make_unique<NoFile>();
  }
  Status rename(const std::string&, const std::string&) override { return {}; }
};

void BM_append_without_disk(benchmark::State& state) {
  TemporaryDirectory directory;
  NoFiles files;
  SilentLog log;
  JournalOptions options;
  options.directory = directory.path();
  auto journal = std::move(Journal::open(files, log, options).value());
  Pairs pairs(static_cast<size_t>(state.range(0)), 1024);
  uint64_t key = 1;
  while (state.KeepRunningBatch(state.range(0))) {
    for (RecordToWrite& record : pairs.records) record.lookup_key = hash64({}, key++ / 2);
    if (!journal->append(pairs.records)) state.SkipWithError("append failed");
  }
}
BENCHMARK(BM_append_without_disk)->Arg(1)->Arg(64);

struct Filled {
  Filled() : journal(open(directory.path())) {
    uint64_t key = 1;
    for (size_t groups = tiny() ? 4 : 2000; groups > 0; --groups) {
      Pairs pairs(64, 1024);
      for (RecordToWrite& record : pairs.records) record.lookup_key = hash64({}, key++ / 2);
      bytes += static_cast<int64_t>(group_bytes(pairs.records));
      if (!journal->append(pairs.records)) std::abort();
    }
  }
  TemporaryDirectory directory{fast_directory()};  // what is measured reads from memory
  std::unique_ptr<Journal> journal;
  int64_t bytes = 0;
};

void BM_read_all(benchmark::State& state) {
  Filled filled;
  uint64_t sum = 0;
  for (auto _ : state) {
    auto next =
        filled.journal->read(1, [&](const RecordView& r) { return sum += r.bytes.size(), true; });
    if (!next) state.SkipWithError("read failed");
  }
  benchmark::DoNotOptimize(sum);
  state.SetBytesProcessed(state.iterations() * filled.bytes);
}
BENCHMARK(BM_read_all)->Unit(benchmark::kMillisecond);

void BM_record(benchmark::State& state) {
  Filled filled;
  Random random(1);
  for (auto _ : state)
    if (!filled.journal->record(1 + random.below(filled.journal->durable_end() - 1)))
      state.SkipWithError("no record");
}
BENCHMARK(BM_record);

void BM_find(benchmark::State& state) {
  Filled filled;
  Random random(1);
  for (auto _ : state) {
    auto found =
        filled.journal->find(hash64({}, random.below(filled.journal->durable_end() / 2)), 2);
    if (!found) state.SkipWithError("find failed");
  }
  state.counters["segments"] = static_cast<double>(filled.journal->figures().segments);
}
BENCHMARK(BM_find);

// The start after a crash: all of the last segment is read, sealed ones through their indexes.
void BM_open(benchmark::State& state) {
  Filled filled;
  filled.journal.reset();
  for (auto _ : state) open(filled.directory.path());
}
BENCHMARK(BM_open)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace paywarden

BENCHMARK_MAIN();
