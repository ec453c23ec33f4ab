#include "engine/seen_payments.h"

#include <utility>

namespace paywarden {
namespace {
constexpr uint64_t kUnknown = 0;  // a digest: any body under the id is taken for the same
// In a snapshot, the word behind a digest: how it was made. What earlier programs made otherwise is unknown.
constexpr uint64_t kMadeAsNow = 1, kMadeOtherwise = 0;
}  // namespace

void SeenPayments::prefetch(Hash128 id) {
  const KnownIds::Key key(id);
  for (const KnownIds& table : tables_) table.prefetch(key);
  KnownIds::Key& before = asked_[asked_next_++ % asked_.size()];  // by now its tags have come
  for (const KnownIds& table : tables_) table.prefetch_maybe(before);
  tables_[0].prefetch_free(before);
  before = key;
}

Sighting SeenPayments::look(Hash128 id, uint64_t digest, uint64_t& sequence) const {
  const KnownIds::Key key(id);
  for (const KnownIds& table : tables_) {
    const KnownIds::Entry* entry = table.find(key);
    if (!entry) continue;
    sequence = entry->sequence;
    bool same = entry->digest == digest || entry->digest == kUnknown;
    return same ? Sighting::repeat : Sighting::conflict;
  }
  return Sighting::fresh;
}

void SeenPayments::add(Hash128 id, uint64_t digest, uint64_t sequence, EventTime watermark) {
  if (rotated_ == EventTime::min()) rotated_ = watermark;
  if (watermark - rotated_ >= horizon_) {
    tables_[1].clear();
    std::swap(tables_[0], tables_[1]);
    rotated_ = watermark;
  }
  tables_[0].insert(KnownIds::Key(id), digest, sequence);
}

SeenPayments SeenPayments::copy() const {
  SeenPayments out(horizon_);
  out.rotated_ = rotated_;
  for (size_t i = 0; i < tables_.size(); ++i)
    tables_[i].for_each([&to = out.tables_[i]](const KnownIds::Entry& e) {
      to.insert(KnownIds::Key(e.id), e.digest, e.sequence);
    });
  return out;
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
  for (const KnownIds& table : tables_) {
    out.bytes().u64(table.used());
    table.for_each([&](const KnownIds::Entry& e) {
      const uint64_t made = e.digest == kUnknown ? kMadeOtherwise : kMadeAsNow;
      for (uint64_t word : {e.id.low, e.id.high, e.digest, made, e.sequence}) out.bytes().u64(word);
      out.checkpoint();
    });
  }
}

bool SeenPayments::load(ByteReader& in) {
  rotated_ = EventTime(in.i64());
  for (KnownIds& table : tables_) {
    uint64_t count = in.u64();
    for (uint64_t i = 0; i < count && in.ok(); ++i) {
      KnownIds::Entry e;
      e.id = {in.u64(), in.u64()};
      e.digest = in.u64();
      if (in.u64() != kMadeAsNow) e.digest = kUnknown;
      e.sequence = in.u64();
      const KnownIds::Key key(e.id);
      if (in.ok() && !table.find(key)) table.insert(key, e.digest, e.sequence);
    }
  }
  return in.ok();
}

}  // namespace paywarden
