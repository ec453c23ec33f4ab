#include "base/json_writer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "base/hash.h"

namespace paywarden {
namespace {

// Length of the well-formed UTF-8 sequence at `p` (RFC 3629), 0 where there is none.
size_t utf8_length(const unsigned char* p, size_t left) {
  auto follows = [&](size_t i) { return i < left && (p[i] & 0xc0) == 0x80; };
  if (p[0] < 0x80) return 1;
  if (p[0] >= 0xc2 && p[0] <= 0xdf) return follows(1) ? 2 : 0;
  if (p[0] >= 0xe0 && p[0] <= 0xef) {
    bool overlong = p[0] == 0xe0 && left > 1 && p[1] < 0xa0;
    bool surrogate = p[0] == 0xed && left > 1 && p[1] > 0x9f;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (p[0] >= 0xf0 && p[0] <= 0xf4) {
    bool overlong = p[0] == 0xf0 && left > 1 && p[1] < 0x90;
    bool beyond = p[0] == 0xf4 && left > 1 && p[1] > 0x8f;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

void append_control(std::string& out, unsigned char c) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  out += "\\u00";
  out.push_back(kHex[c >> 4]);
  out.push_back(kHex[c & 15]);
}

template <typename T>
void append_number(std::string& out, T value) {
  char buffer[32];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, end);
}

bool needs_escape(unsigned char c) {
  return c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
}

// Eight bytes at once: those below 0x20, above 0x7f, quotes and backslashes (Mycroft's zero byte test).
bool any_needs_escape(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101ull, kHighs = 0x8080808080808080ull;
  auto has_zero = [](uint64_t w) { return (w - kOnes) & ~w & kHighs; };
  uint64_t below = (word - kOnes * 0x20) & ~word;
  return (below | word | has_zero(word ^ (kOnes * '"')) | has_zero(word ^ (kOnes * '\\'))) & kHighs;
}

// Whether no byte of it needs an escape, without a look at single ones.
bool is_plain(std::string_view text) {
  const size_t size = text.size();
  const char* at = text.data();
  if (size < 8) {
    constexpr uint64_t kSpaces = 0x2020202020202020ull;
    return !any_needs_escape(load_le64_padded(at, size) | kSpaces << (8 * size));
  }
  bool escapes = any_needs_escape(load_le64(at + size - 8));
  for (size_t i = 0; i + 8 < size; i += 8) escapes |= any_needs_escape(load_le64(at + i));
  return !escapes;
}

void append_with_escapes(std::string& out, std::string_view text) {
  auto* p = reinterpret_cast<const unsigned char*>(text.data());
  for (size_t i = 0; i < text.size();) {
    auto stop = std::find_if(text.begin() + static_cast<std::ptrdiff_t>(i), text.end(),
                             [](char c) { return needs_escape(static_cast<unsigned char>(c)); });
    auto plain = static_cast<size_t>(stop - text.begin()) - i;
    out.append(text.substr(i, plain));
    i += plain;
    if (i == text.size()) return;
    size_t length = utf8_length(p + i, text.size() - i);
    if (length == 0)
      out += "\xef\xbf\xbd";
    else if (length > 1)
      out.append(text.substr(i, length));
    else if (p[i] < 0x20)
      append_control(out, p[i]);
    else
      out.append({'\\', static_cast<char>(p[i])});
    i += length == 0 ? 1 : length;
  }
}

// What is put together here and appended as one: std::string's appends cost more than their bytes.
constexpr size_t kAtOnce = 128;

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  if (text.size() + 2 <= kAtOnce && is_plain(text)) {
    char quoted[kAtOnce];
    quoted[0] = '"';
    if (!text.empty())
      std::memcpy(quoted + 1, text.data(), text.size());  // of nothing there may be no address
    quoted[text.size() + 1] = '"';
    out.append(quoted, text.size() + 2);
    return;
  }
  out.push_back('"');
  append_with_escapes(out, text);
  out.push_back('"');
}

JsonCursor& JsonCursor::string(std::string_view text) {
  if (is_plain(text)) {
    *at_++ = '"';
    this->text(text);
    *at_++ = '"';
    return *this;
  }
  std::string quoted;
  append_json_string(quoted, text);
  return this->text(quoted);
}

JsonCursor& JsonCursor::number(float value) {
  if (!std::isfinite(value)) return text("null");
  at_ = std::to_chars(at_, at_ + kNumberMost, value).ptr;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  if (name.size() + 4 > kAtOnce) {
    separate();
    out_.append(1, '"').append(name).append("\":");
  } else {
    char text[kAtOnce];
    char* end = text;
    if (comma_) *end++ = ',';
    *end++ = '"';
    std::memcpy(end, name.data(), name.size());
    end += name.size();
    *end++ = '"';
    *end++ = ':';
    out_.append(text, static_cast<size_t>(end - text));
  }
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
  separate();
  append_json_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::number(double value) {
  if (!std::isfinite(value)) return null();
  separate();
  append_number(out_, value);
  return *this;
}

JsonWriter& JsonWriter::number(float value) {
  if (!std::isfinite(value)) return null();
  separate();
  append_number(out_, value);
  return *this;
}

JsonWriter& JsonWriter::integer(int64_t value) {
  separate();
  append_number(out_, value);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  return raw(value ? "true" : "false");
}
JsonWriter& JsonWriter::null() {
  return raw("null");
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_.append(json);
  return *this;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_.push_back(bracket);
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_.push_back(bracket);
  comma_ = true;
  return *this;
}

}  // namespace paywarden
