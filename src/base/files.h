// The disk as a port: what durable parts (journal, snapshots, archive spool) need of it, and no
// more, so that tests can run them over SimulatedFiles, where the power fails.
//
//   PosixFiles files;
//   TRY_ASSIGN(auto file, files.open(path, OpenMode::create));
//   TRY(file->write_all(0, bytes));
//   TRY(file->sync_data());                     // the bytes are durable, the name not yet:
//   TRY(files.sync_directory(directory));
//
// An error says what failed, the path, and a remedy for the usual causes (disk full, permissions,
// open-file limit). `Files` may be used by any thread; a `File` too, as far as the writes do not
// overlap.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paywarden {

class File {
 public:
  virtual ~File() = default;
  // Writes a part of `bytes` (at least one of them) at `offset`; answers how many.
  virtual Result<size_t> write_some(uint64_t offset, std::string_view bytes) = 0;
  // Reads up to `count` bytes; 0: `offset` is at or past the end.
  virtual Result<size_t> read_some(uint64_t offset, char* out, size_t count) = 0;
  // fdatasync. After a failure the unwritten bytes may be gone from memory and disk alike: never
  // try again.
  virtual Status sync_data() = 0;
  virtual Result<uint64_t> size() = 0;
  virtual Status truncate(uint64_t size) = 0;

  Status write_all(uint64_t offset, std::string_view bytes);
  // Answers fewer than `count` only at the end of the file.
  Result<size_t> read_up_to(uint64_t offset, char* out, size_t count);
};

// Held until destroyed, or until the process ends in whatever way.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode {
  read,    // must exist
  change,  // must exist; read and write
  create,  // must not exist; read and write; only its owner may (mode 0600)
};

class Files {
 public:
  virtual ~Files() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  // Makes the names in `directory` durable: creations, renames and removals.
  virtual Status sync_directory(const std::string& directory) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;  // replaces `to`
  virtual Status remove(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;  // names, sorted
  virtual Result<bool> exists(const std::string& path) = 0;
  // With its parents, each durable before this answers (mode 0700).
  virtual Status make_directory(const std::string& path) = 0;
  // A lock file that holds the owner's process id; the error names the process that has it.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
  virtual Result<uint64_t> free_bytes(const std::string& directory) = 0;  // for this user
};

class PosixFiles : public Files {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status sync_directory(const std::string& directory) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<bool> exists(const std::string& path) override;
  Status make_directory(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& directory) override;
};

// The whole file in memory; for small ones.
Result<std::string> read_whole(Files& files, const std::string& path);
// Writes `path` so that a crash leaves the old file or the new one, never a mixture: `path`.new,
// synced, renamed, and the directory synced. Durable when it answers.
Status replace_whole(Files& files, const std::string& path, std::string_view bytes);
std::string directory_of(const std::string& path);  // "a/b" -> "a", "b" -> "."

// What a failed call answers: "cannot <verb>: <strerror>" at `path`, with a remedy where the cause
// has a usual one.
Error file_error(int error_number, const std::string& verb, const std::string& path);

}  // namespace paywarden
