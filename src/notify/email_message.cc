// Text and HTML of alert e-mails.
#include "notify/email_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "base/digest.h"

namespace paywarden {
namespace {

constexpr size_t kSubjectBytesMax =
    200;  // a subject is read at a glance; the whole title stands in the text
constexpr size_t kReasonsMax = 5;
constexpr size_t kEncodedBytes =
    39;  // of one encoded word: "Subject: " and it stay within 76 characters (RFC 2047, 2)

// The longest prefix of at most `most` bytes that does not cut a UTF-8 character.
std::string_view whole_prefix(std::string_view text, size_t most) {
  if (text.size() <= most) return text;
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end ? end : most);
}

std::string encoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::string_view part = whole_prefix(text, kEncodedBytes);
    out += (out.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + base64(part) + "?=";
    text.remove_prefix(part.size());
  }
  return out;
}

std::string base64_lines(std::string_view text) {
  std::string all = base64(text), out;
  for (size_t at = 0; at < all.size(); at += 76) out += all.substr(at, 76) + "\r\n";
  return out;
}

std::string number_text(double value) {
  return std::isnan(value) ? "missing" : fmt::format("{:.4g}", value);
}

// Decisions of before there were sentences have none.
std::string reason_text(const Reason& reason) {
  if (!reason.text.empty()) return reason.text;
  std::string text = reason.feature + " is " + number_text(reason.value);
  return std::isnan(reason.usual) ? text : text + ", usually " + number_text(reason.usual);
}

using Line = std::pair<std::string, std::string>;

// What both forms of the mail say, in order: a name and its value.
std::vector<Line> facts(const Message& m) {
  std::vector<Line> lines;
  if (m.kind == "card") {
    lines.push_back({"Outcome", m.outcome});
    lines.push_back({"Card", m.card});
    lines.push_back({"Payments", std::to_string(m.payments)});
    lines.push_back({"Amount", m.amount + ' ' + m.currency});
    lines.push_back({"Merchant", m.merchant});
    lines.push_back({"Score", fmt::format("{:.3f}", m.score)});
  } else {
    lines.push_back({"What", m.detail});
  }
  lines.push_back({"Since", m.opened});
  for (size_t i = 0; i < m.reasons.size() && i < kReasonsMax; ++i)
    lines.push_back({"Reason", reason_text(m.reasons[i])});
  for (const std::string& rule : m.rules) lines.push_back({"Rule", rule});
  if (!m.url.empty()) lines.push_back({"Open it", m.url});
  return lines;
}

std::string headline(const Message& m) {
  return m.type == MessageType::raised ? "More severe now: " + m.title : m.title;
}

// One line of text: nothing in a value starts a line of its own.
std::string flat(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 32 || c == 127; }, ' ');
  return out;
}

std::string part(std::string_view boundary, std::string_view type, std::string_view body) {
  return fmt::format(
      "--{}\r\nContent-Type: {}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
      boundary, type, base64_lines(body));
}

std::string host_of(const std::string& address) {
  return address.substr(address.find('@') + 1);
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string header_value(std::string_view text) {
  std::string clean = flat(text);
  bool ascii = std::all_of(clean.begin(), clean.end(), [](unsigned char c) { return c < 128; });
  return ascii && clean.find("=?") == std::string::npos ? clean : encoded_words(clean);
}

std::string rfc5322_date(EventTime time) {
  constexpr std::array<const char*, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  CalendarDate date = date_of(time);
  return fmt::format("{}, {:02} {} {} {} +0000", kDays[static_cast<size_t>(weekday_of(time))],
                     date.day, kMonths[static_cast<size_t>(date.month) - 1], date.year,
                     format_rfc3339(time).substr(11, 8));
}

bool is_plain_address(std::string_view address) {
  size_t at = address.find('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == address.size()) return false;
  if (address.size() > 254 || address.find('@', at + 1) != std::string_view::npos) return false;
  return std::all_of(address.begin(), address.end(), [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("@.!#$%&'*+-/=?^_`{|}~").find(static_cast<char>(c)) !=
               std::string_view::npos;
  });
}

std::string email_subject(const Message& m) {
  std::string subject = fmt::format("[Paywarden] {} (alert {})",
                                    whole_prefix(headline(m), kSubjectBytesMax), m.alert_id);
  return flat(subject);
}

std::string email_text(const Message& m) {
  std::string text = flat(headline(m)) + "\r\n\r\n";
  for (const auto& [name, value] : facts(m))
    text += fmt::format("{:<9} {}\r\n", name + ':', flat(value));
  return text;
}

std::string email_html(const Message& m) {
  std::string rows;
  for (const auto& [name, value] : facts(m))
    rows += fmt::format(
        "<tr><th align=\"left\" valign=\"top\" style=\"padding:2px 12px 2px "
        "0\">{}</th><td>{}</td></tr>\n",
        escape_html(name), escape_html(flat(value)));
  return fmt::format(
      "<!doctype html>\n<html><body style=\"font-family:sans-serif\">\n<h1 "
      "style=\"font-size:1.2em\">{}</h1>\n"
      "<table>\n{}</table>\n</body></html>\n",
      escape_html(flat(headline(m))), rows);
}

std::string email_message(const EmailAddresses& addresses, const Message& m,
                          std::string_view message_id, EventTime made) {
  std::string to;
  for (const std::string& address : addresses.to) to += (to.empty() ? "" : ",\r\n ") + address;
  std::string boundary = fmt::format("=_{}", message_id);
  std::string mail = fmt::format(
      "From: Paywarden <{}>\r\nTo: {}\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: "
      "<{}@{}>\r\nMIME-Version: 1.0\r\n"
      "Auto-Submitted: auto-generated\r\nContent-Type: multipart/alternative; "
      "boundary=\"{}\"\r\n\r\n",
      addresses.from, to, header_value(email_subject(m)), rfc5322_date(made), message_id,
      host_of(addresses.from), boundary);
  mail += part(boundary, "text/plain", email_text(m)) + part(boundary, "text/html", email_html(m));
  return mail + "--" + boundary + "--\r\n";
}

}  // namespace paywarden
