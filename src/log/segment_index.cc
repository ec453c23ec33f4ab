#include "log/segment_index.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/byte_io.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/hash.h"

namespace paywarden {
namespace {

constexpr std::string_view kIndexMagic = "PAYWRDNI";
constexpr uint32_t kIndexFormat = 1;
constexpr size_t kHeaderBytes = 64;
constexpr size_t kBlockBytes = 4096;
constexpr size_t kBlockPairs = (kBlockBytes - 8) / 16;

struct KeyPlace {
  uint64_t key;
  uint64_t sequence;
  auto operator<=>(const KeyPlace&) const = default;
};

size_t blocks_for(size_t pairs) {
  return (pairs + kBlockPairs - 1) / kBlockPairs;
}

// The blocks of one table, and the first of each block into `fences`.
template <typename Item, typename First, typename Second>
void append_table(const std::vector<Item>& items, First first, Second second, std::string& fences,
                  std::string& blocks) {
  ByteWriter fence(fences);
  for (size_t begin = 0; begin < items.size(); begin += kBlockPairs) {
    size_t count = std::min(kBlockPairs, items.size() - begin);
    std::string block;
    ByteWriter w(block);
    w.u32(static_cast<uint32_t>(count));
    for (size_t i = begin; i < begin + count; ++i) {
      w.u64(first(items[i]));
      w.u64(second(items[i]));
    }
    block.resize(kBlockBytes - 4, '\0');
    fence.u64(first(items[begin]));
    ByteWriter(blocks).u32(crc32c(block));
    blocks += block;
  }
}

std::vector<KeyPlace> sorted_keys(const MemoryIndex& index) {
  std::vector<KeyPlace> sorted;
  sorted.reserve(index.keys().size());
  for (const MemoryIndex::Key& key : index.keys())
    sorted.push_back({key.key, index.base() + key.sequence});
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

}  // namespace

MemoryIndex::MemoryIndex(size_t keys_expected) {
  keys_.reserve(keys_expected);
  chains_.resize(std::bit_ceil(std::max<size_t>(keys_expected, 16)));
}

size_t MemoryIndex::chain_of(uint64_t key) const {
  return hash_combine(0, key) & (chains_.size() - 1);
}

void MemoryIndex::add_group(uint64_t first_sequence, uint64_t offset) {
  groups_.push_back({first_sequence, offset});
}

void MemoryIndex::add_key(uint64_t key, uint64_t sequence) {
  if (key == 0) return;
  CHECK(!groups_.empty() && sequence - base() <= UINT32_MAX, "a key comes after its group");
  if (keys_.size() == chains_.size()) rehash(2 * chains_.size());
  uint32_t& newest = chains_[chain_of(key)];
  keys_.push_back({key, static_cast<uint32_t>(sequence - base()), newest});
  newest = static_cast<uint32_t>(keys_.size());
}

void MemoryIndex::rehash(size_t chains) {
  chains_.assign(chains, 0);
  for (size_t i = 0; i < keys_.size(); ++i) {
    uint32_t& newest = chains_[chain_of(keys_[i].key)];
    keys_[i].older = newest;
    newest = static_cast<uint32_t>(i + 1);
  }
}

void MemoryIndex::drop_from(uint64_t sequence) {
  while (!keys_.empty() && base() + keys_.back().sequence >= sequence) {
    chains_[chain_of(keys_.back().key)] = keys_.back().older;
    keys_.pop_back();
  }
  while (!groups_.empty() && groups_.back().first_sequence >= sequence) groups_.pop_back();
}

Status MemoryIndex::find(uint64_t key, std::vector<uint64_t>& out) const {
  for (uint32_t at = chains_[chain_of(key)]; at != 0; at = keys_[at - 1].older)
    if (keys_[at - 1].key == key) out.push_back(base() + keys_[at - 1].sequence);
  return {};
}

Result<SegmentIndex::GroupPlace> MemoryIndex::group_of(uint64_t sequence) const {
  auto after =
      std::upper_bound(groups_.begin(), groups_.end(), sequence,
                       [](uint64_t s, const GroupPlace& g) { return s < g.first_sequence; });
  CHECK(after != groups_.begin(), "the segment holds the sequence");
  return *std::prev(after);
}

std::string index_path(const std::string& segment_path) {
  return segment_path + ".index";
}

Status write_index(Files& files, const std::string& path, const IndexIdentity& identity,
                   const MemoryIndex& index) {
  std::vector<KeyPlace> keys = sorted_keys(index);
  std::string fences, blocks;
  append_table(
      keys, [](auto& k) { return k.key; }, [](auto& k) { return k.sequence; }, fences, blocks);
  append_table(
      index.groups(), [](auto& g) { return g.first_sequence; }, [](auto& g) { return g.offset; },
      fences, blocks);
  std::string out(kIndexMagic);
  ByteWriter w(out);
  w.u32(kIndexFormat);
  w.u32(static_cast<uint32_t>(keys.size()));
  w.u64(identity.first_sequence);
  w.u64(identity.end_sequence);
  w.u64(identity.end_offset);
  w.u64(identity.salt);
  w.u32(static_cast<uint32_t>(index.groups().size()));
  w.u32(crc32c(fences));
  w.u32(0);
  w.u32(crc32c(out));
  CHECK(out.size() == kHeaderBytes, "the index header's size");
  return replace_whole(files, path, out + fences + blocks);
}

Error FileIndex::damaged() const {
  return Error{"the index is damaged", path_,
               "remove the file: paywarden builds it again at the next start"};
}

Result<std::unique_ptr<FileIndex>> FileIndex::open(Files& files, const std::string& path,
                                                   IndexIdentity identity) {
  TRY_ASSIGN(auto file, files.open(path, OpenMode::read));
  std::unique_ptr<FileIndex> index(new FileIndex(files, path));
  TRY(index->load(*file, identity));
  return index;
}

Status FileIndex::load(File& file, const IndexIdentity& identity) {
  char bytes[kHeaderBytes];
  TRY_ASSIGN(size_t got, file.read_up_to(0, bytes, sizeof bytes));
  ByteReader r({bytes, got});
  if (r.raw(8) != kIndexMagic || r.u32() != kIndexFormat) return tl::unexpected<Error>(damaged());
  uint32_t keys = r.u32();
  bool same = r.u64() == identity.first_sequence;
  same &= r.u64() == identity.end_sequence;
  end_offset_ = r.u64();
  same &= r.u64() == identity.salt;
  uint32_t groups = r.u32(), fences_crc = r.u32();
  r.u32();
  bool whole = r.u32() == crc32c({bytes, kHeaderBytes - 4});
  if (!r.ok() || !same || !whole) return tl::unexpected<Error>(damaged());
  return load_fences(file, keys, groups, fences_crc);
}

Status FileIndex::load_fences(File& file, uint64_t keys, uint64_t groups, uint32_t crc) {
  size_t key_blocks = blocks_for(keys), group_blocks = blocks_for(groups);
  std::string bytes(8 * (key_blocks + group_blocks), '\0');
  TRY_ASSIGN(size_t got, file.read_up_to(kHeaderBytes, bytes.data(), bytes.size()));
  keys_.offset = kHeaderBytes + bytes.size();
  groups_.offset = keys_.offset + key_blocks * kBlockBytes;
  TRY_ASSIGN(uint64_t size, file.size());
  if (got != bytes.size() || crc32c(bytes) != crc ||
      size != groups_.offset + group_blocks * kBlockBytes)
    return tl::unexpected<Error>(damaged());
  ByteReader r(bytes);
  for (size_t i = 0; i < key_blocks; ++i) keys_.fences.push_back(r.u64());
  for (size_t i = 0; i < group_blocks; ++i) groups_.fences.push_back(r.u64());
  return {};
}

Result<std::vector<FileIndex::Pair>> FileIndex::read_block(File& file, const Table& table,
                                                           size_t block) const {
  char bytes[kBlockBytes];
  TRY_ASSIGN(size_t got, file.read_up_to(table.offset + block * kBlockBytes, bytes, sizeof bytes));
  ByteReader r({bytes, got});
  uint32_t crc = r.u32(), count = r.u32();
  if (!r.ok() || got != kBlockBytes || crc != crc32c({bytes + 4, kBlockBytes - 4}) ||
      count > kBlockPairs)
    return tl::unexpected<Error>(damaged());
  std::vector<Pair> pairs(count);
  std::memcpy(pairs.data(), bytes + 8, count * sizeof(Pair));
  return pairs;
}

Status FileIndex::find(uint64_t key, std::vector<uint64_t>& out) const {
  const auto& fences = keys_.fences;
  auto at = std::lower_bound(fences.begin(), fences.end(), key);
  if (at == fences.begin() && (at == fences.end() || *at != key)) return {};
  TRY_ASSIGN(auto file, files_.open(path_, OpenMode::read));
  if (at != fences.begin()) --at;  // the block before may end with the key
  size_t first_found = out.size();
  for (; at != fences.end() && *at <= key; ++at) {
    TRY_ASSIGN(auto pairs, read_block(*file, keys_, static_cast<size_t>(at - fences.begin())));
    for (const Pair& pair : pairs)
      if (pair.first == key) out.push_back(pair.second);
  }
  std::reverse(out.begin() + static_cast<ptrdiff_t>(first_found), out.end());
  return {};
}

Result<SegmentIndex::GroupPlace> FileIndex::group_of(uint64_t sequence) const {
  const auto& fences = groups_.fences;
  auto after = std::upper_bound(fences.begin(), fences.end(), sequence);
  CHECK(after != fences.begin(), "the segment holds the sequence");
  TRY_ASSIGN(auto file, files_.open(path_, OpenMode::read));
  TRY_ASSIGN(auto pairs,
             read_block(*file, groups_, static_cast<size_t>(after - fences.begin()) - 1));
  auto pair = std::upper_bound(pairs.begin(), pairs.end(), sequence,
                               [](uint64_t s, const Pair& p) { return s < p.first; });
  if (pair == pairs.begin()) return tl::unexpected<Error>(damaged());
  --pair;
  return GroupPlace{pair->first, pair->second};
}

}  // namespace paywarden
