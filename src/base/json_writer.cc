#include "base/json_writer.h"

#include <charconv>
#include <cmath>

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

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  auto* p = reinterpret_cast<const unsigned char*>(text.data());
  for (size_t i = 0; i < text.size();) {
    unsigned char c = p[i];
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      size_t run = i + 1;
      while (run < text.size() && p[run] >= 0x20 && p[run] < 0x80 && p[run] != '"' &&
             p[run] != '\\')
        ++run;
      out.append(text.substr(i, run - i));
      i = run;
      continue;
    }
    size_t length = utf8_length(p + i, text.size() - i);
    if (length == 0)
      out += "\xef\xbf\xbd";
    else if (length > 1)
      out.append(text.substr(i, length));
    else if (c < 0x20)
      append_control(out, c);
    else
      out.append({'\\', static_cast<char>(c)});
    i += length == 0 ? 1 : length;
  }
  out.push_back('"');
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  out_.push_back('"');
  out_.append(name);
  out_ += "\":";
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
