#include "decision/string_set.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace paywarden {
namespace {

constexpr size_t kSlotsMin = 16;
constexpr size_t kDeadBytesMin = 4096;  // below this, erased texts are not worth a copy of the rest

void add(Hash128& sum, Hash128 entry) {
  sum.low += entry.low;
  sum.high += entry.high;
}

void subtract(Hash128& sum, Hash128 entry) {
  sum.low -= entry.low;
  sum.high -= entry.high;
}

}  // namespace

size_t StringSet::free_slot(uint64_t hash) const {
  size_t i = hash & mask();
  while (slots_[i].place != kAbsent) i = (i + 1) & mask();
  return i;
}

// The entry must be there.
size_t StringSet::slot_of(std::string_view text, uint64_t hash) const {
  size_t i = hash & mask();
  while (slots_[i].hash != hash || text_of(slots_[i]) != text) i = (i + 1) & mask();
  return i;
}

void StringSet::resize(size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(slots_);
  for (const Slot& slot : old)
    if (slot.place != kAbsent) slots_[free_slot(slot.hash)] = slot;
}

void StringSet::reserve(size_t entries) {
  size_t slots = std::bit_ceil(std::max(kSlotsMin, entries * 2));
  if (slots > slots_.size()) resize(slots);
}

bool StringSet::insert(std::string_view text) {
  uint64_t hash = hash64(text);
  if (find(text, hash) != kAbsent) return false;
  reserve(size_ + 1);
  CHECK(texts_.size() + text.size() + 1 < kAbsent, "a set's texts fit 32-bit places");
  slots_[free_slot(hash)] = {hash, static_cast<uint32_t>(texts_.size()),
                             static_cast<uint32_t>(text.size())};
  texts_.append(text).push_back('\0');
  ++size_;
  text_bytes_ += text.size();
  add(hash_, hash128(text));
  return true;
}

bool StringSet::erase(std::string_view text) {
  uint64_t hash = hash64(text);
  if (find(text, hash) == kAbsent) return false;
  close_gap(slot_of(text, hash));
  --size_;
  text_bytes_ -= text.size();
  subtract(hash_, hash128(text));
  drop_dead_texts();
  return true;
}

// Deletion with linear probing (Knuth, TAOCP 3, 6.4, algorithm R): entries that probed past the gap
// move into it.
void StringSet::close_gap(size_t gap) {
  for (size_t i = (gap + 1) & mask(); slots_[i].place != kAbsent; i = (i + 1) & mask()) {
    size_t home = slots_[i].hash & mask();
    if (((i - home) & mask()) < ((i - gap) & mask())) continue;
    slots_[gap] = slots_[i];
    gap = i;
  }
  slots_[gap] = Slot{};
}

void StringSet::drop_dead_texts() {
  size_t live = text_bytes_ + size_;
  if (texts_.size() - live < kDeadBytesMin || texts_.size() < 2 * live) return;
  std::string kept;
  kept.reserve(live);
  for (Slot& slot : slots_) {
    if (slot.place == kAbsent) continue;
    std::string_view text = text_of(slot);
    slot.place = static_cast<uint32_t>(kept.size());
    kept.append(text).push_back('\0');
  }
  texts_ = std::move(kept);
}

std::vector<std::string_view> StringSet::sorted() const {
  std::vector<std::string_view> texts;
  texts.reserve(size_);
  for_each([&texts](std::string_view text) { texts.push_back(text); });
  std::sort(texts.begin(), texts.end());
  return texts;
}

}  // namespace paywarden
