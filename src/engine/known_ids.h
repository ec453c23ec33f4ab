// Payment ids and what is known of each: an open-addressing table of segments that split as they fill, so that no growth stops the
// stream and no memory is left behind (extendible hashing: Fagin, Nievergelt, Pippenger, Strong, 1979). A tag of 8 bits a slot,
// looked at sixteen at a time, says where an id may stand: a fresh one costs one cache line. Which place an id has is keyed by
// numbers that each process draws, so that nobody can send ids that all have the same.
//
//   KnownIds::Key key(id);
//   table.prefetch(key); ... if (const KnownIds::Entry* entry = table.find(key)) ...; table.insert(key, digest, sequence);
//
// Cost: 33 bytes a slot at a load of 7/16 to 7/8, so 38 to 76 bytes an id, in huge pages from some 57,000 ids on
// (system_memory.h). One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/hash.h"
#include "base/system_memory.h"

namespace paywarden {

class KnownIds {
 public:
  // Half a cache line.
  struct Entry {
    Hash128 id;
    uint64_t digest = 0;
    uint64_t sequence = 0;
  };
  static_assert(sizeof(Entry) == 32);

  // An id, and where it stands in any table of this process.
  struct Key {
    Key() = default;
    explicit Key(Hash128 of) : id(of), place(place_of(of)) {}
    Hash128 id;
    uint64_t place = 0;
  };

  // For find(); once that memory has come, what find() will compare; and for insert() the slot that is free.
  void prefetch(const Key& key) const;
  void prefetch_maybe(const Key& key) const;
  void prefetch_free(const Key& key) const;
  // Null where it is not there; valid until the next insert.
  const Entry* find(const Key& key) const;
  // One that is not there.
  void insert(const Key& key, uint64_t digest, uint64_t sequence);
  // Its memory waits to be used again.
  void clear();
  size_t used() const { return used_; }
  // Of its segments and those that clear() left; up to as many again, at most a huge page, wait to be used.
  size_t bytes() const { return (segments_.size() + cleared_.size()) * sizeof(Slots); }
  // Equal entries, equal sums.
  uint64_t sum() const { return sum_; }
  template <typename Fn>
  void for_each(Fn&& fn) const;

 private:
  static constexpr uint32_t kSlots = 2048;
  static constexpr uint32_t kSlotsUsedMax = kSlots / 8 * 7;
  static constexpr uint32_t kGroup = 16;         // slots whose tags are looked at together
  static constexpr size_t kSegmentsAChunk = 31;  // of a huge page

  struct Slots {
    uint8_t tags[kSlots];  // 0: free
    Entry entries[kSlots];
  };
  static_assert(kSegmentsAChunk * sizeof(Slots) <= size_t{2} << 20);
  struct Segment {
    Slots* slots;
    uint32_t used;
    uint32_t depth;  // leading bits of their places that all of its ids share
  };

  // Its segment in the leading bits, its group in the last ones, its tag before those.
  static uint64_t place_of(Hash128 id);
  static uint32_t group_of(uint64_t place) { return place % (kSlots / kGroup); }
  static uint8_t tag_of(uint64_t place);
  static uint32_t free_slot(const Slots& slots, uint64_t place);
  uint32_t segment_of(uint64_t place) const {
    return depth_ ? directory_[place >> (64 - depth_)] : 0;
  }
  static void put(Segment& segment, uint64_t place, const Entry& entry);
  Slots* new_slots();
  void split(uint64_t place);

  std::vector<uint32_t> directory_;  // by the first depth_ bits of a place: which segment
  std::vector<Segment> segments_;
  std::vector<std::unique_ptr<SystemMemory>> chunks_;
  size_t unused_ = 0;            // segments at the end of the last chunk
  std::vector<Slots*> cleared_;  // their tags are those of what they held
  uint32_t depth_ = 0;
  size_t used_ = 0;
  uint64_t sum_ = 0;
};

template <typename Fn>
void KnownIds::for_each(Fn&& fn) const {
  for (const Segment& segment : segments_)
    for (uint32_t i = 0; i < kSlots; ++i)
      if (segment.slots->tags[i]) fn(segment.slots->entries[i]);
}

}  // namespace paywarden
