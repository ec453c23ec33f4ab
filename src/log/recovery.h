// Brings a journal's directory into a state that may be shown: promise E2. The caller holds the
// directory's lock.
//
//   TRY_ASSIGN(Recovered recovered, recover(files, log, directory));
//   // recovered.active is empty or holds what was the last group, durable; the next goes there
//
// Why it is right. A group is written only after the fdatasync of the one before it returned. So:
// (1) Damage with no group header of this segment after it is the last group, torn. It was never
//     acknowledged: cut it.
// (2) Damage before such a header is in a group that was durable: refuse.
// (3) The last whole group may be only in the page cache, and a later fdatasync of the same file
//     may succeed without it: write it into a new segment and sync that before showing it.
// A segment comes into being by rename, whole and synced, so a half-made one has another name;
// where segment i+1 begins, segment i ends, whatever bytes follow there. Until the rename is
// durable nothing was shown: a crash repeats it all.
//
// Assumed of the disk: a 512-byte sector holds either its old or its new bytes. Damage to the last
// group alone cannot be told from a torn one; it is cut, as every log without a second copy must.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/files.h"
#include "base/operator_log.h"
#include "log/segment_index.h"
#include "log/segment_scan.h"

namespace paywarden {

// Complete: never written to again.
struct SealedSegment {
  std::string path;
  SegmentHeader header;
  uint64_t end_sequence = 0;
  uint64_t bytes = 0;  // of the file
  std::shared_ptr<const SegmentIndex> index;
};
using SealedPtr = std::shared_ptr<const SealedSegment>;

// The one that grows.
struct ActiveSegment {
  std::string path;
  SegmentHeader header;
  std::shared_ptr<File> file;
  uint64_t end_offset = kSegmentHeaderBytes;
  uint64_t end_sequence = 0;
  std::shared_ptr<MemoryIndex> index;
};

struct RecoveryReport {
  uint64_t segments = 0;
  uint64_t first_sequence = 0;
  uint64_t end_sequence = 0;
  uint64_t bytes_cut = 0;          // of a torn last group
  std::string cut_at;              // "journal-...pwj at byte N"; empty: nothing was cut
  uint64_t records_rewritten = 0;  // of the last whole group
  uint64_t indexes_built = 0;      // they were absent, damaged or of another state
};

struct Recovered {
  std::vector<SealedPtr> sealed;  // in order
  ActiveSegment active;
  RecoveryReport report;
};

Result<Recovered> recover(Files& files, OperatorLog& log, const std::string& directory);

// A new segment with these records (may be none) as its first group: whole and durable under its
// name when it answers. Replaces a file of that name.
Result<ActiveSegment> create_segment(Files& files, const std::string& directory,
                                     uint64_t first_sequence,
                                     std::span<const RecordToWrite> records, size_t keys_expected);

// The first sequences of the segments in a directory, in order.
Result<std::vector<uint64_t>> list_segments(Files& files, const std::string& directory);

// Reads a sealed segment for its index and writes that beside it (a failure to write is only
// logged).
Result<std::shared_ptr<const SegmentIndex>> build_index(Files& files, OperatorLog& log,
                                                        const SealedSegment& segment);
// Writes a sealed segment's index; answers the file's, or `index` itself if the disk would not take
// it.
std::shared_ptr<const SegmentIndex> save_index(Files& files, OperatorLog& log,
                                               const SealedSegment& segment, uint64_t end_offset,
                                               const std::shared_ptr<const MemoryIndex>& index);

}  // namespace paywarden
