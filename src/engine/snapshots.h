// Snapshots of the core's state, so that a start costs the tail of the log alone.
//
//   Snapshots snapshots(files, "data/snapshots");
//   TRY(snapshots.write(core, sequence));             // the state before record `sequence`
//   for (uint64_t s : snapshots.list()) if (s <= log.durable_end() && snapshots.load(s, core,
//   models)) break; TRY(snapshots.prune(2));
//
// A file snapshot-<20 digits>.pws: "PWSNAP03" | sequence u64 | the core's bytes | length u64 |
// CRC32C u32 of all before. Written under another name, synced, renamed, the directory synced. One
// thread.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "engine/core.h"

namespace paywarden {

class Snapshots {
 public:
  Snapshots(Files& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  Status prepare() { return files_.make_directory(directory_); }
  Status write(const Core& core, uint64_t sequence);
  Result<std::vector<uint64_t>> list() const;  // newest first
  // Into a fresh core. A failure leaves it half filled: use another.
  Status load(uint64_t sequence, Core& core, const Core::ModelFinder& models) const;
  Status prune(size_t keep);
  Status remove(uint64_t sequence) { return files_.remove(path_of(sequence)); }
  std::string path_of(uint64_t sequence) const;

 private:
  Status write_file(File& file, const Core& core, uint64_t sequence) const;
  Files& files_;
  std::string directory_;
};

}  // namespace paywarden
