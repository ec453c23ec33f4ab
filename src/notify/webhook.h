// Webhooks, signed as Standard Webhooks 1.0 says (webhook-id, webhook-timestamp, webhook-signature
// "v1,<base64>": HMAC-SHA256 over "id.timestamp.body" with the secret behind "whsec_").
//
//   auto hook = Webhook::create({.name = "soc", .url = "https://soc.bank.example/hook", .secret =
//   "whsec_..."}); Attempt attempt = (*hook)->deliver({id, payload, now, queued});
//
// It never follows a redirect, and it reaches no private network by mistake (server-side request
// forgery): https to public addresses only, judged by the address that is connected to. Exceptions
// are written down in the options.
#pragma once

#include <netinet/in.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "notify/channel.h"

namespace paywarden {

struct WebhookOptions {
  std::string name = "webhook";
  std::string url =
      {};  // https; http only to this machine (127.0.0.1, ::1, localhost) or one of `allowed_hosts`
  std::string secret = {};                      // "whsec_" and the base64 of 24 to 64 bytes
  bool allow_private = false;                   // the receiver stands in the bank's own network
  std::vector<std::string> allowed_hosts = {};  // host names that may be private and plain http
  Duration connect_timeout = seconds(5);
  Duration timeout = seconds(15);  // Standard Webhooks: 15 to 30 s
  size_t response_bytes_max =
      64 * 1024;             // of the answer's body, which nobody reads; beyond: cut off
  std::string ca_file = {};  // PEM; empty: the system's
};

class Webhook : public Channel {
 public:
  static Result<std::unique_ptr<Webhook>> create(WebhookOptions options);

  const std::string& name() const override { return options_.name; }
  // 2xx: delivered. 410: refused for good. 429 and 503: failed, and Retry-After is passed on. All
  // else: failed.
  Attempt deliver(const OutgoingMessage& message) override;
  void cancel() override { cancelled_ = true; }

 private:
  Webhook(WebhookOptions options, std::string key, bool to_this_machine, bool host_allowed);
  WebhookOptions options_;
  std::string key_;
  bool to_this_machine_, host_allowed_;
  std::atomic<bool> cancelled_{false};
};

// The bytes behind "whsec_".
Result<std::string> webhook_key(const std::string& secret);
// "v1,<base64>"; `timestamp` in seconds.
std::string webhook_signature(std::string_view key, std::string_view id, int64_t timestamp,
                              std::string_view body);
// False for addresses that are not on the public internet: private, loopback, link-local, carrier
// NAT, documentation, multicast, and IPv6 forms that wrap such an IPv4 address (IANA
// special-purpose registries, RFC 6890).
bool is_public_address(const sockaddr& address);
bool is_loopback_address(const sockaddr& address);

}  // namespace paywarden
