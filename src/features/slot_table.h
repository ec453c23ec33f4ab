// The table of keys: 16 bytes a key, four to a cache line, open addressing, cut into 64 parts that
// grow apart from each other, so that no single growth stops the stream (at 10 million keys a part
// has 260,000 slots: a few milliseconds).
//
//   Slot& slot = table.find_or_insert(ref, inserted);   // valid until the next insert or erase
//   table.prefetch(ref);        // some payments ahead; then, nearer:
//   table.locate(ref);          // keeps the place in the ref, so that it is not searched again
//
// Keys are 64-bit hashes and are not compared further: among 10 million keys the chance that any
// two share one is 3 in a million. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/prefetch.h"
#include "features/feature.h"

namespace paywarden {

// How a key's block begins; KeyGroup says what follows.
struct History {
  int64_t first_seen = 0;  // ms
  int64_t newest = 0;      // ms, of the last row
  uint16_t start = 0;      // the last row before the history (prefixes to subtract)
  uint16_t end = 0;        // behind the newest row
  uint16_t size_class = 0;
  uint16_t folded = 0;  // 1: its oldest rows may be buckets
  uint16_t tails[kWindowsPerKeyMax] =
      {};  // for each window, as of the newest row: the last row before it
};
static_assert(sizeof(History) == 48);

struct Slot {
  uint64_t key = 0;  // 0: free
  History* history = nullptr;
};
static_assert(sizeof(Slot) == 16);

// A key of one payment, and where it was last found (a guess that is checked before it is used).
struct KeyRef {
  uint64_t key = 0;  // 0: the payment lacks a field of the key
  uint32_t place = 0;
};

class SlotTable {
 public:
  SlotTable();
  Slot* find(const KeyRef& ref);
  Slot& find_or_insert(const KeyRef& ref, bool& inserted);
  void erase(uint64_t key);
  void prefetch(const KeyRef& ref) const {
    const Part& part = part_of(ref.key);
    prefetch_line(&part.slots[home(part, ref.key)]);
  }
  Slot* locate(KeyRef& ref);
  size_t size() const { return size_; }
  size_t bytes() const;

  // Walks all slots in table order: `position` runs from 0 and comes back to 0 at the end of a
  // round. Null: a free slot.
  Slot* step(uint64_t& position);
  // So that the history of the next step is there by then.
  void prefetch_step(uint64_t position) const {
    const Part& part = parts_[position >> 32];
    auto i = static_cast<uint32_t>(position);
    if (i <= part.mask) prefetch_line(part.slots[i].history);
  }
  template <typename Fn>
  void for_each(Fn&& fn) const {
    for (const Part& part : parts_)
      for (uint32_t i = 0; i <= part.mask; ++i)
        if (part.slots[i].key) fn(part.slots[i]);
  }

 private:
  struct FreeMemory {
    void operator()(Slot* slots) const { std::free(slots); }
  };
  using Slots = std::unique_ptr<Slot[], FreeMemory>;
  struct Part {
    Slots slots;
    uint32_t mask = 0;
    uint32_t used = 0;
  };
  static constexpr int kPartBits = 6;
  static Slots make_slots(uint32_t count);
  const Part& part_of(uint64_t key) const { return parts_[key >> (64 - kPartBits)]; }
  Part& part_of(uint64_t key) { return parts_[key >> (64 - kPartBits)]; }
  static uint32_t home(const Part& part, uint64_t key) {
    return static_cast<uint32_t>(key) & part.mask;
  }
  void grow(Part& part);

  std::vector<Part> parts_;
  size_t size_ = 0;
};

}  // namespace paywarden
