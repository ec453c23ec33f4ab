// Where in a segment a sequence lies, and which sequences have a lookup key: in memory while the
// segment grows, then a sorted file beside it that is derived and can be built again at any time.
//
//   MemoryIndex index;  index.add_group(first_sequence, offset);  index.add_key(key, sequence);
//   TRY(write_index(files, path, identity, index));               // "journal-...pwj.index"
//   TRY_ASSIGN(auto file_index, FileIndex::open(files, path, identity));
//   TRY(file_index->find(key, sequences));                        // newest first
//
// File, format 1: header 64 bytes | first key of each key block | first sequence of each group
// block | key blocks | group blocks. A block is 4096 bytes: crc u32 | count u32 | count pairs of
// u64 (key, sequence) or (sequence, offset) | zeros.
//
// Memory: growing, 16 bytes a group and 20 to 24 a keyed record (twice that while a vector grows);
// sealed, 8 bytes per 255 groups or keyed records.
#pragma once

#include <memory>
#include <vector>

#include "base/files.h"
#include "log/segment.h"

namespace paywarden {

class SegmentIndex {
 public:
  virtual ~SegmentIndex() = default;
  // Appends the sequences written with `key`, newest first.
  virtual Status find(uint64_t key, std::vector<uint64_t>& out) const = 0;
  // Where the group that holds `sequence` begins; the segment must hold it.
  struct GroupPlace {
    uint64_t first_sequence;
    uint64_t offset;
  };
  virtual Result<GroupPlace> group_of(uint64_t sequence) const = 0;
};

// One thread at a time.
class MemoryIndex : public SegmentIndex {
 public:
  explicit MemoryIndex(size_t keys_expected = 1024);
  void add_group(uint64_t first_sequence, uint64_t offset);
  // After its group; 0 is no key and is left out.
  void add_key(uint64_t key, uint64_t sequence);
  // Forgets the group that begins with `sequence`, and all after it.
  void drop_from(uint64_t sequence);
  Status find(uint64_t key, std::vector<uint64_t>& out) const override;
  Result<GroupPlace> group_of(uint64_t sequence) const override;

  struct Key {
    uint64_t key;
    uint32_t sequence;  // less the segment's first
    uint32_t older;     // the next of its chain, 1-based; 0: the last
  };
  const std::vector<GroupPlace>& groups() const { return groups_; }
  const std::vector<Key>& keys() const { return keys_; }
  uint64_t base() const { return groups_.empty() ? 0 : groups_.front().first_sequence; }

 private:
  size_t chain_of(uint64_t key) const;
  void rehash(size_t chains);
  std::vector<GroupPlace> groups_;
  std::vector<Key> keys_;
  std::vector<uint32_t> chains_;  // the newest of each, 1-based; a power of two of them
};

// What an index belongs to; one of another segment, or of another end of it, is refused.
struct IndexIdentity {
  uint64_t first_sequence = 0;
  uint64_t end_sequence = 0;
  uint64_t end_offset = 0;
  uint64_t salt = 0;
};

std::string index_path(const std::string& segment_path);
Status write_index(Files& files, const std::string& path, const IndexIdentity& identity,
                   const MemoryIndex& index);

// Any thread. Opens its file for each look-up, so that a thousand segments do not hold a thousand
// descriptors.
class FileIndex : public SegmentIndex {
 public:
  // `identity.end_offset` is taken from the file; the rest must match.
  static Result<std::unique_ptr<FileIndex>> open(Files& files, const std::string& path,
                                                 IndexIdentity identity);
  Status find(uint64_t key, std::vector<uint64_t>& out) const override;
  Result<GroupPlace> group_of(uint64_t sequence) const override;
  uint64_t end_offset() const { return end_offset_; }

 private:
  struct Pair {
    uint64_t first;
    uint64_t second;
  };
  struct Table {
    std::vector<uint64_t> fences;  // the first of each block
    uint64_t offset = 0;           // of the first block
  };
  FileIndex(Files& files, std::string path) : files_(files), path_(std::move(path)) {}
  Status load(File& file, const IndexIdentity& identity);
  Status load_fences(File& file, uint64_t keys, uint64_t groups, uint32_t crc);
  Result<std::vector<Pair>> read_block(File& file, const Table& table, size_t block) const;
  Error damaged() const;

  Files& files_;
  std::string path_;
  Table keys_;
  Table groups_;
  uint64_t end_offset_ = 0;
};

}  // namespace paywarden
