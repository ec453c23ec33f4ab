// What a decision costs on its way into the archive: one line, compression, Avro, and all of it from a log in memory to a folder.
//
//   TMPDIR=/the/disk archive_bench
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "archive/archive_testing.h"
#include "archive/archiver.h"
#include "objects/folder_store.h"

namespace paywarden {
namespace {

size_t decision_count() {
  return std::getenv("PAYWARDEN_BENCH_TINY") ? 200 : 50'000;
}

// Random ones: of random numbers and with reasons in two of three decisions, so larger and harder to compress than real ones.
class RandomLog : public test::TestLog {
 public:
  RandomLog() : TestLog(1) { grow(decision_count()); }
};

const test::TestLog& random_log() {
  static const RandomLog kLog;
  return kLog;
}

void encode(benchmark::State& state, ObjectEncoding encoding) {
  const test::TestLog& log = random_log();
  LogSource source(log);
  size_t bytes_in = 0, bytes_out = 0;
  for (auto _ : state) {
    auto encoder = new_encoder(encoding, "name");
    auto read = source.read(1, log.durable_end(),
                            [&](const DecidedPayment& d) { return encoder->add(d).has_value(); });
    CHECK(read, "a log in memory");
    bytes_in = encoder->bytes_in();
    bytes_out = encoder->finish().size();
  }
  auto count = static_cast<int64_t>(decision_count());
  state.SetItemsProcessed(state.iterations() * count);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes_in));
  state.counters["bytes_a_decision"] = static_cast<double>(bytes_in) / static_cast<double>(count);
  state.counters["compressed_to"] = static_cast<double>(bytes_out) / static_cast<double>(bytes_in);
}

void BM_lines(benchmark::State& state) {
  encode(state, {ArchiveFormat::ndjson, ArchiveCompression::none});
}
void BM_lines_gzip(benchmark::State& state) {
  encode(state, {ArchiveFormat::ndjson, ArchiveCompression::gzip});
}
void BM_lines_zstd(benchmark::State& state) {
  encode(state, {ArchiveFormat::ndjson, ArchiveCompression::zstd});
}
void BM_avro_gzip(benchmark::State& state) {
  encode(state, {ArchiveFormat::avro, ArchiveCompression::gzip});
}
void BM_avro_zstd(benchmark::State& state) {
  encode(state, {ArchiveFormat::avro, ArchiveCompression::zstd});
}
BENCHMARK(BM_lines)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_lines_gzip)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_lines_zstd)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_avro_gzip)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_avro_zstd)->Unit(benchmark::kMillisecond);

// With the plans, the files and their syncs; objects of 16 MiB.
void BM_archive_to_a_folder(benchmark::State& state) {
  const test::TestLog& log = random_log();
  LogSource source(log);
  PosixFiles files;
  SilentLog silent;
  ManualClock clock{EventTime(0)};
  ArchiverOptions options;
  options.encoding.compression = static_cast<ArchiveCompression>(state.range(0));
  options.batch_bytes = 16u << 20;
  for (auto _ : state) {
    test::ArchiveFolder folder;
    auto store = *FolderStore::open(files, folder.file("archive"));
    FilePlanStore plans(files, folder.file("archive.json"));
    Archiver archiver({source, *store, plans, clock, silent}, options);
    CHECK(archiver.open(log.durable_end()), "a new archive");
    while (archiver.pending() > 0) {
      auto more = archiver.step();
      CHECK(more, "a folder that works");
      if (!*more) clock.advance(options.batch_time);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(decision_count()));
}
BENCHMARK(BM_archive_to_a_folder)
    ->Arg(static_cast<int>(ArchiveCompression::gzip))
    ->Arg(static_cast<int>(ArchiveCompression::zstd))
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace paywarden

BENCHMARK_MAIN();
