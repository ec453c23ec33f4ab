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

const char* behind_spaces(const char* at, const char* end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) ++at;
  return at;
}

// What 16 bytes hold, a bit each.
struct Piece {
  uint32_t ends =
      0;  // quotes, and what may not stand in a text as it is: backslashes and control characters
  uint32_t highs = 0;  // above ASCII

  explicit Piece(const char* at) {
#ifdef __SSE2__
    __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    __m128i mark = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    ends = static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(low, mark)));
    highs = static_cast<uint32_t>(_mm_movemask_epi8(bytes));
#else
    for (uint32_t i = 0; i < 16; ++i) {
      auto c = static_cast<unsigned char>(at[i]);
      ends |= uint32_t{c < 0x20 || c == '"' || c == '\\'} << i;
      highs |= uint32_t{c >= 0x80} << i;
    }
#endif
  }
};

}  // namespace

FlatObject::FlatObject(const SourceNames& names, size_t members_max)
    : names_(names), followers_(names.entries().size() + 1, -1), members_(members_max) {}

bool FlatObject::read(std::string_view json) {
  count_ = 0;
  end_ = json.data() + json.size();
  const char* at = behind_spaces(json.data(), end_);
  if (at == end_ || *at != '{') return false;
  at = behind_spaces(at + 1, end_);
  if (at < end_ && *at == '}') return behind_spaces(at + 1, end_) == end_;
  return read_members(at);
}

bool FlatObject::read_members(const char* at) {
  for (size_t previous = names_.entries().size();; ++count_) {
    if (at >= end_ || *at != '"' || count_ == members_.size()) return false;
    Member& member = members_[count_];
    at = read_name(at + 1, previous, member);
    if (!at) return false;
    if (member.entry >= 0) previous = static_cast<size_t>(member.entry);
    at = behind_spaces(at, end_);
    if (at == end_ || *at != ':') return false;
    at = read_value(behind_spaces(at + 1, end_), member.value);
    if (!at) return false;
    at = behind_spaces(at, end_);
    if (at == end_) return false;
    if (*at == '}') {
      ++count_;
      return behind_spaces(at + 1, end_) == end_;
    }
    if (*at != ',') return false;
    at = behind_spaces(at + 1, end_);
  }
}

// Behind the name whose first character is at `at`. Senders keep the order of their fields, so the one that followed last time is tried
// first.
const char* FlatObject::read_name(const char* at, size_t previous, Member& member) {
  int16_t& guess = followers_[previous];
  if (guess >= 0) {
    const SourceNames::Entry& entry = names_.entries()[static_cast<size_t>(guess)];
    if (entry.name.size() < static_cast<size_t>(end_ - at) && entry.stands_at(at)) {
      member.entry = guess;
      member.name = {};
      return at + entry.name.size() + 1;
    }
  }
  at = read_text(at, member.name);
  if (!at) return nullptr;
  member.entry = names_.find_entry(member.name);
  if (member.entry >= 0) guess = static_cast<int16_t>(member.entry);
  return at;
}

const char* FlatObject::read_value(const char* at, RawValue& value) const {
  auto word = [&](std::string_view text, Kind kind) -> const char* {
    if (static_cast<size_t>(end_ - at) < text.size() ||
        std::memcmp(at, text.data(), text.size()) != 0)
      return nullptr;
    value =
        RawValue(kind, kind == Kind::null ? std::string_view() : std::string_view(at, text.size()));
    return at + text.size();
  };
  if (at == end_) return nullptr;
  switch (*at) {
    case '"': {
      std::string_view text;
      at = read_text(at + 1, text);
      value = RawValue(Kind::text, text);
      return at;
    }
    case 't':
      return word("true", Kind::boolean);
    case 'f':
      return word("false", Kind::boolean);
    case 'n':
      return word("null", Kind::null);
    default: {
      size_t length = json_number_length({at, static_cast<size_t>(end_ - at)});
      value = RawValue(Kind::number, {at, length});
      return length ? at + length : nullptr;
    }
  }
}

// Behind the closing quote of the text that begins at `at`; null where it has escapes or is none.
const char* FlatObject::read_text(const char* at, std::string_view& text) const {
  const char* const begin = at;
  bool ascii = true;
  for (; at < end_; at += 16) {
    Piece piece(at);
    if (!piece.ends) {
      ascii &= piece.highs == 0;
      continue;
    }
    auto length = static_cast<uint32_t>(std::countr_zero(piece.ends));
    ascii &= (piece.highs & ((1u << length) - 1)) == 0;
    at += length;
    if (at >= end_ || *at != '"') return nullptr;
    text = {begin, static_cast<size_t>(at - begin)};
    return ascii || simdjson::validate_utf8(text.data(), text.size()) ? at + 1 : nullptr;
  }
  return nullptr;
}

}  // namespace paywarden
