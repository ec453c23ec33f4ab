// The little of HTTP/1.1 (RFC 9112) that a load generator has to read: whole answers with a
// Content-Length.
#pragma once

#include <cstddef>
#include <string_view>

namespace paywarden {

struct HttpResponse {
  int status = 0;
  std::string_view body;  // points into what was parsed
  bool keep_alive = true;
  size_t size = 0;  // bytes of head and body
};

enum class ParseState { incomplete, complete, broken };

// Reads the answer at the beginning of `in`. Broken: no HTTP/1 answer, or one without a
// Content-Length.
ParseState parse_http_response(std::string_view in, HttpResponse& out);

// Does the body say that nothing was decided in time ("decided": false)?
bool is_default_answer(std::string_view body);

}  // namespace paywarden
