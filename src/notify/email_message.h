// What an e-mail about an alert says: RFC 5322 header, text and HTML, safe whatever a merchant
// calls itself.
//
//   std::string mail = email_message({.from = "paywarden@bank.example", .to = {...}}, message, id,
//   made);
//
// Header values hold no line ends and no control characters; HTML is escaped; both bodies are
// base64 (RFC 2045).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "notify/message.h"

namespace paywarden {

struct EmailAddresses {
  std::string from;             // "paywarden@bank.example"
  std::vector<std::string> to;  // the same form
};

std::string email_message(const EmailAddresses& addresses, const Message& message,
                          std::string_view message_id, EventTime made);

std::string email_subject(const Message& message);  // in words, one line, UTF-8
std::string email_text(const Message& message);
std::string email_html(const Message& message);

std::string escape_html(std::string_view text);
// A header's value: line ends and control characters become spaces, anything beyond ASCII an
// encoded word (RFC 2047).
std::string header_value(std::string_view text);
std::string rfc5322_date(EventTime time);  // "Sun, 22 Nov 2026 18:17:26 +0000"
// Something@host without anything that could end a header or an SMTP command.
bool is_plain_address(std::string_view address);

}  // namespace paywarden
