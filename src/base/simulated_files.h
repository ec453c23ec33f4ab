// A disk in memory whose power can be cut, for tests of what must survive: the worst that POSIX
// allows, from one seed.
//
//   SimulatedFiles files(seed);
//   files.cut_power_after(7);      // the 8th call from now on fails, and all after it
//   run_until_it_fails(files);
//   files.restore_power();         // what was synced is there; of the rest, what chance left
//   files.fail_syncs(1);  files.fill_disk_after(4096);  files.write_short(true);
//
// Model. Bytes: un-synced writes survive a power cut sector by sector (512 bytes, each old or new
// whole); the size is the old one, the new one or one between, and what was never written within it
// reads as zeros or as rubbish. Names: each creation, rename and removal since the directory's last
// sync survives or not, on its own. A failed sync forgets that the bytes were unwritten (Rebello et
// al., "Can Applications Recover from fsync Failures?", 2020): they read well until the power is
// cut, and a later sync succeeds without them. A process that dies (no power cut) loses nothing.
//
// Any thread. Files opened before a power cut answer errors after it.
#pragma once

#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "base/files.h"
#include "base/random.h"

namespace paywarden {

class SimulatedFiles : public Files {
 public:
  static constexpr size_t kSectorBytes = 512;

  explicit SimulatedFiles(uint64_t seed) : random_(seed) {}

  // --- what befalls the disk
  void cut_power_after(uint64_t calls);
  void restore_power();
  bool power_is_off() const;
  // The next `count` syncs of a file's bytes fail.
  void fail_syncs(int count);
  // Writes take `bytes` more in all, then the disk is full.
  void fill_disk_after(uint64_t bytes);
  void write_short(bool on);
  uint64_t calls() const;  // so far; for choosing a moment
  // Changes one byte where it lies on the disk.
  void flip(const std::string& path, uint64_t offset, uint8_t mask);

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status sync_directory(const std::string& directory) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<bool> exists(const std::string& path) override;
  Status make_directory(const std::string& path) override;  // directories always exist
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& directory) override;

 private:
  struct Content {
    std::string seen;              // what a read answers
    std::string durable;           // what a power cut leaves for certain
    std::set<uint64_t> unwritten;  // sectors of `seen` that are not in `durable` yet
  };
  using ContentPtr = std::shared_ptr<Content>;
  using Names = std::map<std::string, ContentPtr>;
  struct NameChange {
    std::string removed;  // empty: none
    std::string added;    // empty: none
    ContentPtr content;   // of `added`
  };
  class OpenFile;
  class HeldLock;

  // All below: mutex_ is held.
  Status spend_call(const std::string& verb, const std::string& path);
  void change_names(NameChange change);
  static void apply(const NameChange& change, Names& names);
  void lose_power(Content& content);
  Result<size_t> write(Content& content, const std::string& path, uint64_t offset,
                       std::string_view bytes);
  Status sync(Content& content, const std::string& path);

  mutable std::mutex mutex_;
  Random random_;
  Names names_;
  Names durable_names_;
  std::vector<NameChange> unsynced_names_;
  std::set<std::string> locks_;
  uint64_t epoch_ = 0;  // counts power cuts
  uint64_t calls_ = 0;
  uint64_t calls_left_ = std::numeric_limits<uint64_t>::max();
  uint64_t bytes_left_ = uint64_t{1} << 50;
  int syncs_to_fail_ = 0;
  bool short_writes_ = false;
};

}  // namespace paywarden
