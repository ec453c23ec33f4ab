#include "engine/seen_payments.h"

#include <bit>
#include <utility>

#include "base/prefetch.h"

namespace paywarden {
namespace {
constexpr size_t kFirstEntries = 16;
// Snapshots once held both halves of the digest, in two words; now the first is word_of(digest).
constexpr uint64_t kNoOtherHalf = 0;

uint64_t word_of(Hash128 digest) {
  return hash_combine(digest.low, digest.high);
}

// Of a part with so many entries: 0 for the first size, 1 for twice that, ...
size_t level_of(size_t capacity) {
  return static_cast<size_t>(std::countr_zero(capacity) - std::countr_zero(kFirstEntries));
}

bool is_free(Hash128 id) {
  return id.low == 0 && id.high == 0;
}
}  // namespace

const SeenPayments::Entry* SeenPayments::Table::find(Hash128 id) const {
  const Part& part = parts_[part_of(id)];
  if (part.capacity == 0) return nullptr;
  for (size_t i = home(part, id);; i = (i + 1) & (part.capacity - 1)) {
    if (part.entries[i].id == id) return &part.entries[i];
    if (is_free(part.entries[i].id)) return nullptr;
  }
}

void SeenPayments::Table::prefetch(Hash128 id) const {
  const Part& part = parts_[part_of(id)];
  if (part.capacity == 0) return;
  prefetch_line(&part.entries[home(part, id)]);
}

void SeenPayments::Table::put(Part& part, const Entry& entry) {
  size_t i = home(part, entry.id);
  while (!is_free(part.entries[i].id)) i = (i + 1) & (part.capacity - 1);
  part.entries[i] = entry;
}

void SeenPayments::Table::insert(const Entry& entry) {
  size_t p = part_of(entry.id);
  Part& part = parts_[p];
  if ((part.used + 1) * 4 > part.capacity * 3) grow(p);
  put(part, entry);
  ++part.used;
  ++used_;
  sum_ += hash_combine(hash_combine(entry.id.low, entry.digest), entry.sequence);
}

void SeenPayments::Table::grow(size_t p) {
  Part& part = parts_[p];
  Part old = part;
  part.capacity = old.capacity == 0 ? kFirstEntries : old.capacity * 2;
  size_t level = level_of(part.capacity), bytes = part.capacity * sizeof(Entry);
  if (levels_.size() <= level) levels_.resize(level + 1);
  Level& to = levels_[level];
  if (!to.memory) to.memory = std::make_unique<SystemMemory>(kParts * bytes);
  part.entries = reinterpret_cast<Entry*>(to.memory->data() + p * bytes);
  ++to.parts;
  for (size_t i = 0; i < old.capacity; ++i)
    if (!is_free(old.entries[i].id)) put(part, old.entries[i]);
  if (old.capacity == 0) return;
  Level& from = levels_[level - 1];
  from.memory->release(p * (bytes / 2), (p + 1) * (bytes / 2));
  if (--from.parts == 0) from.memory.reset();
}

size_t SeenPayments::Table::bytes() const {
  size_t entries = 0;
  for (const Part& part : parts_) entries += part.capacity;
  return entries * sizeof(Entry);
}

template <typename Fn>
void SeenPayments::Table::for_each(Fn&& fn) const {
  for (const Part& part : parts_)
    for (size_t i = 0; i < part.capacity; ++i)
      if (!is_free(part.entries[i].id)) fn(part.entries[i]);
}

void SeenPayments::prefetch(Hash128 id) const {
  for (const Table& table : tables_) table.prefetch(id);
}

Sighting SeenPayments::look(Hash128 id, Hash128 digest, uint64_t& sequence) const {
  for (const Table& table : tables_) {
    const Entry* entry = table.find(id);
    if (!entry) continue;
    sequence = entry->sequence;
    return entry->digest == word_of(digest) ? Sighting::repeat : Sighting::conflict;
  }
  return Sighting::fresh;
}

void SeenPayments::add(Hash128 id, Hash128 digest, uint64_t sequence, EventTime watermark) {
  if (rotated_ == EventTime::min()) rotated_ = watermark;
  if (watermark - rotated_ >= horizon_) {
    tables_[1] = std::exchange(tables_[0], Table{});
    rotated_ = watermark;
  }
  tables_[0].insert({id, word_of(digest), sequence});
}

size_t SeenPayments::bytes() const {
  return tables_[0].bytes() + tables_[1].bytes();
}

uint64_t SeenPayments::state_hash() const {
  auto rotated = static_cast<uint64_t>(rotated_.ms());
  return hash_combine(hash_combine(rotated, tables_[0].sum()), tables_[1].sum());
}

void SeenPayments::save(ChunkedWriter& out) const {
  out.bytes().i64(rotated_.ms());
  for (const Table& table : tables_) {
    out.bytes().u64(table.used());
    table.for_each([&](const Entry& e) {
      for (uint64_t word : {e.id.low, e.id.high, e.digest, kNoOtherHalf, e.sequence})
        out.bytes().u64(word);
      out.checkpoint();
    });
  }
}

bool SeenPayments::load(ByteReader& in) {
  rotated_ = EventTime(in.i64());
  for (Table& table : tables_) {
    uint64_t count = in.u64();
    for (uint64_t i = 0; i < count && in.ok(); ++i) {
      Entry e;
      e.id = {in.u64(), in.u64()};
      Hash128 digest = {in.u64(), in.u64()};
      e.digest = digest.high == kNoOtherHalf ? digest.low : word_of(digest);
      e.sequence = in.u64();
      if (in.ok() && !is_free(e.id)) table.insert(e);
    }
  }
  return in.ok();
}

}  // namespace paywarden
