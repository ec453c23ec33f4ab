// Response -> bytes: status line, security fields, framing. Inside of http/ only.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "http/router.h"

namespace paywarden::http {

enum class Framing { length, chunked };

struct HeadOptions {
  std::string_view content_security_policy;
  std::string_view date;  // "Sun, 06 Nov 1994 08:49:37 GMT"
  bool keep_alive = true;
  Framing framing = Framing::length;
  size_t body_bytes = 0;  // for Framing::length
};

// Appends the head with its empty line.
void append_head(std::string& out, const Response& response, const HeadOptions& options);

// False when a name or value could start a field of its own, or the field is the server's to set.
bool is_sendable(const Response& response);

void append_chunk(std::string& out,
                  std::string_view bytes);  // nothing for no bytes: that would end the body
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// IMF-fixdate (RFC 9110 section 5.6.7).
std::string http_date(EventTime time);

}  // namespace paywarden::http
