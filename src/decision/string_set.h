// A set of texts in two blocks of memory, made for lists of a million entries and look-ups with a
// hash made once.
//
//   StringSet set;
//   set.insert("M-17");
//   set.find("M-17", hash64("M-17")) != StringSet::kAbsent
//
// Not thread safe: one owner changes it, and nobody reads meanwhile.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace paywarden {

class StringSet {
 public:
  static constexpr uint32_t kAbsent = 0xffffffff;

  bool insert(std::string_view text);  // false: it was there
  bool erase(std::string_view text);   // false: it was not
  void reserve(size_t entries);

  // The entry's place, its own as long as nothing is erased. `hash` is hash64(text).
  uint32_t find(std::string_view text, uint64_t hash) const {
    if (slots_.empty()) return kAbsent;
    for (size_t i = hash & mask();; i = (i + 1) & mask()) {
      const Slot& slot = slots_[i];
      if (slot.place == kAbsent) return kAbsent;
      if (slot.hash == hash && text_of(slot) == text) return slot.place;
    }
  }
  bool contains(std::string_view text) const { return find(text, hash64(text)) != kAbsent; }

  size_t size() const { return size_; }
  size_t text_bytes() const { return text_bytes_; }
  size_t memory_bytes() const { return slots_.size() * sizeof(Slot) + texts_.size(); }
  // Of the content, whatever way it came about: the sum of the entries' hashes. Not cryptographic.
  Hash128 hash() const { return hash_; }
  std::vector<std::string_view> sorted() const;  // valid until the set changes

  template <typename F>
  void for_each(F f) const {
    for (const Slot& slot : slots_)
      if (slot.place != kAbsent) f(text_of(slot));
  }

 private:
  struct Slot {
    uint64_t hash = 0;
    uint32_t place = kAbsent;  // in texts_
    uint32_t length = 0;
  };
  size_t mask() const { return slots_.size() - 1; }
  std::string_view text_of(const Slot& slot) const {
    return {texts_.data() + slot.place, slot.length};
  }
  size_t free_slot(uint64_t hash) const;
  size_t slot_of(std::string_view text, uint64_t hash) const;
  void resize(size_t slots);
  void close_gap(size_t gap);
  void drop_dead_texts();

  std::vector<Slot> slots_;  // linear probing; a power of two, at most half full
  std::string texts_;  // each entry and one zero byte, so that an empty one has a place of its own
  size_t size_ = 0;
  size_t text_bytes_ = 0;
  Hash128 hash_;
};

}  // namespace paywarden
