#include "intake/source_names.h"

#include <algorithm>
#include <bit>

#include "base/random.h"

namespace paywarden {
namespace {

constexpr int kMultipliersTried =
    64;  // 25 names then have no collision in nearly every schema; runs when a schema is read

}  // namespace

bool SourceNames::add(std::string_view name, uint16_t value) {
  if (find_entry(name) >= 0) return false;
  Entry entry{std::string(name), value};
  std::string quoted = entry.name + '"';
  quoted.resize(8 + quoted.size());  // zeros, so that 8 bytes are there to load
  size_t bits = 8 * std::min<size_t>(8, name.size() + 1);
  entry.head_mask = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  entry.head = load_le64(quoted.data()) & entry.head_mask;
  if (name.size() >= 8) entry.tail = load_le64(quoted.data() + name.size() - 7);
  entries_.push_back(std::move(entry));
  rebuild();
  return true;
}

int SourceNames::find_entry(std::string_view name) const {
  if (table_.empty()) return -1;
  for (size_t slot = slot_of(name, multiplier_);; slot = (slot + 1) & (table_.size() - 1)) {
    int16_t entry = table_[slot];
    if (entry < 0) return -1;
    if (entries_[static_cast<size_t>(entry)].name == name) return entry;
  }
}

void SourceNames::rebuild() {
  size_t size =
      std::bit_ceil(entries_.size() * 8);  // one place in eight is taken: probing ends at once
  table_.resize(size);
  shift_ = 64 - std::countr_zero(size);
  Random random(entries_.size());
  size_t best = ~size_t{0};
  uint64_t best_multiplier = 1;
  for (int i = 0; i < kMultipliersTried && best > 0; ++i) {
    uint64_t multiplier = random.next() | 1;
    size_t collisions = place(multiplier);
    if (collisions >= best) continue;
    best = collisions;
    best_multiplier = multiplier;
  }
  multiplier_ = best_multiplier;
  place(multiplier_);
}

size_t SourceNames::place(uint64_t multiplier) {
  table_.assign(table_.size(), -1);
  size_t collisions = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    size_t slot = slot_of(entries_[i].name, multiplier);
    for (; table_[slot] >= 0; slot = (slot + 1) & (table_.size() - 1)) ++collisions;
    table_[slot] = static_cast<int16_t>(i);
  }
  return collisions;
}

}  // namespace paywarden
