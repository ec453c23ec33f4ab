#include "report/html_text.h"

#include <simdjson.h>

namespace paywarden {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

void append(std::string& out, char c, bool is_utf8) {
  switch (c) {
    case '&':
      out += "&amp;";
      return;
    case '<':
      out += "&lt;";
      return;
    case '>':
      out += "&gt;";
      return;
    case '"':
      out += "&quot;";
      return;
    case '\'':
      out += "&#39;";
      return;
    default:
      break;
  }
  auto byte = static_cast<unsigned char>(c);
  bool control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
  if (control || (byte >= 0x80 && !is_utf8))
    out += kReplacement;
  else
    out.push_back(c);
}

}  // namespace

std::string html_text(std::string_view text) {
  bool is_utf8 = simdjson::validate_utf8(text.data(), text.size());
  std::string out;
  out.reserve(text.size());
  for (char c : text) append(out, c, is_utf8);
  return out;
}

}  // namespace paywarden
