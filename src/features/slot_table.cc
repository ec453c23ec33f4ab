#include "features/slot_table.h"

#include <utility>

namespace paywarden {
namespace {
constexpr uint32_t kFirstSlots = 8;
}

SlotTable::SlotTable() : parts_(size_t{1} << kPartBits) {
  for (Part& part : parts_) {
    part.slots = std::make_unique<Slot[]>(kFirstSlots);
    part.mask = kFirstSlots - 1;
  }
}

Slot* SlotTable::find(uint64_t key) {
  Part& part = part_of(key);
  for (uint32_t i = home(key);; i = (i + 1) & part.mask) {
    if (part.slots[i].key == key) return &part.slots[i];
    if (part.slots[i].key == 0) return nullptr;
  }
}

Slot& SlotTable::find_or_insert(uint64_t key, bool& inserted) {
  Part& part = part_of(key);
  inserted = false;
  uint32_t i = home(key);
  for (; part.slots[i].key; i = (i + 1) & part.mask)
    if (part.slots[i].key == key) return part.slots[i];
  if ((part.used + 1) * 4 > (part.mask + 1) * 3) {  // load 3/4 at most: probes stay short
    grow(part);
    for (i = home(key); part.slots[i].key; i = (i + 1) & part.mask) {
    }
  }
  inserted = true;
  ++part.used;
  ++size_;
  part.slots[i].key = key;
  return part.slots[i];
}

void SlotTable::grow(Part& part) {
  auto old = std::move(part.slots);
  uint32_t old_count = part.mask + 1;
  part.slots = std::make_unique<Slot[]>(old_count * 2);
  part.mask = old_count * 2 - 1;
  for (uint32_t k = 0; k < old_count; ++k) {
    if (!old[k].key) continue;
    uint32_t i = static_cast<uint32_t>(old[k].key) & part.mask;
    while (part.slots[i].key) i = (i + 1) & part.mask;
    part.slots[i] = old[k];
  }
}

// Linear probing without tombstones: later entries of the run move up (Knuth, TAOCP 3, 6.4,
// algorithm R).
void SlotTable::erase(uint64_t key) {
  Part& part = part_of(key);
  uint32_t hole = home(key);
  while (part.slots[hole].key != key) hole = (hole + 1) & part.mask;
  for (uint32_t i = (hole + 1) & part.mask; part.slots[i].key; i = (i + 1) & part.mask) {
    uint32_t wanted = static_cast<uint32_t>(part.slots[i].key) & part.mask;
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
