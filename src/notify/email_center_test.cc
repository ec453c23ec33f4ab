// E-mail against a real SMTP server with TLS and a login, read back by another e-mail parser
// (email_referee.py). Needs a Python environment with aiosmtpd, named by PAYWARDEN_TEST_VENV; runs
// in the project's folder.
#include <gtest/gtest.h>
#include <simdjson.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "notify/email.h"
#include "notify/message.h"
#include "notify/test_kit.h"

namespace paywarden {
namespace {

constexpr EventTime kNow{1'592'741'698'000};

class EmailCenter : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* venv = std::getenv("PAYWARDEN_TEST_VENV");
    if (!venv)
      GTEST_SKIP() << "PAYWARDEN_TEST_VENV names no Python environment with aiosmtpd; ./test "
                      "center makes one";
    start(std::string(venv) + "/bin/python");
  }
  void TearDown() override {
    if (child_ <= 0) return;
    ::close(input_);
    int status = 0;
    ::waitpid(child_, &status, 0);
  }
  void start(const std::string& python) {
    int in[2], out[2];
    ASSERT_EQ(::pipe(in), 0);
    ASSERT_EQ(::pipe(out), 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::close(in[1]);
      ::execl(python.c_str(), python.c_str(), "src/notify/email_referee.py",
              folder_.file("").c_str(), nullptr);
      std::_Exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    FILE* answer = ::fdopen(out[0], "r");
    ASSERT_EQ(std::fscanf(answer, "%hu %hu", &starttls_port_, &tls_port_), 2)
        << "the SMTP server does not start";
    std::fclose(answer);
  }
  EmailOptions options(SmtpTls tls) const {
    return {.host = "127.0.0.1",
            .port = tls == SmtpTls::tls ? tls_port_ : starttls_port_,
            .tls = tls,
            .user = "paywarden",
            .password = "geheim",
            .from = "paywarden@bank.example",
            .to = {"a@bank.example", "b@bank.example"},
            .ca_file = folder_.file("cert.pem")};
  }
  std::string received() const {
    std::ifstream file(folder_.file("messages.ndjson"));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TemporaryFolder folder_;
  pid_t child_ = 0;
  int input_ = -1;
  uint16_t starttls_port_ = 0, tls_port_ = 0;
};

std::string payload(const std::string& merchant) {
  MessageSource source;
  source.alert.id = 12;
  source.alert.outcome = Outcome::decline;
  source.alert.merchant = merchant;
  source.alert.title = "Declined: 912.40 EUR at " + merchant;
  source.alert.opened = source.alert.updated = kNow;
  return message_json(source);
}

std::string text_at(const std::string& json, const char* key) {
  simdjson::dom::parser parser;
  std::string_view text;
  if (parser.parse(json)[key].get(text)) return "(none)";
  return std::string(text);
}

TEST_F(EmailCenter, ArrivesAsItWasMeantOverBothKindsOfTls) {
  const std::string kMerchant =
      "Caf\xc3\xa9 <b>\xe2\x82\xac</b>\r\nBcc: x@evil.example\r\n\r\n.\r\nMAIL "
      "FROM:<y@evil.example>";
  for (SmtpTls tls : {SmtpTls::starttls, SmtpTls::tls}) {
    std::remove(folder_.file("messages.ndjson").c_str());
    auto email = *Email::create(options(tls));
    Attempt attempt = email->deliver({"msg_1", payload(kMerchant), kNow, kNow});
    ASSERT_EQ(attempt.outcome, Attempt::Outcome::delivered) << attempt.error;
    std::string got = received();
    ASSERT_EQ(std::count(got.begin(), got.end(), '\n'), 1) << got;
    EXPECT_NE(got.find(R"("to": ["a@bank.example", "b@bank.example"], "tls": true, "login": true)"),
              std::string::npos)
        << got;
    EXPECT_NE(
        got.find(
            R"("headers": ["Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", )"
            R"("Subject", "To"])"),
        std::string::npos);
    EXPECT_NE(got.find(R"("defects": [])"), std::string::npos);
    EXPECT_EQ(text_at(got, "subject"),
              "[Paywarden] Declined: 912.40 EUR at Caf\xc3\xa9 <b>\xe2\x82\xac</b>  Bcc: "
              "x@evil.example    .  "
              "MAIL FROM:<y@evil.example> (alert 12)");
    EXPECT_EQ(text_at(got, "id"), "<msg_1@bank.example>");
    EXPECT_EQ(text_at(got, "date"), "2020-06-21 12:14:58+00:00");
    EXPECT_NE(text_at(got, "html").find("Caf\xc3\xa9 &lt;b&gt;\xe2\x82\xac&lt;/b&gt;"),
              std::string::npos);
    EXPECT_NE(text_at(got, "text").find("Merchant: Caf\xc3\xa9 <b>"), std::string::npos);
  }
}

TEST_F(EmailCenter, AWrongPasswordIsTriedAgainLater) {
  EmailOptions wrong = options(SmtpTls::starttls);
  wrong.password = "falsch";
  Attempt attempt = (*Email::create(wrong))->deliver({"msg_1", payload("Shop"), kNow, kNow});
  EXPECT_EQ(attempt.outcome, Attempt::Outcome::failed) << "an operator can correct it";
  EXPECT_EQ(received(), "");
}

TEST_F(EmailCenter, ACertificateOfSomeoneElseIsRefused) {
  for (SmtpTls tls : {SmtpTls::starttls, SmtpTls::tls}) {
    EmailOptions strict = options(tls);
    strict.ca_file = "";  // the system's: it does not know the server's own
    Attempt attempt = (*Email::create(strict))->deliver({"msg_1", payload("Shop"), kNow, kNow});
    EXPECT_EQ(attempt.outcome, Attempt::Outcome::failed);
  }
  EXPECT_EQ(received(), "");
}

}  // namespace
}  // namespace paywarden
