// What a handler sees and says: a Request, and a Response.
//
//   void show(RequestPtr request, Reply reply) {
//     std::string_view id = request->param("payment_id");         // decoded
//     if (!known(id)) return void(reply(problem(404, "No such payment", "No decision has this
//     id."))); reply(Response::json(200, text_of(id)));
//   }
//
// A Request never changes once it is handed over; any thread may read it for as long as it holds
// the RequestPtr.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/padded_buffer.h"
#include "http/ref_ptr.h"

namespace paywarden::http {

enum class Method { get, head, post, put, patch, del, options, other };
std::string_view to_string(Method method);  // "GET", ...; `other` is "?"

// Who asks. The program derives its own kind (keys, sessions) and casts back in its handlers.
struct Principal {
  virtual ~Principal() = default;
  std::string name;
  std::string role;
};
using PrincipalPtr = std::shared_ptr<const Principal>;

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

class Request {
 public:
  Method method = Method::other;
  std::string_view path;   // as sent, without the query
  std::string_view query;  // as sent, without the '?'
  std::string_view body;   // kBodyPadding readable bytes follow; empty for streams of lines
  std::string_view peer;   // the other side's address as text, without its port
  bool is_tls = false;
  PrincipalPtr principal;  // null on routes open to all
  std::chrono::steady_clock::time_point
      received;  // when its last byte (a stream: its head) was read

  std::vector<HeaderField> fields;  // in the order sent
  std::vector<HeaderField> params;  // of the route's pattern, decoded

  std::string_view header(std::string_view name) const;  // any case; the first of that name, or ""
  std::string_view param(std::string_view name) const;   // "" when the pattern has no such name
  std::string_view cookie(std::string_view name) const;  // "" when absent
  // Decoded ('+' is a space), none when absent or badly encoded.
  std::optional<std::string> query_value(std::string_view name) const;
};

// Keeps a Request, and the memory that its views point into, alive.
class RequestPtr {
 public:
  RequestPtr() = default;
  RequestPtr(RefPtr<const RefCounted> owner, const Request& request)
      : owner_(std::move(owner)), request_(&request) {}
  const Request* operator->() const { return request_; }
  const Request& operator*() const { return *request_; }
  explicit operator bool() const { return request_ != nullptr; }

 private:
  RefPtr<const RefCounted> owner_;
  const Request* request_ = nullptr;
};

struct Response {
  int status = 200;
  std::string content_type;  // empty: none
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string_view fixed_body = {};  // sent instead of `body` unless empty; must outlive the server

  static Response json(int status, std::string body);
  static Response text(int status, std::string body);  // text/plain, UTF-8
  Response&& with(std::string name, std::string value) &&;
};

// One more member of a problem document.
struct ProblemMember {
  ProblemMember(std::string_view member, std::string_view text);
  ProblemMember(std::string_view member, const char* text)
      : ProblemMember(member, std::string_view(text)) {}
  ProblemMember(std::string_view member, int64_t number);
  ProblemMember(std::string_view member, int number) : ProblemMember(member, int64_t{number}) {}
  ProblemMember(std::string_view member, bool value);
  std::string_view name;
  std::string json;
};

// application/problem+json (RFC 9457) with type about:blank. `title` names the kind, `detail` this
// case.
Response problem(int status, std::string_view title, std::string_view detail = {},
                 std::initializer_list<ProblemMember> extra = {});

std::string_view reason_phrase(int status);
bool equal_ignoring_case(std::string_view a, std::string_view b);  // ASCII

}  // namespace paywarden::http
