// Requests to webhooks: where they may go, how they are signed, what their answers mean.
#include "notify/webhook.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <cstring>

#include "base/digest.h"
#include "notify/curl_transfer.h"

namespace paywarden {
namespace {

struct Network {
  uint32_t address;
  int bits;
};

// IPv4 special-purpose addresses that are not globally reachable.
constexpr Network kNotPublic[] = {
    {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
    {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16},
    {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 4},  {0xf0000000, 4}};

bool is_public_v4(uint32_t host_order) {
  return std::none_of(std::begin(kNotPublic), std::end(kNotPublic), [&](const Network& network) {
    return (host_order ^ network.address) >> (32 - network.bits) == 0;
  });
}

uint32_t v4_at(const uint8_t* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

bool starts_with(const uint8_t* address, std::initializer_list<uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), address);
}

bool is_public_v6(const uint8_t* a) {
  if (starts_with(a, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}))
    return is_public_v4(v4_at(a + 12));  // mapped
  if (starts_with(a, {0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0}))
    return is_public_v4(v4_at(a + 12));                                  // NAT64
  if (starts_with(a, {0x20, 0x02})) return is_public_v4(v4_at(a + 2));   // 6to4
  if (starts_with(a, {0x20, 0x01, 0x0d, 0xb8})) return false;            // documentation
  if (starts_with(a, {0x20, 0x01}) && (a[2] & 0xfe) == 0) return false;  // 2001::/23: Teredo, ...
  if (starts_with(a, {0x3f, 0xff}) && (a[2] & 0xf0) == 0) return false;  // documentation, RFC 9637
  return (a[0] & 0xe0) == 0x20;  // 2000::/3: all that is global
}

// What the socket callback judges by, and what it found.
struct SocketRule {
  bool any_address = false, loopback_only = false;
  bool refused = false;
};

curl_socket_t open_socket(void* data, curlsocktype, curl_sockaddr* address) {
  auto& rule = *static_cast<SocketRule*>(data);
  bool allowed = rule.any_address || (rule.loopback_only ? is_loopback_address(address->addr)
                                                         : is_public_address(address->addr));
  if (allowed)
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  rule.refused = true;
  return CURL_SOCKET_BAD;
}

struct Received {
  size_t bytes = 0, bytes_max = 0;
};

size_t count_bytes(char*, size_t size, size_t count, void* data) {
  auto& received = *static_cast<Received*>(data);
  received.bytes += size * count;
  return received.bytes > received.bytes_max ? 0 : size * count;
}

struct UrlParts {
  std::string scheme, host;
  bool has_login = false;
};

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

Result<UrlParts> parse_url(const std::string& text) {
  std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), &curl_url_cleanup);
  bool plain =
      std::none_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 127; });
  if (!plain || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    return fail("the webhook's url is no URL", text, "write it as https://host/path");
  UrlParts parts{part_of(url.get(), CURLUPART_SCHEME), part_of(url.get(), CURLUPART_HOST), false};
  parts.has_login = !part_of(url.get(), CURLUPART_USER).empty() ||
                    !part_of(url.get(), CURLUPART_PASSWORD).empty();
  return parts;
}

bool is_this_machine(const std::string& host) {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  return host == "[::1]" || strcasecmp(host.c_str(), "localhost") == 0;
}

Attempt judge(long status, Duration retry_after) {
  if (status >= 200 && status < 300) return {Attempt::Outcome::delivered};
  if (status == 410)
    return {Attempt::Outcome::refused, "the receiver answered 410: it wants no more"};
  std::string error = fmt::format("the receiver answered {}", status);
  if (status >= 300 && status < 400) error += ", a redirect, which is not followed";
  return {Attempt::Outcome::failed, error,
          status == 429 || status == 503 ? retry_after : seconds(0)};
}

}  // namespace

bool is_public_address(const sockaddr& address) {
  if (address.sa_family == AF_INET)
    return is_public_v4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
  if (address.sa_family == AF_INET6)
    return is_public_v6(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr.s6_addr);
  return false;
}

