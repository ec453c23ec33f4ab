// The routes on a real server: who may ask for what, and what a page sees of an alert's life.
#include "center/routes.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "center/center_test_kit.h"
#include "http/server.h"

namespace paywarden {
namespace {

using ::testing::HasSubstr;

// One connection that says one thing.
class Client {
 public:
  explicit Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
          "no server");
    timeval wait{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void say(const std::string& method, const std::string& path, const std::string& headers,
           const std::string& body = "") {
    std::string text =
        method + " " + path + " HTTP/1.1\r\nHost: bank\r\nConnection: close\r\n" + headers;
    if (method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    text += "\r\n" + body;
    CHECK(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(text.size()),
          "sent");
  }
  // What comes, up to `end`, or until the other side closes.
  std::string hear(const std::string& end = "") {
    while (end.empty() || heard_.find(end) == std::string::npos) {
      char block[8192];
      ssize_t n = ::recv(socket_, block, sizeof block, 0);
      if (n <= 0) break;
      heard_.append(block, static_cast<size_t>(n));
    }
    return heard_;
  }

 private:
  int socket_;
  std::string heard_;
};

struct Served : CenterFixture {
  Served() {
    CenterOptions options;
    options.accounts.password_cost = kCheapest;
    options.live.alerts_every = milliseconds(10);
    center = *Center::create(*store, options,
                             {clock,
                              silent,
                              sink,
                              stats,
                              status,
                              [](std::string_view text) { return std::string(text); },
                              {}});
    http::Router router;
    center->add_routes(router);
    auto authorise = [this](const http::Request& request, std::string_view role) {
      return center->authorise(request, role);
    };
    http::ServerOptions server_options;
    server_options.port = 0;
    server =
        *http::Server::create(server_options, std::move(router), {clock, silent, authorise, {}});
    center->start();
    CHECK(server->start(), "the server starts");
  }
  ~Served() {
    server->stop();
    center->stop();
  }
  std::string ask(const std::string& method, const std::string& path, const std::string& headers,
                  const std::string& body = "") {
    Client client(server->port());
    client.say(method, path, headers, body);
    return client.hear();
  }
  int status_of(const std::string& method, const std::string& path, const std::string& headers,
                const std::string& body = "") {
    std::string answer = ask(method, path, headers, body);
    return answer.size() > 12 ? std::stoi(answer.substr(9, 3)) : 0;
  }
  std::unique_ptr<Center> center;
  std::unique_ptr<http::Server> server;
};

TEST(Routes, EveryRouteForEveryRole) {
  Served f;
  f.suspicious("p1");
  CHECK(f.store->bury(1, "gone"), "a dead delivery");
  std::map<Role, std::string> headers;
  for (std::string_view name : kRoleNames) {
    std::string key = f.center->accounts().create_key(std::string(name), *role_of(name))->text;
    headers[*role_of(name)] = "Authorization: Bearer " + key + "\r\n";
  }
  struct Row {
    const char* method;
    const char* path;
    const char* body;
    const char* statuses;
  };
  // statuses: nobody, intake, observer, reader, analyst, admin (2: let in, 400 and the like
  // included)
  for (const Row& row : {Row{"POST", "/api/session", "{}", "x,x,x,x,x,x"},
                         Row{"DELETE", "/api/session", "", "401,403,403,403,in,in"},
                         Row{"GET", "/api/me", "", "401,403,403,403,in,in"},
                         Row{"GET", "/api/alerts", "", "401,403,403,403,in,in"},
                         Row{"GET", "/api/alerts/1", "", "401,403,403,403,in,in"},
                         Row{"POST", "/api/alerts/1/verdict", "{}", "401,403,403,403,in,in"},
                         Row{"GET", "/api/stats", "", "401,403,403,403,in,in"},
                         Row{"GET", "/api/deliveries", "", "401,403,403,403,in,in"},
                         Row{"POST", "/api/deliveries/1/retry", "", "401,403,403,403,403,in"},
                         Row{"GET", "/api/status", "", "401,403,403,403,in,in"}}) {
    std::string got;
    for (int who = -1; who < 5; ++who) {
      int status = f.status_of(row.method, row.path, who < 0 ? "" : headers[static_cast<Role>(who)],
                               row.body);
      bool open = std::string(row.path) == "/api/session" && std::string(row.method) == "POST";
      std::string word = open                             ? (status == 403 ? "x" : "?")
                         : status == 401 || status == 403 ? std::to_string(status)
                                                          : "in";
      got += (got.empty() ? "" : ",") + word;
      EXPECT_NE(status, 0);
      EXPECT_NE(status, 500);
    }
    EXPECT_EQ(got, row.statuses) << row.method << " " << row.path;
  }
  EXPECT_EQ(f.status_of("GET", "/api/stream", ""), 401);
  EXPECT_EQ(f.status_of("GET", "/api/nothing", ""), 404);
}

TEST(Routes, AnAlertsLifeOnAPage) {
  Served f;
  ASSERT_TRUE(f.center->first_password());
  const std::string kOurs = "X-Paywarden-Request: 1\r\nContent-Type: application/json\r\n";
  std::string signed_in =
      f.ask("POST", "/api/session", kOurs,
            R"({"user":"admin","password":")" + *f.center->first_password() + "\"}");
  ASSERT_THAT(signed_in, HasSubstr(" 204 "));
  size_t at = signed_in.find("paywarden_session=");
  ASSERT_NE(at, std::string::npos) << signed_in;
  std::string cookie = "Cookie: " + signed_in.substr(at, signed_in.find(';', at) - at) + "\r\n";
  EXPECT_THAT(f.ask("GET", "/api/me", cookie), HasSubstr(R"({"user":"admin","role":"admin"})"));

  Client page(f.server->port());
  page.say("GET", "/api/stream", cookie);
  page.hear("event: stats\n");
  f.suspicious("p1");
  f.center->alerts_changed({{1}});
  EXPECT_THAT(page.hear("event: alert\n"), HasSubstr("text/event-stream"));
  EXPECT_THAT(page.hear("\"title\""), HasSubstr(R"(data: {"id":1,"state":"open")"));
  EXPECT_EQ(f.status_of("POST", "/api/alerts/1/verdict", cookie, R"({"verdict":"confirmed"})"), 403)
      << "no header";
  EXPECT_THAT(f.ask("POST", "/api/alerts/1/verdict", cookie + kOurs, R"({"verdict":"confirmed"})"),
              HasSubstr(R"("verdict_by":"admin")"));
  EXPECT_EQ(f.sink.text(), "p1=1");
  EXPECT_THAT(page.hear("\"state\":\"confirmed\""), HasSubstr(R"({"id":1,"state":"confirmed")"));
  EXPECT_EQ(f.status_of("DELETE", "/api/session", cookie + kOurs), 204);
  EXPECT_EQ(f.status_of("GET", "/api/me", cookie), 401);
}

}  // namespace
}  // namespace paywarden
