// The request target (RFC 9112 section 3.2) and percent-encoding (RFC 3986 section 2.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace paywarden::http {

struct Target {
  std::string_view path;   // begins with '/'
  std::string_view query;  // without '?'
};

// Origin form ("/a?b") or absolute form ("http://host/a?b"); none for anything else, and for bytes
// that no URI holds.
std::optional<Target> split_target(std::string_view target);

// Appends the decoded segment to `out`; false on a broken escape or a decoded control character.
bool decode_segment(std::string_view segment, std::string& out);

// Replaces `out` by the decoded text of a query or form ('+' is a space); false on a broken escape.
bool decode_form(std::string_view text, std::string& out);

}  // namespace paywarden::http
