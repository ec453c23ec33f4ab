// SMTP conversations through libcurl.
#include "notify/email.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "notify/curl_transfer.h"

namespace paywarden {
namespace {

struct Upload {
  std::string_view left;
};

size_t read_mail(char* out, size_t size, size_t count, void* data) {
  auto& upload = *static_cast<Upload*>(data);
  size_t n = std::min(size * count, upload.left.size());
  std::memcpy(out, upload.left.data(), n);
  upload.left.remove_prefix(n);
  return n;
}

Status check(const EmailOptions& o) {
  if (o.host.empty() || o.host.find_first_of(" \t\r\n/@?#") != std::string::npos)
    return fail("the mail server's host is missing or no host name", o.name, "set host");
  if (!is_plain_address(o.from))
    return fail("'" + o.from + "' is no e-mail address", o.name, "set from");
  if (o.to.empty()) return fail("nobody is to get the e-mails", o.name, "set to");
  for (const std::string& address : o.to)
    if (!is_plain_address(address))
      return fail("'" + address + "' is no e-mail address", o.name, "correct it in to");
  if (o.tls == SmtpTls::none && !o.user.empty())
    return fail("a password would go over the network in the open", o.name,
                "set tls = \"starttls\" or \"tls\"");
  return {};
}

std::string url_of(const EmailOptions& o) {
  return fmt::format("{}://{}:{}", o.tls == SmtpTls::tls ? "smtps" : "smtp", o.host, o.port);
}

void configure(CurlTransfer& transfer, const EmailOptions& o) {
  transfer.set(CURLOPT_URL, url_of(o).c_str());
  transfer.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  if (o.tls == SmtpTls::starttls) transfer.set(CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
  if (!o.ca_file.empty()) transfer.set(CURLOPT_CAINFO, o.ca_file.c_str());
  if (o.user.empty()) return;
  transfer.set(CURLOPT_USERNAME, o.user.c_str());
  transfer.set(CURLOPT_PASSWORD, o.password.c_str());
}

Attempt judge(CURLcode code, const CurlTransfer& transfer) {
  if (code == CURLE_OK) return {Attempt::Outcome::delivered};
  long reply = transfer.response_code();
  bool for_good = reply >= 500 && code != CURLE_LOGIN_DENIED &&
                  (code == CURLE_SEND_ERROR || code == CURLE_WEIRD_SERVER_REPLY);
  std::string why = transfer.error(code);
  if (code == CURLE_USE_SSL_FAILED)
    why +=
        "; the server offers no STARTTLS: set tls = \"tls\" and its port (465), or \"none\" on a "
        "network of your own";
  return {for_good ? Attempt::Outcome::refused : Attempt::Outcome::failed, why};
}

}  // namespace

Result<std::unique_ptr<Email>> Email::create(EmailOptions options) {
  TRY(check(options));
  return std::unique_ptr<Email>(new Email(std::move(options)));
}

Attempt Email::deliver(const OutgoingMessage& outgoing) {
  if (cancelled_) return {Attempt::Outcome::cancelled};
  auto message = parse_message(outgoing.payload);
  if (!message) return {Attempt::Outcome::refused, message.error().line()};
  std::string mail =
      email_message({options_.from, options_.to}, *message, outgoing.id, outgoing.queued);
  Upload upload{mail};
  CurlList recipients;
  for (const std::string& address : options_.to) recipients.add(address);

  CurlTransfer transfer({options_.connect_timeout, options_.timeout}, cancelled_);
  configure(transfer, options_);
  transfer.set(CURLOPT_MAIL_FROM, options_.from.c_str());
  transfer.set(CURLOPT_MAIL_RCPT, recipients.get());
  transfer.set(CURLOPT_MAIL_RCPT_ALLLOWFAILS,
               1L);  // one address gone must not keep the alert from the others
  transfer.set(CURLOPT_UPLOAD, 1L);
  transfer.set(CURLOPT_READFUNCTION, &read_mail);
  transfer.set(CURLOPT_READDATA, &upload);
  CURLcode code = transfer.perform();
  if (code != CURLE_OK && cancelled_) return {Attempt::Outcome::cancelled};
  return judge(code, transfer);
}

}  // namespace paywarden
