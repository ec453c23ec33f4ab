// E-mail through an SMTP server (RFC 5321), with TLS and login where the server wants them.
//
//   auto email = Email::create({.host = "mail.bank.example", .from = "paywarden@bank.example", .to
//   = {"fraud@bank.example"}}); Attempt attempt = (*email)->deliver({id, payload, now, queued});
//
// A repeated delivery carries the same Message-ID.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "notify/channel.h"
#include "notify/email_message.h"

namespace paywarden {

enum class SmtpTls {
  none,      // plain: a relay on this machine or a trusted network
  starttls,  // plain at first, then TLS or nothing (RFC 3207)
  tls,       // TLS from the first byte (RFC 8314)
};

struct EmailOptions {
  std::string name = "email";
  std::string host = {};
  uint16_t port = 587;  // 587 submission with STARTTLS, 465 with TLS, 25 a relay
  SmtpTls tls = SmtpTls::starttls;
  std::string user = {};      // empty: no login
  std::string password = {};  // from a file or the environment, never from the configuration itself
  std::string from = {};
  std::vector<std::string> to = {};
  Duration connect_timeout = seconds(10);
  Duration timeout =
      seconds(60);  // of the whole conversation; servers that check content take their time
  std::string ca_file = {};  // PEM; empty: the system's
};

class Email : public Channel {
 public:
  static Result<std::unique_ptr<Email>> create(EmailOptions options);

  const std::string& name() const override { return options_.name; }
  // Delivered: the server took it for at least one address. A 5xx answer to all of them or to the
  // message: refused. A failed login or 4xx: failed, tried again.
  Attempt deliver(const OutgoingMessage& message) override;
  void cancel() override { cancelled_ = true; }

 private:
  explicit Email(EmailOptions options) : options_(std::move(options)) {}
  EmailOptions options_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace paywarden
