#include "notify/webhook.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/loopback_server.h"

namespace paywarden {
namespace {

constexpr const char* kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

// The example of the Standard Webhooks specification (its libraries' tests carry the same vector).
TEST(Webhook, SignatureKnownAnswer) {
  EXPECT_EQ(webhook_signature(*webhook_key(kSecret), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                              R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(Webhook, OptionsThatAreRefused) {
  struct Row {
    const char* url;
    const char* secret;
    bool ok;
  };
  for (const Row& row :
       {Row{"https://hooks.example/x", kSecret, true},
        Row{"http://127.0.0.1:9000/x", kSecret, true}, Row{"http://localhost/x", kSecret, true},
        Row{"http://[::1]:80/", kSecret, true}, Row{"http://soc.intern/x", kSecret, true},
        Row{"http://hooks.example/x", kSecret, false},
        Row{"http://127.0.0.1.evil.example/x", kSecret, false},
        Row{"ftp://hooks.example/x", kSecret, false}, Row{"file:///etc/passwd", kSecret, false},
        Row{"https://user:word@hooks.example/", kSecret, false},
        Row{"https://hooks.example/\r\nHost: x", kSecret, false},
        Row{"hooks.example", kSecret, false}, Row{"", kSecret, false},
        Row{"https://hooks.example/x", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false},
        Row{"https://hooks.example/x", "whsec_c2hvcnQ=", false},
        Row{"https://hooks.example/x", "whsec_%%%%", false}}) {
    WebhookOptions options{.url = row.url, .secret = row.secret, .allowed_hosts = {"soc.intern"}};
    EXPECT_EQ(Webhook::create(options).has_value(), row.ok) << row.url << " " << row.secret;
  }
}

TEST(Webhook, AddressesThatAreNotPublic) {
  struct Row {
    const char* address;
    bool is_public;
  };
  for (const Row& row : {Row{"8.8.8.8", true},
                         Row{"10.1.2.3", false},
                         Row{"127.0.0.1", false},
                         Row{"127.255.0.9", false},
                         Row{"169.254.169.254", false},
                         Row{"172.15.255.255", true},
                         Row{"172.16.0.0", false},
                         Row{"172.31.255.255", false},
                         Row{"172.32.0.0", true},
                         Row{"192.168.0.1", false},
                         Row{"100.64.0.1", false},
                         Row{"100.128.0.1", true},
                         Row{"0.0.0.0", false},
                         Row{"224.0.0.1", false},
                         Row{"255.255.255.255", false},
                         Row{"198.18.0.1", false},
                         Row{"203.0.113.5", false},
                         Row{"::1", false},
                         Row{"::", false},
                         Row{"::ffff:10.0.0.1", false},
                         Row{"::ffff:8.8.8.8", true},
                         Row{"64:ff9b::7f00:1", false},
                         Row{"2002:7f00:1::", false},
                         Row{"fe80::1", false},
                         Row{"fd00::1", false},
                         Row{"ff02::1", false},
                         Row{"2001:db8::1", false},
                         Row{"2001::1", false},
                         Row{"2606:4700::1111", true},
                         Row{"2a00:1450::5", true}}) {
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    v4.sin_family = AF_INET;
    v6.sin6_family = AF_INET6;
    bool is_v4 = inet_pton(AF_INET, row.address, &v4.sin_addr) == 1;
    ASSERT_TRUE(is_v4 || inet_pton(AF_INET6, row.address, &v6.sin6_addr) == 1) << row.address;
    const sockaddr& address =
        is_v4 ? reinterpret_cast<sockaddr&>(v4) : reinterpret_cast<sockaddr&>(v6);
    EXPECT_EQ(is_public_address(address), row.is_public) << row.address;
  }
}

struct Answered {
  Attempt attempt;
  std::string head, body;
  int connections = 0;
};

Answered post_to(const std::string& answer,
                 const std::string& payload = R"({"type":"alert.opened"})") {
  Answered got;
  LoopbackServer server([&](LoopbackServer::Peer& peer) {
    got.head = peer.read_until("\r\n\r\n");
    got.body = peer.read(payload.size());
    peer.write(answer);
  });
  auto hook = *Webhook::create({.url = fmt::format("http://127.0.0.1:{}/hook", server.port()),
                                .secret = kSecret,
                                .timeout = seconds(3)});
  got.attempt = hook->deliver({"msg_1", payload, EventTime(1'614'265'330'999), {}});
  got.connections = server.connections();
  return got;
}

TEST(Webhook, SendsWhatIsSigned) {
  Answered got = post_to("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(got.attempt.outcome, Attempt::Outcome::delivered) << got.attempt.error;
  EXPECT_TRUE(got.head.starts_with("POST /hook HTTP/1.1\r\n")) << got.head;
  EXPECT_NE(got.head.find("webhook-id: msg_1\r\n"), std::string::npos) << got.head;
  EXPECT_NE(got.head.find("webhook-timestamp: 1614265330\r\n"), std::string::npos);
  EXPECT_NE(got.head.find("webhook-signature: " +
                          webhook_signature(*webhook_key(kSecret), "msg_1", 1614265330, got.body) +
                          "\r\n"),
            std::string::npos);
  EXPECT_EQ(got.body, R"({"type":"alert.opened"})");
}

TEST(Webhook, WhatAnswersMean) {
  using enum Attempt::Outcome;
  struct Row {
    const char* answer;
    Attempt::Outcome outcome;
    Duration retry_after;
  };
  for (const Row& row :
       {Row{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", delivered, {}},
        Row{"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", refused, {}},
        Row{"HTTP/1.1 429 Slow\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n", failed,
            seconds(120)},
        Row{"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", failed, seconds(7)},
        Row{"HTTP/1.1 500 Oops\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", failed, {}},
        Row{"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", failed, {}},
        Row{"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            failed,
            {}},
        Row{"rubbish\r\n\r\n", failed, {}}, Row{"", failed, {}}}) {
    Answered got = post_to(row.answer);
    EXPECT_EQ(got.attempt.outcome, row.outcome) << row.answer << got.attempt.error;
    EXPECT_EQ(got.attempt.retry_after, row.retry_after) << row.answer;
    EXPECT_EQ(got.connections, 1) << "no redirect is followed, nothing is repeated";
  }
}

TEST(Webhook, AnEndlessAnswerIsCutOff) {
  std::string endless = "HTTP/1.1 200 OK\r\n\r\n" + std::string(1 << 20, 'x');
  EXPECT_EQ(post_to(endless).attempt.outcome, Attempt::Outcome::delivered);
}

TEST(Webhook, ASilentReceiverTimesOut) {
  LoopbackServer server([](LoopbackServer::Peer& peer) { peer.read_until("never"); });
  auto hook = *Webhook::create({.url = fmt::format("http://127.0.0.1:{}/", server.port()),
                                .secret = kSecret,
                                .timeout = milliseconds(200)});
  EXPECT_EQ(hook->deliver({"msg_1", "{}", {}, {}}).outcome, Attempt::Outcome::failed);
}

TEST(Webhook, PrivateAddressesAreRefusedWhereTheyAreConnectedTo) {
  LoopbackServer server([](LoopbackServer::Peer& peer) { peer.write("HTTP/1.1 200 OK\r\n\r\n"); });
  // A name of the outside that resolves to the inside: the check is on the address, not on the
  // name.
  auto hook = *Webhook::create({.url = fmt::format("https://0.0.0.0:{}/", server.port()),
                                .secret = kSecret,
                                .timeout = seconds(2)});
  Attempt attempt = hook->deliver({"msg_1", "{}", {}, {}});
  EXPECT_EQ(attempt.outcome, Attempt::Outcome::refused) << attempt.error;
  EXPECT_EQ(server.connections(), 0);
}

TEST(Webhook, CancelledIsNoOutcome) {
  auto hook = *Webhook::create({.url = "http://127.0.0.1:1/", .secret = kSecret});
  hook->cancel();
  EXPECT_EQ(hook->deliver({"msg_1", "{}", {}, {}}).outcome, Attempt::Outcome::cancelled);
}

}  // namespace
}  // namespace paywarden