bool is_loopback_address(const sockaddr& address) {
  if (address.sa_family == AF_INET)
    return ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24 == 127;
  return address.sa_family == AF_INET6 &&
         IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

Result<std::string> webhook_key(const std::string& secret) {
  constexpr std::string_view kPrefix = "whsec_";
  std::string key;
  bool ok = secret.starts_with(kPrefix) &&
            base64_decode(std::string_view(secret).substr(kPrefix.size()), key);
  if (!ok || key.size() < 24 || key.size() > 64)
    return fail("a webhook's secret is 'whsec_' and the base64 of 24 to 64 bytes", {},
                "make one: echo whsec_$(openssl rand -base64 32)");
  return key;
}

std::string webhook_signature(std::string_view key, std::string_view id, int64_t timestamp,
                              std::string_view body) {
  Sha256 mac = HmacKey(key).sign(fmt::format("{}.{}.{}", id, timestamp, body));
  return "v1," + base64({reinterpret_cast<const char*>(mac.data()), mac.size()});
}

Result<std::unique_ptr<Webhook>> Webhook::create(WebhookOptions options) {
  TRY_ASSIGN(UrlParts url, parse_url(options.url));
  TRY_ASSIGN(std::string key, webhook_key(options.secret));
  const auto& allowed = options.allowed_hosts;
  bool host_allowed = std::find(allowed.begin(), allowed.end(), url.host) != allowed.end();
  bool local = is_this_machine(url.host);
  if (url.scheme != "https" && !(url.scheme == "http" && (local || host_allowed)))
    return fail("a webhook's url must be https", options.name,
                "use https, or name the host in allowed_hosts if its network is your own");
  if (url.has_login)
    return fail("a webhook's url holds a login", options.name,
                "leave it out: the signature says who sends");
  return std::unique_ptr<Webhook>(
      new Webhook(std::move(options), std::move(key), local, host_allowed));
}

Webhook::Webhook(WebhookOptions options, std::string key, bool to_this_machine, bool host_allowed)
    : options_(std::move(options)),
      key_(std::move(key)),
      to_this_machine_(to_this_machine),
      host_allowed_(host_allowed) {}

Attempt Webhook::deliver(const OutgoingMessage& message) {
  if (cancelled_) return {Attempt::Outcome::cancelled};
  int64_t timestamp = message.now.ms() / 1000;
  CurlList headers;
  headers.add("Content-Type: application/json");
  headers.add("User-Agent: Paywarden");
  headers.add("Expect:");  // no 100-continue: bodies are small
  headers.add(fmt::format("webhook-id: {}", message.id));
  headers.add(fmt::format("webhook-timestamp: {}", timestamp));
  headers.add("webhook-signature: " +
              webhook_signature(key_, message.id, timestamp, message.payload));
  SocketRule rule{options_.allow_private || host_allowed_, to_this_machine_};
  Received received{0, options_.response_bytes_max};

  CurlTransfer transfer({options_.connect_timeout, options_.timeout}, cancelled_);
  transfer.set(CURLOPT_URL, options_.url.c_str());
  transfer.set(CURLOPT_PROTOCOLS_STR, "http,https");
  transfer.set(CURLOPT_HTTPHEADER, headers.get());
  transfer.set(CURLOPT_POSTFIELDS, message.payload.data());
  transfer.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(message.payload.size()));
  transfer.set(CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  transfer.set(CURLOPT_OPENSOCKETDATA, &rule);
  transfer.set(CURLOPT_WRITEFUNCTION, &count_bytes);
  transfer.set(CURLOPT_WRITEDATA, &received);
  if (!options_.ca_file.empty()) transfer.set(CURLOPT_CAINFO, options_.ca_file.c_str());
  CURLcode code = transfer.perform();
  if (code != CURLE_OK && cancelled_) return {Attempt::Outcome::cancelled};
  if (rule.refused && code != CURLE_OK)
    return {Attempt::Outcome::refused,
            "the receiver's address is private; set allow_private if that is meant"};
  bool cut_off = code == CURLE_WRITE_ERROR;  // the status came before the body that nobody reads
  if (code != CURLE_OK && !cut_off) return {Attempt::Outcome::failed, transfer.error(code)};
  return judge(transfer.response_code(), transfer.retry_after());
}

}  // namespace paywarden
