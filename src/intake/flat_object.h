// A JSON object as nearly all senders write one: its values are texts without escapes, numbers, true, false and null. It is read in one
// pass over the bytes, before a parser for all JSON, which takes two; anything else is left to that one. A sender's objects mostly
// differ in their values alone, so what stands between two values is compared with what stood there before, instead of read.
//
//   FlatObject object(schema.names, 256);
//   if (object.read(body)) for (const FlatObject::Member& m : object.members()) use(m.entry, m.name, m.value);
//
// What it takes is JSON (RFC 8259) to the letter, in UTF-8. Members stand in the order of the input, repeated names too. One
// thread; nothing is allocated.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "intake/convert.h"
#include "intake/source_names.h"

namespace paywarden {

class FlatObject {
 public:
  // Behind an input that is read so many bytes may be read (never used).
  static constexpr size_t kPadding = 64;

  struct Member {
    int entry = -1;         // of the names, -1: a name that is not among them
    std::string_view name;  // of one that is not; else stale
    RawValue value;         // null, text, number or boolean; texts and numbers lie in the input
  };

  // `names` must outlive the object.
  FlatObject(const SourceNames& names, size_t members_max);

  // False: the input is another kind of object, has more members, or is no JSON.
  bool read(std::string_view json);
  std::span<const Member> members() const { return {members_.data(), count_}; }

 private:
  class Reader;
  static constexpr int16_t kUnknown = -1, kEnd = -2;
  struct Next {
    int16_t entry = kUnknown;  // of the member whose value comes; kEnd: none does
    bool is_text = false;      // behind its opening quote
  };
  // What stands between a value and the next one, that one's opening quote included: `,"amount":"`.
  struct Gap {
    static constexpr size_t kBytesMax = 32;
    char bytes[kBytesMax];
    uint32_t length = 0;  // 0: no gap is known
    uint32_t wanted = 0;  // a bit for each byte of the length
    Next next;
  };
  // Behind most fields comes one other, behind some one of two, as not all are in every object.
  struct Gaps {
    Gap newer, older;
    const Gap* take(Reader& reader) const;
    void keep(std::string_view bytes, Next next);
  };
  bool read_gap(Reader& reader, bool is_first, std::string_view& name, Next& next) const;

  const SourceNames& names_;
  std::vector<Gaps> gaps_;       // by the entry before, and one for the start
  std::vector<Member> members_;  // with a place for one too many
  size_t count_ = 0;
};

}  // namespace paywarden
