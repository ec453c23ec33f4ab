#include "http/message.h"

#include <algorithm>

#include "base/json_writer.h"
#include "http/target.h"

namespace paywarden::http {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Cuts the part before `separator` off the front of `rest`.
std::string_view next_part(std::string_view& rest, char separator) {
  size_t end = std::min(rest.find(separator), rest.size());
  std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

std::string_view value_in(const std::vector<HeaderField>& fields, std::string_view name) {
  for (const HeaderField& field : fields)
    if (field.name == name) return field.value;
  return {};
}

struct Phrase {
  int status;
  std::string_view text;
};
constexpr Phrase kPhrases[] = {{200, "OK"},
                               {201, "Created"},
                               {202, "Accepted"},
                               {204, "No Content"},
                               {301, "Moved Permanently"},
                               {302, "Found"},
                               {303, "See Other"},
                               {304, "Not Modified"},
                               {307, "Temporary Redirect"},
                               {400, "Bad Request"},
                               {401, "Unauthorized"},
                               {403, "Forbidden"},
                               {404, "Not Found"},
                               {405, "Method Not Allowed"},
                               {406, "Not Acceptable"},
                               {408, "Request Timeout"},
                               {409, "Conflict"},
                               {410, "Gone"},
                               {411, "Length Required"},
                               {412, "Precondition Failed"},
                               {413, "Content Too Large"},
                               {414, "URI Too Long"},
                               {415, "Unsupported Media Type"},
                               {417, "Expectation Failed"},
                               {422, "Unprocessable Content"},
                               {428, "Precondition Required"},
                               {429, "Too Many Requests"},
                               {431, "Request Header Fields Too Large"},
                               {500, "Internal Server Error"},
                               {501, "Not Implemented"},
                               {502, "Bad Gateway"},
                               {503, "Service Unavailable"},
                               {504, "Gateway Timeout"},
                               {505, "HTTP Version Not Supported"}};

}  // namespace

std::string_view to_string(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::del:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      return "?";
  }
  return "?";
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view reason_phrase(int status) {
  for (const Phrase& phrase : kPhrases)
    if (phrase.status == status) return phrase.text;
  return "Status";
}

std::string_view Request::header(std::string_view name) const {
  for (const HeaderField& field : fields)
    if (equal_ignoring_case(field.name, name)) return field.value;
  return {};
}

std::string_view Request::param(std::string_view name) const {
  return value_in(params, name);
}

std::string_view Request::cookie(std::string_view name) const {
  for (const HeaderField& field : fields) {
    if (!equal_ignoring_case(field.name, "cookie")) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      std::string_view value = trimmed(next_part(rest, ';'));
      if (next_part(value, '=') == name) return value;
    }
  }
  return {};
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  std::string decoded;
  for (std::string_view rest = query; !rest.empty();) {
    std::string_view value = next_part(rest, '&');
    std::string_view key = next_part(value, '=');
    if (!decode_form(key, decoded) || decoded != name) continue;
    if (!decode_form(value, decoded)) return std::nullopt;
    return decoded;
  }
  return std::nullopt;
}

Response Response::json(int status, std::string body) {
  return {status, "application/json", {}, std::move(body)};
}

Response Response::text(int status, std::string body) {
  return {status, "text/plain; charset=utf-8", {}, std::move(body)};
}

Response&& Response::with(std::string name, std::string value) && {
  headers.emplace_back(std::move(name), std::move(value));
  return std::move(*this);
}

ProblemMember::ProblemMember(std::string_view member, std::string_view text) : name(member) {
  append_json_string(json, text);
}
ProblemMember::ProblemMember(std::string_view member, int64_t number)
    : name(member), json(std::to_string(number)) {}
ProblemMember::ProblemMember(std::string_view member, bool value)
    : name(member), json(value ? "true" : "false") {}

Response problem(int status, std::string_view title, std::string_view detail,
                 std::initializer_list<ProblemMember> extra) {
  Response response{status, "application/problem+json", {}, {}};
  JsonWriter json(response.body);
  json.open_object().key("status").integer(status).key("title").string(title);
  if (!detail.empty()) json.key("detail").string(detail);
  for (const ProblemMember& member : extra) json.key(member.name).raw(member.json);
  json.close_object();
  return response;
}

}  // namespace paywarden::http
