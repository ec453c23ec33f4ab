#include "http/target.h"

#include <algorithm>

#include "http/message.h"

namespace paywarden::http {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The byte of the escape at text[at] ('%'), -1 where it is broken.
int escaped_byte(std::string_view text, size_t at) {
  if (at + 2 >= text.size()) return -1;
  int high = hex_value(text[at + 1]), low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool is_target_byte(char c) {
  return c > 0x20 && c < 0x7f && c != '#';
}

// Cuts "http://host" off an absolute form.
bool drop_authority(std::string_view& target) {
  size_t colon = target.find("://");
  if (colon == std::string_view::npos) return false;
  std::string_view scheme = target.substr(0, colon);
  if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https")) return false;
  size_t slash = target.find('/', colon + 3);
  if (slash == std::string_view::npos) return false;
  target.remove_prefix(slash);
  return true;
}

}  // namespace

std::optional<Target> split_target(std::string_view target) {
  if (!std::all_of(target.begin(), target.end(), is_target_byte)) return std::nullopt;
  if (!target.starts_with('/') && !drop_authority(target)) return std::nullopt;
  size_t mark = std::min(target.find('?'), target.size());
  return Target{target.substr(0, mark), target.substr(std::min(mark + 1, target.size()))};
}

bool decode_segment(std::string_view segment, std::string& out) {
  for (size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      out.push_back(segment[i]);
      continue;
    }
    int byte = escaped_byte(segment, i);
    if (byte < 0x20 || byte == 0x7f) return false;
    out.push_back(static_cast<char>(byte));
    i += 2;
  }
  return true;
}

bool decode_form(std::string_view text, std::string& out) {
  out.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    int byte = escaped_byte(text, i);
    if (byte < 0) return false;
    out.push_back(static_cast<char>(byte));
    i += 2;
  }
  return true;
}

}  // namespace paywarden::http
