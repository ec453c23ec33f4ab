// Named lists that rules look into: `card in list("blocked")`. Cards stand in them as tokens (32
// hex digits), other fields as their text; one entry a line wherever a list is text.
//
//   Lists lists;
//   Status done = lists.apply({ListOperation::replace, "blocked", "0011...eeff\n8899...aabb\n"});
//   const StringSet* blocked = lists.find("blocked");   // stays there until the list is dropped
//   lists.encode(writer);                               // for a snapshot; restore() reads it
//
// Not thread safe: the engine's owner thread changes and reads it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_io.h"
#include "base/result.h"
#include "decision/string_set.h"

namespace paywarden {

struct ListLimits {
  size_t lists_max = 256;          // each rule names one: more than anybody keeps in mind
  size_t entries_max = 1'000'000;  // over all lists; about 100 MB with their index
  size_t bytes_max = 64 << 20;     // over all lists, their text alone: bounds a snapshot
  size_t entry_bytes_max = 256;    // a merchant's or device's name; a field's text is at most 1,024
};

enum class ListOperation : uint8_t { add, remove, replace, drop };

struct ListEdit {
  ListOperation operation;
  std::string_view list;     // [a-z][a-z0-9_]*, at most 64 bytes
  std::string_view entries;  // one a line, blanks around it cut; none for drop
  bool tokens_only = false;  // a rule looks for cards in this list: entries must be card tokens
};

class Lists {
 public:
  explicit Lists(ListLimits limits = {}) : limits_(limits) {}

  const StringSet* find(std::string_view name) const;
  std::vector<std::string_view> names() const;  // sorted

  // Refuses without a change: a list that is not there (`replace` makes one), an entry that is too
  // long, holds control characters or a card number, anything beyond the limits. Adding what is
  // there, removing what is not, is no error.
  Status check(const ListEdit& edit) const;
  Status apply(const ListEdit& edit);

  Hash128 hash() const;  // of names and entries, whatever their history; not cryptographic
  void encode(ByteWriter& out) const;  // the same lists give the same bytes
  bool restore(ByteReader& in);        // false: damaged, and nothing has changed

 private:
  struct Totals {
    size_t entries = 0, bytes = 0;
  };
  Result<StringSet> parse(const ListEdit& edit) const;
  Status check_name(const ListEdit& edit) const;
  Status check_totals(const ListEdit& edit, const StringSet& entries) const;
  Totals totals_without(std::string_view list) const;
  tl::unexpected<Error> unknown(std::string_view name) const;

  ListLimits limits_;
  // Rules point at the sets: a node's address outlives a move of the map.
  std::map<std::string, StringSet, std::less<>> lists_;
};

// Whether rules may look for cards in it.
bool holds_tokens_only(const StringSet& list);

}  // namespace paywarden
