#include "engine/seen_payments.h"

#include <utility>

#include "base/prefetch.h"

namespace paywarden {
namespace {
constexpr size_t kFirstEntries = 16;
bool is_free(Hash128 id) {
  return id.low == 0 && id.high == 0;
}
}  // namespace

const SeenPayments::Entry* SeenPayments::Table::find(Hash128 id) const {
  const std::vector<Entry>& part = parts[part_of(id)];
  if (part.empty()) return nullptr;
  for (size_t i = id.low & (part.size() - 1);; i = (i + 1) & (part.size() - 1)) {
    if (part[i].id == id) return &part[i];
    if (is_free(part[i].id)) return nullptr;
  }
}

void SeenPayments::Table::put(std::vector<Entry>& part, const Entry& entry) {
  size_t i = entry.id.low & (part.size() - 1);
  while (!is_free(part[i].id)) i = (i + 1) & (part.size() - 1);
  part[i] = entry;
}

void SeenPayments::Table::insert(const Entry& entry) {
  size_t p = part_of(entry.id);
  std::vector<Entry>& part = parts[p];
  if ((part_used[p] + 1) * 4 > part.size() * 3) {
    std::vector<Entry> larger(part.empty() ? kFirstEntries : part.size() * 2);
    for (const Entry& old : part)
      if (!is_free(old.id)) put(larger, old);
    part = std::move(larger);
  }
  put(part, entry);
  ++part_used[p];
  ++used;
}

void SeenPayments::prefetch(Hash128 id) const {
  for (const Table& table : tables_) {
    const std::vector<Entry>& part = table.parts[part_of(id)];
    if (part.empty()) continue;
    const Entry* home = &part[id.low & (part.size() - 1)];
    prefetch_line(home);
    prefetch_line(reinterpret_cast<const char*>(home + 1) - 1);
  }
}

Sighting SeenPayments::look(Hash128 id, Hash128 digest, uint64_t& sequence) const {
  for (const Table& table : tables_) {
    const Entry* entry = table.find(id);
    if (!entry) continue;
    sequence = entry->sequence;
    return entry->digest == digest ? Sighting::repeat : Sighting::conflict;
  }
  return Sighting::fresh;
}

void SeenPayments::add(Hash128 id, Hash128 digest, uint64_t sequence, EventTime watermark) {
  if (rotated_ == EventTime::min()) rotated_ = watermark;
  if (watermark - rotated_ >= horizon_) {
    tables_[1] = std::exchange(tables_[0], Table{});
    rotated_ = watermark;
  }
  tables_[0].insert({id, digest, sequence});
}

size_t SeenPayments::bytes() const {
  size_t entries = 0;
  for (const Table& table : tables_)
    for (const auto& part : table.parts) entries += part.capacity();
  return entries * sizeof(Entry);
}

uint64_t SeenPayments::state_hash() const {
  uint64_t sum = static_cast<uint64_t>(rotated_.ms());
  for (size_t t = 0; t < 2; ++t)
    for (const auto& part : tables_[t].parts)
      for (const Entry& e : part)
        if (!is_free(e.id))
          sum += hash_combine(hash_combine(e.id.low + t, e.digest.low), e.sequence);
  return sum;
}

void SeenPayments::save(ChunkedWriter& out) const {
  out.bytes().i64(rotated_.ms());
  for (const Table& table : tables_) {
    out.bytes().u64(table.used);
    for (const auto& part : table.parts)
      for (const Entry& e : part) {
        if (is_free(e.id)) continue;
        for (uint64_t word : {e.id.low, e.id.high, e.digest.low, e.digest.high, e.sequence})
          out.bytes().u64(word);
        out.checkpoint();
      }
  }
}

bool SeenPayments::load(ByteReader& in) {
  rotated_ = EventTime(in.i64());
  for (Table& table : tables_) {
    uint64_t count = in.u64();
    for (uint64_t i = 0; i < count && in.ok(); ++i) {
      Entry e;
      e.id = {in.u64(), in.u64()};
      e.digest = {in.u64(), in.u64()};
      e.sequence = in.u64();
      if (in.ok() && !is_free(e.id)) table.insert(e);
    }
  }
  return in.ok();
}

}  // namespace paywarden
