#include "notify/email.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/digest.h"
#include "base/loopback_server.h"
#include "notify/message.h"

namespace paywarden {
namespace {

constexpr EventTime kNow{1'592'741'698'000};

std::string payload_for(const std::string& merchant) {
  MessageSource source;
  source.alert.id = 12;
  source.alert.outcome = Outcome::decline;
  source.alert.card = "411111******1111";
  source.alert.payments = 3;
  source.alert.amount_minor = 91'240;
  source.alert.currency = *Currency::parse("EUR");
  source.alert.merchant = merchant;
  source.alert.score = 0.97f;
  source.alert.opened = source.alert.updated = kNow;
  source.alert.title = "Declined: 3 payments, 912.40 EUR, last at " + merchant;
  source.decision =
      R"({"reasons":[{"feature":"card_count_10m","value":7,"usual":1,"contribution":2.5},)"
      R"({"feature":"distance","value":null,"usual":3,"contribution":0.1},)"
      R"({"feature":"age","value":0,"usual":3,"contribution":0.1,"text":"the first <b>\r\nof this card"}],)"
      R"("rules":["too many"]})";
  source.url = "https://paywarden.example/#/alerts/12";
  return message_json(source);
}

Message message_for(const std::string& merchant) {
  return *parse_message(payload_for(merchant));
}

TEST(EmailMessage, SaysWhatHappened) {
  Message m = message_for("Corner Shop");
  EXPECT_EQ(email_subject(m),
            "[Paywarden] Declined: 3 payments, 912.40 EUR, last at Corner Shop (alert 12)");
  EXPECT_EQ(
      email_text(m),
      "Declined: 3 payments, 912.40 EUR, last at Corner Shop\r\n\r\n"
      "Outcome:  decline\r\nCard:     411111******1111\r\nPayments: 3\r\nAmount:   912.40 EUR\r\n"
      "Merchant: Corner Shop\r\nScore:    0.970\r\nSince:    2020-06-21T12:14:58.000Z\r\n"
      "Reason:   card_count_10m is 7, usually 1\r\nReason:   distance is missing, usually 3\r\n"
      "Reason:   the first <b>  of this card\r\n"
      "Rule:     too many\r\nOpen it:  https://paywarden.example/#/alerts/12\r\n");
}

TEST(EmailMessage, ASentenceIsTextInHtmlToo) {
  std::string html = email_html(message_for("Corner Shop"));
  EXPECT_NE(html.find("<td>the first &lt;b&gt;  of this card</td>"), std::string::npos) << html;
}

TEST(EmailMessage, HeadersAndParts) {
  std::string mail = email_message({"paywarden@bank.example", {"a@bank.example", "b@bank.example"}},
                                   message_for("Café \xe2\x82\xac"), "msg_ab12", kNow);
  for (const char* part :
       {"From: Paywarden <paywarden@bank.example>\r\n",
        "To: a@bank.example,\r\n b@bank.example\r\n", "Date: Sun, 21 Jun 2020 12:14:58 +0000\r\n",
        "Message-ID: <msg_ab12@bank.example>\r\n", "Subject: =?UTF-8?B?",
        "Content-Type: multipart/alternative; boundary=\"=_msg_ab12\"\r\n", "--=_msg_ab12--\r\n"})
    EXPECT_NE(mail.find(part), std::string::npos) << part << "\n" << mail;
  for (size_t at = 0, end; (end = mail.find("\r\n", at)) != std::string::npos; at = end + 2)
    EXPECT_LE(end - at, 78u);
}

// What a merchant may call itself must stay text: no header, no tag, no part of its own.
TEST(EmailMessage, HostileNamesStayText) {
  for (const char* hostile :
       {"x\r\nBcc: everyone@evil.example", "x\nSubject: other", "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>", "x\r\n.\r\nMAIL FROM:<evil@evil.example>", "--=_msg_1--",
        "=?UTF-8?B?QmNj?=", "a\x01\x7f'&amp;", "\xc3\xa9\r\n\r\nbody"}) {
    Message m = message_for(hostile);
    std::string mail = email_message({"p@bank.example", {"a@bank.example"}}, m, "msg_1", kNow);
    std::string head = mail.substr(0, mail.find("\r\n\r\n") + 2);
    int fields = 0;
    for (size_t at = 0, end; (end = head.find("\r\n", at)) != std::string::npos; at = end + 2) {
      std::string line = head.substr(at, end - at);
      ASSERT_EQ(line.find_first_of(std::string("\0\r\n\x01\x7f", 5)), std::string::npos) << hostile;
      fields += line[0] != ' ';
    }
    EXPECT_EQ(fields, 8) << head;
    EXPECT_EQ(mail.find("\r\n.\r\n"), std::string::npos);
    std::string html = email_html(m);
    EXPECT_EQ(html.find("<script"), std::string::npos);
    EXPECT_EQ(html.find("<img"), std::string::npos);
  }
}

TEST(EmailMessage, EncodedWordsKeepCharactersWhole) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "\xe2\x82\xac";
  std::string value = header_value(text), joined;
  for (size_t at = 0; (at = value.find("?B?", at)) != std::string::npos;) {
    size_t end = value.find("?=", at);
    std::string part;
    ASSERT_TRUE(base64_decode(value.substr(at + 3, end - at - 3), part));
    EXPECT_EQ(part.size() % 3, 0u) << "a character is cut";
    joined += part;
    at = end;
  }
  EXPECT_EQ(joined, text);
}

TEST(Email, OptionsThatAreRefused) {
  EmailOptions good{.host = "mail.example", .from = "p@bank.example", .to = {"a@bank.example"}};
  EXPECT_TRUE(Email::create(good));
  auto with = [&](auto change) {
    EmailOptions options = good;
    change(options);
    return Email::create(options).has_value();
  };
  EXPECT_FALSE(with([](auto& o) { o.host = ""; }));
  EXPECT_FALSE(with([](auto& o) { o.host = "mail.example/../x"; }));
  EXPECT_FALSE(with([](auto& o) { o.from = "p@bank.example>\r\nRCPT TO:<x@y"; }));
  EXPECT_FALSE(with([](auto& o) { o.to = {}; }));
  EXPECT_FALSE(with([](auto& o) { o.to = {"a@b", "nobody"}; }));
  EXPECT_FALSE(with([](auto& o) {
    o.tls = SmtpTls::none;
    o.user = "u";
  })) << "a password in the open";
}

// An SMTP server of a few lines; `answers` replaces what it says to a command.
struct SmtpServer {
  explicit SmtpServer(std::map<std::string, std::string> wanted) : answers(std::move(wanted)) {}
  void talk(LoopbackServer::Peer& peer) {
    peer.write("220 test\r\n");
    for (;;) {
      std::string line = peer.read_until("\r\n");
      if (line.empty()) return;
      commands += line;
      std::string verb = line.substr(0, 4);
      auto special = answers.find(verb);
      if (special != answers.end()) {
        peer.write(special->second);
      } else if (verb == "DATA") {
        peer.write("354 go\r\n");
        mail = peer.read_until("\r\n.\r\n");
        peer.write(answers.count("END") ? answers["END"] : "250 kept\r\n");
      } else {
        peer.write(verb == "QUIT" ? "221 bye\r\n" : "250 ok\r\n");
      }
    }
  }
  std::map<std::string, std::string> answers;
  std::string commands, mail;
  LoopbackServer server{[this](LoopbackServer::Peer& peer) { talk(peer); }};
};

Attempt send_to(SmtpServer& smtp, EmailOptions options = {}, EventTime now = kNow) {
  options.host = "127.0.0.1";
  options.port = smtp.server.port();
  options.from = "p@bank.example";
  options.to = {"a@bank.example", "b@bank.example"};
  options.timeout = seconds(3);
  return (*Email::create(options))->deliver({"msg_7", payload_for("Corner Shop"), now, kNow});
}

TEST(Email, ARetryIsTheSameBytes) {
  SmtpServer first(std::map<std::string, std::string>{}),
      second(std::map<std::string, std::string>{});
  send_to(first, {.tls = SmtpTls::none});
  send_to(second, {.tls = SmtpTls::none}, kNow + hours(3));
  EXPECT_NE(first.mail.find("Date: Sun, 21 Jun 2020 12:14:58 +0000"), std::string::npos)
      << first.mail;
  EXPECT_EQ(first.mail, second.mail);
}

TEST(Email, TheConversation) {
  SmtpServer smtp(std::map<std::string, std::string>{});
  Attempt attempt = send_to(smtp, {.tls = SmtpTls::none});
  EXPECT_EQ(attempt.outcome, Attempt::Outcome::delivered) << attempt.error;
  EXPECT_NE(smtp.commands.find("MAIL FROM:<p@bank.example>"), std::string::npos) << smtp.commands;
  EXPECT_NE(smtp.commands.find("RCPT TO:<b@bank.example>"), std::string::npos);
  EXPECT_NE(smtp.mail.find("Message-ID: <msg_7@bank.example>"), std::string::npos);
}

TEST(Email, WhatAnswersMean) {
  using enum Attempt::Outcome;
  struct Row {
    const char* verb;
    const char* answer;
    Attempt::Outcome outcome;
  };
  for (const Row& row :
       {Row{"RCPT", "550 no such user\r\n", refused}, Row{"RCPT", "451 later\r\n", failed},
        Row{"MAIL", "553 not you\r\n", refused}, Row{"END", "554 spam\r\n", refused},
        Row{"END", "452 full\r\n", failed}, Row{"EHLO", "421 closing\r\n", failed}}) {
    SmtpServer smtp(std::map<std::string, std::string>{{row.verb, row.answer}});
    if (std::string(row.verb) == "EHLO") smtp.answers["HELO"] = row.answer;
    EXPECT_EQ(send_to(smtp, {.tls = SmtpTls::none}).outcome, row.outcome) << row.answer;
  }
}

TEST(Email, WithoutTlsNothingIsSaidWhereTlsIsWanted) {
  SmtpServer smtp(std::map<std::string, std::string>{});
  Attempt attempt = send_to(smtp, {.tls = SmtpTls::starttls, .user = "u", .password = "geheim"});
  EXPECT_EQ(attempt.outcome, Attempt::Outcome::failed);
  EXPECT_EQ(smtp.commands.find("MAIL"), std::string::npos);
  EXPECT_EQ(smtp.commands.find("AUTH"), std::string::npos);
  EXPECT_EQ(attempt.error.find("geheim"), std::string::npos);
}

}  // namespace
}  // namespace paywarden
