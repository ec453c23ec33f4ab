// The embedded journal: the log of one machine, in segment files of one directory. Promises E1
// (append() answers after fdatasync) and E2 (recovery.h says why a start shows a prefix with
// everything acknowledged).
//
//   PosixFiles files;
//   TRY_ASSIGN(auto journal, Journal::open(files, operator_log, {.directory = "data/journal"}));
//   RecordToWrite pair[] = {{RecordKind::payment, bytes, key}, {RecordKind::decision, json, key}};
//   auto first = journal->append(pair);  // one write, one fdatasync
//   if (!journal->usable()) exit();      // a failed write or sync is never tried again
//
// Threads: append() by one thread; drop_before() by any, one at a time; all else by any. Reading
// never waits for a sync. A thread of its own writes the index of a full segment; the destructor
// waits for it.
//
// Memory: the active segment's index, at most about 40 MB with the default limits
// (segment_index.h); of each full segment of 256 MiB about 8 KB; of each reader one window of 256
// KiB, or one group.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "base/files.h"
#include "base/operator_log.h"
#include "log/log.h"
#include "log/recovery.h"

namespace paywarden {

struct JournalOptions {
  std::string directory;
  // A full segment is closed and indexed. Larger: fewer files, coarser retention, longer recovery
  // (all of the last segment is read at the start, about 0.1 s for 256 MiB in memory).
  uint64_t segment_bytes = uint64_t{256} << 20;
  // Bounds the index in memory of the active segment: 40 bytes a record where groups are small.
  uint64_t segment_records_max = 1'000'000;
  // Of one append(): a reader holds a whole group in memory, and a torn group is lost whole.
  uint64_t group_bytes_max = uint64_t{16} << 20;
  // Full segments whose index is not written yet; beyond it append() waits for the disk.
  size_t seals_pending_max = 4;
  // False: append() writes the index itself, so that a simulation has one thread.
  bool seal_in_background = true;
};
static_assert(uint64_t{16} << 20 <= kGroupBodyBytesMax);

struct JournalFigures {
  uint64_t segments = 0;
  uint64_t bytes = 0;            // of the segments; their indexes add about 2 %
  uint64_t groups_appended = 0;  // since the start
};

class Journal : public Log {
 public:
  // Locks the directory (makes it if absent) and recovers. Errors: in use, damaged, unknown format,
  // disk.
  static Result<std::unique_ptr<Journal>> open(Files& files, OperatorLog& log,
                                               JournalOptions options);
  ~Journal() override;
  const RecoveryReport& recovery() const { return recovery_; }

  Result<uint64_t> append(std::span<const RecordToWrite> records) override;
  bool usable() const override { return !poisoned_.load(std::memory_order_acquire); }
  uint64_t first_sequence() const override;
  uint64_t durable_end() const override { return durable_end_.load(std::memory_order_acquire); }
  bool wait_for(uint64_t sequence, Duration timeout) const override;
  Result<uint64_t> read(uint64_t from, const RecordVisitor& visit) const override;
  Result<Record> record(uint64_t sequence) const override;
  Result<std::vector<uint64_t>> find(uint64_t lookup_key, size_t count_max) const override;
  using Log::find;
  Result<uint64_t> drop_before(uint64_t sequence) override;
  JournalFigures figures() const;

 private:
  using Catalogue = std::vector<SealedPtr>;
  // A place to read from: an open file, and how far its records go.
  struct Source {
    std::shared_ptr<File> file;
    SegmentHeader header;
    std::string path;
    uint64_t group_offset;
    uint64_t group_first;
    uint64_t end_sequence;
  };

  Journal(Files& files, OperatorLog& log, JournalOptions options, std::unique_ptr<FileLock> lock,
          Recovered recovered);
  Status check_limits(std::span<const RecordToWrite> records) const;
  Result<uint64_t> append_group(std::span<const RecordToWrite> records);
  Status write_group(std::string_view bytes);
  Status rotate();
  void publish(std::span<const RecordToWrite> records, size_t bytes);
  tl::unexpected<Error> poison(Error cause);

  struct SealTask {
    SealedPtr segment;
    uint64_t end_offset;
    std::shared_ptr<const MemoryIndex> index;
  };
  void queue_seal(SealTask task);
  void seal(const SealTask& task);
  void seal_until_stopped(const std::stop_token& stop);
  void replace_index(const SealedPtr& old, std::shared_ptr<const SegmentIndex> index) const;

  Result<Source> source_of(uint64_t sequence) const;
  Result<SegmentIndex::GroupPlace> group_in(const SealedPtr& segment, uint64_t sequence) const;
  Status find_in(const SealedPtr& segment, uint64_t key, std::vector<uint64_t>& out) const;
  Result<bool> read_source(const Source& source, uint64_t& from, uint64_t end,
                           const RecordVisitor& visit) const;

  Files& files_;
  OperatorLog& log_;
  const JournalOptions options_;
  const std::unique_ptr<FileLock> lock_;
  RecoveryReport recovery_;
  GroupEncoder encoder_;  // append() alone
  Error poison_cause_;    // append() alone

  std::atomic<bool> poisoned_ = false;
  std::atomic<uint64_t> durable_end_ = 0;
  std::atomic<uint64_t> groups_appended_ = 0;

  mutable std::mutex mutex_;  // the next four; never held during input or output
  ActiveSegment active_;      // changed by append() alone, which reads it without the lock
  mutable std::shared_ptr<const Catalogue> sealed_;  // replaced, never changed
  std::deque<SealTask> seals_pending_;
  size_t seals_running_ = 0;

  mutable std::condition_variable grown_;  // durable_end_ rose
  std::condition_variable_any seals_changed_;
  std::mutex drop_mutex_;  // one drop_before() at a time
  std::jthread sealer_;    // last: it ends before the rest
};

}  // namespace paywarden
