#include "features/slot_table.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace paywarden {
namespace {
constexpr uint32_t kFirstSlots = 16;
constexpr size_t kHugePage = size_t{2} << 20;
}  // namespace

SlotTable::SlotTable() : parts_(size_t{1} << kPartBits) {
  for (Part& part : parts_) {
    part.slots = make_slots(kFirstSlots);
    part.mask = kFirstSlots - 1;
  }
}

// Free slots; in huge pages once they fill one, since a look-up lands anywhere.
SlotTable::Slots SlotTable::make_slots(uint32_t count) {
  size_t bytes = size_t{count} * sizeof(Slot);
  void* memory = std::aligned_alloc(bytes < kHugePage ? 64 : kHugePage, bytes);
  CHECK(memory != nullptr, "out of memory for the table of keys");
  if (bytes >= kHugePage) madvise(memory, bytes, MADV_HUGEPAGE);  // advice only: works without
  std::memset(memory, 0, bytes);
  return Slots(static_cast<Slot*>(memory));
}

Slot* SlotTable::find(const KeyRef& ref) {
  Part& part = part_of(ref.key);
  if (ref.place <= part.mask && part.slots[ref.place].key == ref.key) return &part.slots[ref.place];
  for (uint32_t i = home(part, ref.key);; i = (i + 1) & part.mask) {
    if (part.slots[i].key == ref.key) return &part.slots[i];
    if (part.slots[i].key == 0) return nullptr;
  }
}

Slot* SlotTable::locate(KeyRef& ref) {
  Slot* slot = find(ref);
  if (slot) ref.place = static_cast<uint32_t>(slot - part_of(ref.key).slots.get());
  return slot;
}

Slot& SlotTable::find_or_insert(const KeyRef& ref, bool& inserted) {
  inserted = false;
  if (Slot* slot = find(ref)) return *slot;
  Part& part = part_of(ref.key);
  if ((part.used + 1) * 4 > (part.mask + 1) * 3) grow(part);  // load 3/4 at most: probes stay short
  uint32_t i = home(part, ref.key);
  while (part.slots[i].key) i = (i + 1) & part.mask;
  inserted = true;
  ++part.used;
  ++size_;
  part.slots[i].key = ref.key;
  return part.slots[i];
}

void SlotTable::grow(Part& part) {
  auto old = std::move(part.slots);
  uint32_t old_count = part.mask + 1;
  part.slots = make_slots(old_count * 2);
  part.mask = old_count * 2 - 1;
  for (uint32_t k = 0; k < old_count; ++k) {
    if (!old[k].key) continue;
    uint32_t i = home(part, old[k].key);
    while (part.slots[i].key) i = (i + 1) & part.mask;
    part.slots[i] = old[k];
  }
}

// Linear probing without tombstones: later entries of the run move up (Knuth, TAOCP 3, 6.4,
// algorithm R).
void SlotTable::erase(uint64_t key) {
  Part& part = part_of(key);
  uint32_t hole = home(part, key);
  while (part.slots[hole].key != key) hole = (hole + 1) & part.mask;
  for (uint32_t i = (hole + 1) & part.mask; part.slots[i].key; i = (i + 1) & part.mask) {
    uint32_t wanted = home(part, part.slots[i].key);
    if (((i - wanted) & part.mask) < ((i - hole) & part.mask)) continue;
    part.slots[hole] = part.slots[i];
    hole = i;
  }
  part.slots[hole] = Slot{};
  --part.used;
  --size_;
}

size_t SlotTable::bytes() const {
  size_t slots = 0;
  for (const Part& part : parts_) slots += part.mask + 1;
  return slots * sizeof(Slot);
}

Slot* SlotTable::step(uint64_t& position) {
  Part& part = parts_[position >> 32];
  auto i = static_cast<uint32_t>(position);
  Slot* slot = i <= part.mask && part.slots[i].key ? &part.slots[i] : nullptr;
  if (i >= part.mask) {
    uint64_t next = (position >> 32) + 1;
    position = next == parts_.size() ? 0 : next << 32;
  } else {
    ++position;
  }
  return slot;
}

}  // namespace paywarden
