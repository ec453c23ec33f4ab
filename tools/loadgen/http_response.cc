// Parses answers in place; they are a few hundred bytes, so each arrival simply starts again.
#include "http_response.h"

#include <charconv>

namespace paywarden {
namespace {

constexpr size_t kHeadMax = 16 * 1024;  // bytes; beyond it this is no answer of ours
constexpr size_t kBodyMax = 1024 * 1024;

bool equals_ignoring_case(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] + 32) : a[i];
    if (c != lower[i]) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

template <typename Number>
bool read_number(std::string_view text, Number& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

struct Head {
  size_t body_size = 0;
  bool has_size = false;
  bool keep_alive = true;
  bool ok = true;
};

void read_header(std::string_view line, Head& head) {
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string_view name = line.substr(0, colon), value = trim(line.substr(colon + 1));
  if (equals_ignoring_case(name, "content-length")) {
    head.has_size = true;
    head.ok = head.ok && read_number(value, head.body_size) && head.body_size <= kBodyMax;
  }
  if (equals_ignoring_case(name, "connection") && equals_ignoring_case(value, "close"))
    head.keep_alive = false;
}

Head read_headers(std::string_view lines) {
  Head head;
  while (!lines.empty()) {
    size_t end = lines.find("\r\n");
    read_header(lines.substr(0, end), head);
    if (end == std::string_view::npos) break;
    lines.remove_prefix(end + 2);
  }
  head.ok = head.ok && head.has_size;
  return head;
}

}  // namespace

ParseState parse_http_response(std::string_view in, HttpResponse& out) {
  constexpr std::string_view kVersion = "HTTP/1.";
  if (in.substr(0, kVersion.size()) != kVersion.substr(0, in.size())) return ParseState::broken;
  size_t head_end = in.find("\r\n\r\n");
  if (head_end == std::string_view::npos)
    return in.size() > kHeadMax ? ParseState::broken : ParseState::incomplete;
  if (head_end < 12 || !read_number(in.substr(9, 3), out.status)) return ParseState::broken;
  size_t line_end = in.find("\r\n");
  Head head = read_headers(in.substr(0, head_end).substr(std::min(line_end + 2, head_end)));
  if (!head.ok) return ParseState::broken;
  out.size = head_end + 4 + head.body_size;
  if (in.size() < out.size) return ParseState::incomplete;
  out.body = in.substr(head_end + 4, head.body_size);
  out.keep_alive = head.keep_alive;
  return ParseState::complete;
}

bool is_default_answer(std::string_view body) {
  constexpr std::string_view kKey = "\"decided\"";
  size_t at = body.find(kKey);
  if (at == std::string_view::npos) return false;
  at = body.find_first_not_of(" \t\r\n:", at + kKey.size());
  return at != std::string_view::npos && body.substr(at, 5) == "false";
}

}  // namespace paywarden
