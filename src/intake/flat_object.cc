#include "intake/flat_object.h"

#include <simdjson.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>
#include <cstring>

#include "intake/json_number.h"

namespace paywarden {
namespace {

using Kind = RawValue::Kind;

// 16 bytes, and what they are, a bit each.
class Piece {
 public:
#ifdef __SSE2__
  explicit Piece(const char* at) : bytes_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))) {}
  // Quotes, and what may not stand in a text as it is: backslashes and control characters.
  uint32_t text_ends() const {
    __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(bytes_, _mm_set1_epi8('"')),
                                 _mm_cmpeq_epi8(bytes_, _mm_set1_epi8('\\')));
    return mask(_mm_or_si128(at_most(bytes_, 0x1f), marks));
  }
  uint32_t beyond_ascii() const {
    return mask(bytes_);
  }
  uint32_t digits() const {
    return mask(at_most(_mm_sub_epi8(bytes_, _mm_set1_epi8('0')), 9));
  }

 private:
  static __m128i at_most(__m128i bytes, char most) {
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(most)), bytes);
  }
  static uint32_t mask(__m128i bytes) {
    return static_cast<uint32_t>(_mm_movemask_epi8(bytes));
  }
  __m128i bytes_;
#else
  explicit Piece(const char* at) : bytes_(at) {}
  uint32_t text_ends() const {
    return mask([](unsigned char c) { return c < 0x20 || c == '"' || c == '\\'; });
  }
  uint32_t beyond_ascii() const {
    return mask([](unsigned char c) { return c >= 0x80; });
  }
  uint32_t digits() const {
    return mask([](unsigned char c) { return c >= '0' && c <= '9'; });
  }

 private:
  template <typename Is>
  uint32_t mask(Is is) const {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < 16; ++i)
      bits |= uint32_t{is(static_cast<unsigned char>(bytes_[i]))} << i;
    return bits;
  }
  const char* bytes_;
#endif
};

uint32_t leading_ones(uint32_t bits) {
  return static_cast<uint32_t>(std::countr_one(bits));
}

// Reads on from a place in the input. Each step may look at some bytes behind the end, where kPadding are readable; whoever calls
// them sees at the last that it was before the end.
class Reader {
 public:
  explicit Reader(std::string_view json) : at_(json.data()), end_(at_ + json.size()) {}

  bool at_end() const { return at_ == end_; }
  std::ptrdiff_t left() const { return end_ - at_; }
  const char* at() const { return at_; }
  void skip(size_t bytes) { at_ += bytes; }

  [[gnu::always_inline]] void skip_spaces() {
    if (static_cast<unsigned char>(*at_) > ' ') return;
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }
  [[gnu::always_inline]] bool take(char c) {
    if (*at_ != c) return false;
    ++at_;
    return true;
  }

  // Behind an opening quote; goes behind the closing one. False where the text has escapes, or is none.
  [[gnu::always_inline]] bool text(std::string_view& out) {
    const char* const begin = at_;
    uint32_t strange = 0;
    for (; at_ < end_; at_ += 16) {
      Piece piece(at_);
      uint32_t ends = piece.text_ends();
      if (!ends) {
        strange |= piece.beyond_ascii();
        continue;
      }
      strange |= piece.beyond_ascii() & ((ends & -ends) - 1);
      at_ += std::countr_zero(ends);
      out = {begin, static_cast<size_t>(at_ - begin)};
      return take('"') && (!strange || simdjson::validate_utf8(out.data(), out.size()));
    }
    return false;
  }

  [[gnu::always_inline]] bool value(RawValue& out) {
    if (take('"')) {
      std::string_view string;
      bool fine = text(string);
      out = RawValue(Kind::text, string);
      return fine;
    }
    if (static_cast<unsigned char>(*at_) <= '9') return number(out);
    if (word("true", Kind::boolean, out) || word("false", Kind::boolean, out)) return true;
    if (!word("null", Kind::null, out)) return false;
    out = RawValue(Kind::null, {});
    return true;
  }

 private:
  [[gnu::always_inline]] bool word(std::string_view word, Kind kind, RawValue& out) {
    if (std::memcmp(at_, word.data(), word.size()) != 0) return false;
    out = RawValue(kind, {at_, word.size()});
    at_ += word.size();
    return true;
  }

  [[gnu::always_inline]] bool number(RawValue& out) {
    size_t length = plain_number_length();
    if (length == 0 && at_ < end_)
      length = json_number_length({at_, static_cast<size_t>(end_ - at_)});
    out = RawValue(Kind::number, {at_, length});
    at_ += length;
    return length > 0;
  }

  // Of one without exponent in at most 15 bytes; else 0, or more than what there is.
  [[gnu::always_inline]] size_t plain_number_length() const {
    uint32_t digits = Piece(at_).digits(), length = *at_ == '-';
    uint32_t whole = leading_ones(digits >> length);
    if (whole == 0 || (whole > 1 && at_[length] == '0')) return 0;
    length += whole;
    if (at_[length] == '.') {
      uint32_t fraction = leading_ones(digits >> (length + 1));
      if (fraction == 0) return 0;
      length += 1 + fraction;
    }
    return length < 16 && (at_[length] | 0x20) != 'e' ? length : 0;
  }

  const char* at_;
  const char* const end_;
};

}  // namespace

FlatObject::FlatObject(const SourceNames& names, size_t members_max)
    : names_(names), followers_(names.entries().size() + 1, -1), members_(members_max) {}

bool FlatObject::read(std::string_view json) {
  count_ = 0;
  Reader reader(json);
  reader.skip_spaces();
  if (!reader.take('{')) return false;
  reader.skip_spaces();
  const SourceNames::Entry* const entries = names_.entries().data();
  Member *member = members_.data(), *const members_end = member + members_.size();
  bool more = !reader.take('}');
  for (size_t previous = names_.entries().size(); more; ++member) {
    if (member == members_end || !reader.take('"')) return false;
    // Senders keep the order of their fields, so the one that followed last time is tried first.
    int16_t& guess = followers_[previous];
    const SourceNames::Entry* entry = guess >= 0 ? entries + guess : nullptr;
    if (entry && static_cast<std::ptrdiff_t>(entry->name.size()) < reader.left() &&
        entry->stands_at(reader.at())) {
      member->entry = guess;
      reader.skip(entry->name.size() + 1);
    } else {
      if (!reader.text(member->name)) return false;
      member->entry = names_.find_entry(member->name);
      if (member->entry >= 0) guess = static_cast<int16_t>(member->entry);
    }
    if (member->entry >= 0) previous = static_cast<size_t>(member->entry);
    reader.skip_spaces();
    if (!reader.take(':')) return false;
    reader.skip_spaces();
    if (!reader.value(member->value)) return false;
    reader.skip_spaces();
    more = reader.take(',');
    if (!more && !reader.take('}')) return false;
    reader.skip_spaces();
  }
  count_ = static_cast<size_t>(member - members_.data());
  return reader.at_end();
}

}  // namespace paywarden
