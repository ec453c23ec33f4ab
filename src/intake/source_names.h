// Finds a sender's field name among the schema's in a few nanoseconds.
//
//   SourceNames names;
//   names.add("cc_num", 2);
//   names.find("cc_num")     // 2
//   names.find("colour")     // SourceNames::kUnknown
//
// Open addressing; the hash takes the length and four characters, with the multiplier that gave the
// fewest collisions when the table was made. Built once, then only read: any number of threads.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace paywarden {

class SourceNames {
 public:
  static constexpr uint16_t kUnknown = 0xffff;

  struct Entry {
    std::string name;
    uint16_t value = kUnknown;
    uint64_t head = 0, head_mask = 0;  // the first 8 bytes of the name and its closing quote
    uint64_t tail = 0;                 // of 8 and more: the last 8

    // True when the name and a closing quote stand at `key`, where so many bytes and 8 more may be
    // read.
    bool stands_at(const char* key) const {
      if ((load_le64(key) & head_mask) != head) return false;
      if (name.size() < 8) return true;
      if (load_le64(key + name.size() - 7) != tail) return false;
      return name.size() < 16 || std::memcmp(key + 8, name.data() + 8, name.size() - 15) == 0;
    }
  };

  // False when the name is there already.
  bool add(std::string_view name, uint16_t value);
  uint16_t find(std::string_view name) const {
    int entry = find_entry(name);
    return entry < 0 ? kUnknown : entries_[static_cast<size_t>(entry)].value;
  }
  // Index into entries(), -1 where there is none.
  int find_entry(std::string_view name) const;
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  void rebuild();
  size_t place(uint64_t multiplier);  // fills the table; returns the number of collisions
  size_t slot_of(std::string_view name, uint64_t multiplier) const {
    if (name.empty()) return 0;
    auto at = [&](size_t i) { return static_cast<uint64_t>(static_cast<uint8_t>(name[i])); };
    size_t n = name.size();
    uint64_t key = at(0) | at(n - 1) << 8 | at(n / 2) << 16 | at(n / 4) << 24 | uint64_t{n} << 32;
    return static_cast<size_t>((key * multiplier) >> shift_);
  }
  std::vector<Entry> entries_;
  std::vector<int16_t> table_;  // index into entries_, -1: free
  uint64_t multiplier_ = 1;
  int shift_ = 63;
};

}  // namespace paywarden
