#include "http/response_writer.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace paywarden::http {
namespace {

constexpr std::string_view kSecurityFields =
    "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";

// The server says these itself; two of them could contradict each other.
constexpr std::string_view kOwnFields[] = {"content-length", "transfer-encoding", "connection",
                                           "date",           "content-type",      "trailer",
                                           "upgrade"};

void append_number(std::string& out, size_t value, int base = 10) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value, base).ptr);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  if (!value.empty()) out.append(name).append(": ").append(value).append("\r\n");
}

bool is_token_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_token_char);
}

bool is_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

bool has_field(const Response& response, std::string_view name) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [&](const auto& field) { return equal_ignoring_case(field.first, name); });
}

void append_framing(std::string& out, int status, const HeadOptions& options) {
  if (options.framing == Framing::chunked) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (status != 204 && status != 304) {
    out += "Content-Length: ";
    append_number(out, options.body_bytes);
    out += "\r\n";
  }
  if (!options.keep_alive) out += "Connection: close\r\n";
}

}  // namespace

void append_head(std::string& out, const Response& response, const HeadOptions& options) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<size_t>(response.status));
  out.append(" ").append(reason_phrase(response.status)).append("\r\n");
  append_field(out, "Date", options.date);
  append_field(out, "Content-Type", response.content_type);
  append_framing(out, response.status, options);
  out += kSecurityFields;
  if (!has_field(response, "content-security-policy"))
    append_field(out, "Content-Security-Policy", options.content_security_policy);
  if (!has_field(response, "cache-control")) out += "Cache-Control: no-store\r\n";
  for (const auto& [name, value] : response.headers) append_field(out, name, value);
  out += "\r\n";
}

bool is_sendable(const Response& response) {
  if (response.status < 200 || response.status > 599 || !is_value(response.content_type))
    return false;
  for (const auto& [name, value] : response.headers) {
    if (!is_token(name) || !is_value(value)) return false;
    for (std::string_view own : kOwnFields)
      if (equal_ignoring_case(name, own)) return false;
  }
  return true;
}

void append_chunk(std::string& out, std::string_view bytes) {
  if (bytes.empty()) return;
  append_number(out, bytes.size(), 16);
  out.append("\r\n").append(bytes).append("\r\n");
}

std::string http_date(EventTime time) {
  static constexpr const char* kDays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  CalendarDate date = date_of(time);
  auto second = static_cast<int>((time.ms() % 86'400'000 + 86'400'000) % 86'400'000 / 1000);
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[weekday_of(time)],
                date.day, kMonths[date.month - 1], date.year, second / 3600, second / 60 % 60,
                second % 60);
  return text;
}

}  // namespace paywarden::http
