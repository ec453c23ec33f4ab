// For layouts_bench: memory in huge pages where the kernel gives them, and a table of keys sized once,
// so that layouts are compared and not allocators.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/system_memory.h"

namespace paywarden {

// g++ 12 takes a const function that only prefetches for one without effect and drops its calls; the
// empty statement keeps them.
inline void prefetch(const void* at) {
  __builtin_prefetch(at);
  asm volatile("");
}

// `count` objects of zeroed memory in huge pages; T must be fine with that.
template <typename T>
class HugeArray {
 public:
  explicit HugeArray(size_t count)
      : memory_((count * sizeof(T) + kPage - 1) / kPage * kPage),
        items_(reinterpret_cast<T*>(memory_.data())) {}

  T& operator[](size_t i) const { return items_[i]; }
  size_t bytes() const { return memory_.size(); }

 private:
  static constexpr size_t kPage = size_t{2} << 20;
  SystemMemory memory_;
  T* items_;
};

// Open addressing at a load of 3/8 to 3/4, as in SlotTable. `Slot` begins with its key; 0: free.
template <typename Slot>
class FixedTable {
 public:
  explicit FixedTable(size_t keys_max)
      : mask_(std::bit_ceil(keys_max * 4 / 3 + 1) - 1), slots_(mask_ + 1) {}

  Slot* find(uint64_t key) const {
    for (size_t i = key & mask_;; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return &slots_[i];
      if (slots_[i].key == 0) return nullptr;
    }
  }
  Slot& find_or_insert(uint64_t key) {
    size_t i = key & mask_;
    while (slots_[i].key != key && slots_[i].key != 0) i = (i + 1) & mask_;
    if (slots_[i].key == 0) {
      slots_[i].key = key;
      ++used_;
    }
    return slots_[i];
  }
  void prefetch(uint64_t key) const {
    for (size_t line = 0; line < sizeof(Slot); line += 64)
      paywarden::prefetch(reinterpret_cast<const char*>(&slots_[key & mask_]) + line);
  }
  uint32_t index_of(const Slot& slot) const { return static_cast<uint32_t>(&slot - &slots_[0]); }
  Slot& operator[](uint32_t i) const { return slots_[i]; }
  size_t used() const { return used_; }
  size_t bytes() const { return (mask_ + 1) * sizeof(Slot); }

 private:
  size_t mask_;
  HugeArray<Slot> slots_;
  size_t used_ = 0;
};

// Items of a block of each size class: by half at a time.
inline std::vector<uint32_t> block_capacities() {
  std::vector<uint32_t> out;
  for (uint32_t n = 3; n < 65'536 * 2 / 3; n += (n + 1) / 2) out.push_back(n);
  return out;
}
inline std::vector<size_t> block_bytes(size_t item_bytes, bool tagged = false) {
  std::vector<size_t> out;
  for (uint32_t n : block_capacities())
    out.push_back(n * item_bytes + (tagged ? (n + 7) / 8 * 8 : 0));
  return out;
}

}  // namespace paywarden
