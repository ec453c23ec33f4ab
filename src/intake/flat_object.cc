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
  uint32_t equal(const Piece& other) const {
    return mask(_mm_cmpeq_epi8(bytes_, other.bytes_));
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
  uint32_t equal(const Piece& other) const {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < 16; ++i) bits |= uint32_t{bytes_[i] == other.bytes_[i]} << i;
    return bits;
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

}  // namespace

// Reads on from a place in the input. Each step may look at some bytes behind the end, where kPadding are readable; whoever calls
// them sees at the last that it was before the end.
class FlatObject::Reader {
 public:
  explicit Reader(std::string_view json) : at_(json.data()), end_(at_ + json.size()) {}

  bool at_end() const { return at_ >= end_; }
  const char* at() const { return at_; }

  [[gnu::always_inline]] void skip_spaces() {
    if (static_cast<unsigned char>(*at_) > ' ') return;
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }
  [[gnu::always_inline]] bool take(char c) {
    if (*at_ != c) return false;
    ++at_;
    return true;
  }

  [[gnu::always_inline]] bool take(const Gap& gap) {
    const char* bytes = gap.bytes;
    uint32_t equal = Piece(at_).equal(Piece(bytes)) | Piece(at_ + 16).equal(Piece(bytes + 16))
                                                          << 16;
    if ((equal & gap.wanted) != gap.wanted) return false;
    at_ += gap.length;
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

  [[gnu::always_inline]] bool text_value(RawValue& out) {
    std::string_view string;
    bool fine = text(string);
    out = RawValue(Kind::text, string);
    return fine;
  }
  [[gnu::always_inline]] bool value(RawValue& out) {
    if (at_end()) return false;
    if (take('"')) return text_value(out);
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
  const char* end_;
};

FlatObject::FlatObject(const SourceNames& names, size_t members_max)
    : names_(names), gaps_(names.entries().size() + 1), members_(members_max + 1) {}

// The one of the two that stands here, and goes behind it.
[[gnu::always_inline]] inline const FlatObject::Gap* FlatObject::Gaps::take(Reader& reader) const {
  if (newer.length && reader.take(newer)) return &newer;
  if (older.length && reader.take(older)) return &older;
  return nullptr;
}

void FlatObject::Gaps::keep(std::string_view bytes, Next next) {
  if (bytes.size() > Gap::kBytesMax) return;
  older = newer;
  std::memcpy(newer.bytes, bytes.data(), bytes.size());
  newer.length = static_cast<uint32_t>(bytes.size());
  newer.wanted = ~uint32_t{0} >> (Gap::kBytesMax - bytes.size());
  newer.next = next;
}

// A gap as JSON has it, whatever stood there before; or the object's end.
bool FlatObject::read_gap(Reader& reader, bool is_first, std::string_view& name, Next& next) const {
  reader.skip_spaces();
  if (is_first) {
    if (!reader.take('{')) return false;
    reader.skip_spaces();
  }
  next = {kEnd, false};
  if (reader.take('}')) return true;
  if (!is_first && !reader.take(',')) return false;
  reader.skip_spaces();
  if (!reader.take('"') || !reader.text(name)) return false;
  next.entry = static_cast<int16_t>(names_.find_entry(name));
  reader.skip_spaces();
  if (!reader.take(':')) return false;
  reader.skip_spaces();
  next.is_text = reader.take('"');
  return true;
}

bool FlatObject::read(std::string_view json) {
  count_ = 0;
  Reader reader(json);
  Gaps* gaps = &gaps_.back();  // null behind a member without entry
  Member *const first = members_.data(), *const last = first + members_.size() - 1;
  Member* member = first;
  for (;; ++member) {
    Next next;
    if (const Gap* gap = gaps ? gaps->take(reader) : nullptr) {
      next = gap->next;
    } else {
      Reader then = reader;  // a copy, so that the other one stays in registers
      Next read;
      if (!read_gap(then, member == first, member->name, read)) return false;
      if (gaps && read.entry != kUnknown)
        gaps->keep({reader.at(), static_cast<size_t>(then.at() - reader.at())}, read);
      reader = then;
      next = read;
    }
    if (next.entry == kEnd) break;
    if (!next.is_text) reader.skip_spaces();  // where a gap was learnt there were none, perhaps
    if (member == last) return false;
    member->entry = next.entry;
    bool fine = next.is_text ? reader.text_value(member->value) : reader.value(member->value);
    if (!fine) return false;
    gaps = next.entry >= 0 ? &gaps_[static_cast<size_t>(next.entry)] : nullptr;
  }
  reader.skip_spaces();
  count_ = static_cast<size_t>(member - first);
  return reader.at() == json.data() + json.size();
}

}  // namespace paywarden
