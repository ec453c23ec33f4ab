// The table of keys: one cache line a key, open addressing, cut into 256 parts that grow apart from
// each other, so that no single growth stops the stream (at 10 million keys a part has 40,000
// lines: about a millisecond).
//
//   Slot& slot = table.find_or_insert(key, inserted);   // valid until the next insert or erase
//   table.prefetch(key);                                 // some payments ahead
//
// Keys are 64-bit hashes and are not compared further: among 10 million keys the chance that any
// two share one is 3 in a million. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "features/feature.h"

namespace paywarden {

struct alignas(64) Slot {
  uint64_t key = 0;           // 0: free
  uint64_t* block = nullptr;  // running values, then rows
  int64_t first_seen = 0;     // ms
  int64_t newest = 0;         // ms, of the last row: known without touching the block
  uint16_t start = 0;         // the last row before the history (prefixes to subtract)
  uint16_t end = 0;           // behind the newest row
  uint16_t size_class = 0;
  uint16_t unused = 0;
  uint16_t tails[kWindowsPerKeyMax] =
      {};  // for each window, as of the newest row: the last row before it
};
static_assert(sizeof(Slot) == 64);

class SlotTable {
 public:
  SlotTable();
  Slot* find(uint64_t key);
  Slot& find_or_insert(uint64_t key, bool& inserted);
  void erase(uint64_t key);
  void prefetch(uint64_t key) const { __builtin_prefetch(&part_of(key).slots[home(key)]); }
  size_t size() const { return size_; }
  size_t bytes() const;

  // Walks all slots in table order: `position` runs from 0 and comes back to 0 at the end of a
  // round. Null: a free slot.
  Slot* step(uint64_t& position);
  template <typename Fn>
  void for_each(Fn&& fn) const {
    for (const Part& part : parts_)
      for (uint32_t i = 0; i <= part.mask; ++i)
        if (part.slots[i].key) fn(part.slots[i]);
  }

 private:
  struct Part {
    std::unique_ptr<Slot[]> slots;
    uint32_t mask = 0;
    uint32_t used = 0;
  };
  static constexpr int kPartBits = 8;
  const Part& part_of(uint64_t key) const { return parts_[key >> (64 - kPartBits)]; }
  Part& part_of(uint64_t key) { return parts_[key >> (64 - kPartBits)]; }
  uint32_t home(uint64_t key) const { return static_cast<uint32_t>(key) & part_of(key).mask; }
  void grow(Part& part);

  std::vector<Part> parts_;
  size_t size_ = 0;
};

}  // namespace paywarden
