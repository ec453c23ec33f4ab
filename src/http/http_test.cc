#include <gmock/gmock.h>

#include "http/test_server.h"

namespace paywarden::http {
namespace {

TEST(Http, KeepAliveServesManyRequestsOnOneConnection) {
  TestServer test;
  test.start();
  TestClient client = test.client();
  for (int i = 0; i < 100; ++i) {
    std::string body = "payment " + std::to_string(i);
    ASSERT_TRUE(client.request("POST", "/echo", body));
    auto answer = client.read_answer();
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->status, 200);
    ASSERT_EQ(answer->body, body);
  }
  EXPECT_EQ(test.stats().connections_accepted, 1u);
  EXPECT_EQ(test.stats().responses_by_class[2], 100u);
}

TEST(Http, PipelinedRequestsAreAnsweredInOrder) {
  TestServer test;
  test.start();
  TestClient client = test.client();
  std::string all;
  for (int i = 0; i < 50; ++i)
    all += "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\n" + std::to_string(10 + i) +
           (i % 2 ? "\r\n" : "");
  client.send(all);
  for (int i = 0; i < 50; ++i) {
    auto answer = client.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, std::to_string(10 + i));
  }
}

TEST(Http, EveryAnswerCarriesTheSecurityFields) {
  TestServer test;
  test.router.add(Method::get, "/page", kOpenToAll, answer_with(Response::text(200, "")),
                  {.content_security_policy = "default-src 'none'"});
  test.start();
  TestClient client = test.client();
  for (const char* path : {"/hello", "/nothing"}) {
    client.request("GET", path);
    auto answer = client.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->header("x-content-type-options"), "nosniff");
    EXPECT_EQ(answer->header("x-frame-options"), "DENY");
    EXPECT_EQ(answer->header("referrer-policy"), "no-referrer");
    EXPECT_EQ(answer->header("cache-control"), "no-store");
    EXPECT_THAT(answer->header("content-security-policy"),
                testing::StartsWith("default-src 'self'"));
    EXPECT_EQ(answer->header("date"), "Sun, 06 Nov 1994 08:49:37 GMT");
  }
  client.request("GET", "/page");
  EXPECT_EQ(client.read_answer()->header("content-security-policy"), "default-src 'none'");
}

TEST(Http, RequestsSeenByHandlers) {
  TestServer test;
  test.router.add(Method::put, "/things/{thing}", kOpenToAll, [](RequestPtr request, Reply reply) {
    EXPECT_EQ(request->method, Method::put);
    EXPECT_EQ(request->path, "/things/a%20b");
    EXPECT_EQ(request->param("thing"), "a b");
    EXPECT_EQ(request->query_value("q"), "1");
    EXPECT_EQ(request->header("x-custom"), "Some Value");
    EXPECT_EQ(request->peer, "127.0.0.1");
    EXPECT_FALSE(request->is_tls);
    EXPECT_EQ(request->principal, nullptr);
    reply(Response::json(201, "{}").with("Location", "/things/1"));
  });
  test.start();
  TestClient client = test.client();
  client.request("PUT", "/things/a%20b?q=1", "x", "X-Custom:   Some Value \r\n");
  auto answer = client.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->header("location"), "/things/1");
}

TEST(Http, ChunkedBodies) {
  TestServer test;
  test.start();
  TestClient client = test.client();
  client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (std::string_view piece : {"5\r\nhel", "lo\r", "\n1;name=value\r\n \r\n0",
                                 "5\r\nworld\r\n0\r\n", "Trailer: x\r\n\r\n"}) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    client.send(piece);
  }
  EXPECT_EQ(client.read_answer()->body, "hello world");
  client.request("POST", "/echo", "next");
  EXPECT_EQ(client.read_answer()->body, "next");
}

TEST(Http, EveryByteAlone) {
  TestServer test;
  test.start();
  TestClient client = test.client();
  for (char c : std::string_view(
           "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n"
           "3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0\r\nT: u\r\n\r\n")) {
    client.send({&c, 1});
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  EXPECT_EQ(client.read_answer()->body, "abcde");
}

// Each place where a chunked body can be cut in two.
TEST(Http, ChunkedBodiesCutAnywhere) {
  TestServer test;
  test.start();
  TestClient client = test.client();
  for (std::string body :
       {"0\r\n\r\n", "0;a=b\r\nT: u\r\n\r\n", "1\r\na\r\n0\r\n\r\n", "00000\r\n\r\n"}) {
    for (size_t cut = 0; cut <= body.size(); ++cut) {
      client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n" +
                  body.substr(0, cut));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      client.send(body.substr(cut));
      auto answer = client.read_answer();
      ASSERT_TRUE(answer) << body << cut;
      EXPECT_EQ(answer->body, body[0] == '1' ? "a" : "");
    }
  }
  for (char c : std::string_view(
           "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")) {
    client.send({&c, 1});
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(client.read_answer()->status, 200);
}

TEST(Http, LargeBodiesBothWays) {
  TestServer test;
  test.options.body_bytes_max = 20 << 20;
  test.start();
  TestClient client = test.client();
  std::string body(10 << 20, 'x');
  for (size_t i = 0; i < body.size(); i += 1009) body[i] = static_cast<char>('a' + i % 26);
  for (int i = 0; i < 2; ++i) {
    std::thread sender([&] { client.request("POST", "/echo", body); });
    sender.join();
    auto answer = client.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->body == body) << answer->body.size();
  }
}

TEST(Http, ExpectContinue) {
  TestServer test;
  test.start();
  TestClient client = test.client();
  client.send(
      "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_answer()->status, 100);
  client.send("ok");
  EXPECT_EQ(client.read_answer()->body, "ok");
  client.send(
      "POST /nowhere HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  auto refused = client.read_answer();
  EXPECT_EQ(refused->status, 404) << "the body is not asked for";
  EXPECT_EQ(refused->header("connection"), "close");
  EXPECT_TRUE(client.closes());
}

TEST(Http, HeadHasNoBodyAndUnknownMethodsSaySo) {
  TestServer test;
  test.start();
  TestClient client = test.client();
  client.request("HEAD", "/hello");
  auto head = client.read_answer(true);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->header("content-length"), "5");
  client.request("POST", "/hello", "a body that nobody wants");
  auto post = client.read_answer();
  EXPECT_EQ(post->status, 405);
  EXPECT_EQ(post->header("allow"), "GET, HEAD");
  EXPECT_EQ(post->header("content-type"), "application/problem+json");
  client.request("BREW", "/hello");
  EXPECT_EQ(client.read_answer()->status, 501);
  client.request("GET", "/teapot");
  EXPECT_EQ(client.read_answer()->status, 404);
}

TEST(Http, RolesAreAskedOfTheProgram) {
  TestServer test;
  test.authorise = [](const Request& request,
                      std::string_view role) -> tl::expected<PrincipalPtr, Response> {
    if (request.header("authorization").empty())
      return tl::unexpected(problem(401, "Who are you?").with("WWW-Authenticate", "Bearer"));
    if (request.header("authorization") != role) return tl::unexpected(problem(403, "Not yours"));
    auto who = std::make_shared<Principal>();
    who->name = "ann";
    return PrincipalPtr(who);
  };
  test.router.add(Method::post, "/secret", "analyst", [](RequestPtr request, Reply reply) {
    reply(Response::text(200, request->principal->name));
  });
  test.start();
  TestClient client = test.client();
  client.request("POST", "/secret", "body");
  auto unknown = client.read_answer();
  EXPECT_EQ(unknown->status, 401);
  EXPECT_EQ(unknown->header("www-authenticate"), "Bearer");
  client.request("POST", "/secret", "body", "Authorization: intake\r\n");
  EXPECT_EQ(client.read_answer()->status, 403);
  client.request("POST", "/secret", "body", "Authorization: analyst\r\n");
  EXPECT_EQ(client.read_answer()->body, "ann");
}

TEST(Http, StaticFiles) {
  TestServer test;
  static const std::string text(40'000, 'j'), packed = "pretend gzip";
  test.router.add_static(
      "/app.js", kOpenToAll,
      {.content_type = "text/javascript", .bytes = text, .gzip = packed, .immutable = true});
  test.router.add_static("/", kOpenToAll, {.content_type = "text/html", .bytes = "<p>"});
  test.start();
  TestClient client = test.client();
  client.request("GET", "/app.js");
  auto plain = client.read_answer();
  EXPECT_EQ(plain->body, text);
  EXPECT_EQ(plain->header("vary"), "Accept-Encoding");
  EXPECT_EQ(plain->header("cache-control"), "public, max-age=31536000, immutable");
  client.request("GET", "/app.js", "", "Accept-Encoding: br, gzip;q=0.5\r\n");
  auto gzip = client.read_answer();
  EXPECT_EQ(gzip->body, packed);
  EXPECT_EQ(gzip->header("content-encoding"), "gzip");
  EXPECT_NE(gzip->header("etag"), plain->header("etag"));
  client.request("GET", "/app.js", "", "If-None-Match: \"x\", W/" + plain->header("etag") + "\r\n");
  auto known = client.read_answer();
  EXPECT_EQ(known->status, 304);
  EXPECT_EQ(known->header("etag"), plain->header("etag"));
  client.request("GET", "/", "", "Accept-Encoding: gzip;q=0\r\n");
  EXPECT_EQ(client.read_answer()->header("cache-control"), "no-cache");
}

TEST(Http, ADroppedReplyIsA500) {
  TestServer test;
  test.router.add(Method::get, "/dropped", kOpenToAll, [](RequestPtr, Reply) {});
  test.router.add(Method::get, "/dropped-later", kOpenToAll, [](RequestPtr, Reply reply) {
    std::thread([reply] { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }).detach();
  });
  test.router.add(Method::get, "/forged", kOpenToAll,
                  answer_with(Response{200, "", {{"X", "a\r\nb: c"}}, ""}));
  test.start();
  TestClient client = test.client();
  for (const char* path : {"/dropped", "/dropped-later", "/forged"}) {
    client.request("GET", path);
    auto answer = client.read_answer();
    ASSERT_TRUE(answer) << path;
    EXPECT_EQ(answer->status, 500);
  }
  EXPECT_EQ(test.stats().replies_dropped, 2u);
  std::vector<std::string> events = test.log.events();
  EXPECT_EQ(std::count(events.begin(), events.end(), "reply_dropped"), 2);
  EXPECT_EQ(std::count(events.begin(), events.end(), "response_refused"), 1);
}

TEST(Http, OnlyTheFirstAnswerCounts) {
  TestServer test;
  test.router.add(Method::get, "/twice", kOpenToAll, [](RequestPtr, Reply reply) {
    EXPECT_FALSE(reply.answered());
    EXPECT_TRUE(reply(Response::text(200, "first")));
    EXPECT_FALSE(reply(Response::text(200, "second")));
    EXPECT_TRUE(reply.answered());
  });
  test.start();
  TestClient client = test.client();
  for (int i = 0; i < 3; ++i) {
    client.request("GET", "/twice");
    EXPECT_EQ(client.read_answer()->body, "first");
  }
}

TEST(Http, ObservesEachRequest) {
  TestServer test;
  std::mutex mutex;
  std::vector<std::string> seen;
  test.observe = [&](std::string_view pattern, int status, std::chrono::nanoseconds took) {
    EXPECT_GT(took.count(), 0);
    EXPECT_LT(took, std::chrono::seconds(5));
    std::lock_guard lock(mutex);
    seen.push_back(std::string(pattern) + " " + std::to_string(status));
  };
  test.start();
  TestClient client = test.client();
  client.request("GET", "/hello");
  client.read_answer();
  client.request("GET", "/nope");
  client.read_answer();
  client.send("rubbish\r\n\r\n");
  client.read_answer();
  test.server->stop();
  EXPECT_THAT(seen, testing::ElementsAre("/hello 200", " 404", " 400"));
}

// What two parsers could read in two ways, and what no client sends in good faith.
TEST(Http, MalformedRequests) {
  struct Row {
    std::string bytes;
    int status;
  };
  const std::string host = "Host: t\r\n", post = "POST /echo HTTP/1.1\r\nHost: t\r\n";
  const std::vector<Row> rows = {
      {post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400},
      {post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
      {post + "Content-Length: 3, 3\r\n\r\nabc", 400},
      {post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400},
      {post + "Content-Length: +3\r\n\r\nabc", 400},
      {post + "Content-Length: -1\r\n\r\nabc", 400},
      {post + "Content-Length: 0x3\r\n\r\nabc", 400},
      {post + "Content-Length: 99999999999999999999999\r\n\r\nabc", 400},
      {post + "Content-Length:\r\n\r\nabc", 400},
      {post + "Content-Length : 3\r\n\r\nabc", 400},
      {post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {post + "Transfer-Encoding: identity\r\n\r\nabc", 501},
      {post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
      {post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 501},
      {post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n0\r\n\r\n",
       400},
      {post + "Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\n3;a=\"\n\"\r\nabc\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\n" + std::string(20'000, '0'), 400},
      {post + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\n" + host + "A: b\r\n c\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\n" + host + " A: b\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\n" + host + "A b\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\n" + host + ": b\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\n" + host + std::string("A: b\0c\r\n\r\n", 10), 400},
      {"GET /hello HTTP/1.1\r\n" + host + "A: b\nB: c\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\n" + host + "A: b\rB: c\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\n" + host + "\n\n", 505},
      {"GET /hello HTTP/1.1\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\n" + host + host + "\r\n", 400},
      {"GET /hello HTTP/1.0\r\n" + host + "\r\n", 505},
      {"GET /hello HTTP/2.0\r\n" + host + "\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"GET /hello\r\n\r\n", 400},
      {"GET  /hello HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /hello HTTP/1.1 \r\n" + host + "\r\n", 505},
      {" GET /hello HTTP/1.1\r\n" + host + "\r\n", 400},
      {"G<T /hello HTTP/1.1\r\n" + host + "\r\n", 400},
      {std::string("GET /he\0llo HTTP/1.1\r\n", 22) + host + "\r\n", 400},
      {"GET /he\x80llo HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET hello HTTP/1.1\r\n" + host + "\r\n", 400},
      {"OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 400},
      {"CONNECT a:80 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /%zz HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /../../etc/passwd HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /%00 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /hello HTTP/1.1\r\n" + host + "Expect: gold\r\n\r\n", 417},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
  };
  TestServer test;
  test.start();
  for (const Row& row : rows) {
    TestClient client = test.client();
    client.send(row.bytes);
    auto answer = client.read_answer();
    ASSERT_TRUE(answer) << testing::PrintToString(row.bytes);
    EXPECT_EQ(answer->status, row.status) << testing::PrintToString(row.bytes) << answer->body;
    EXPECT_EQ(answer->header("content-type"), "application/problem+json");
  }
  TestClient client = test.client();
  client.request("GET", "/hello");
  EXPECT_EQ(client.read_answer()->status, 200);
}

TEST(Http, ARequestHiddenInABodyIsNotServed) {
  TestServer test;
  test.start();
  TestClient client = test.client();
  client.send(
      "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\n\r\nGET /hello HTTP/1.1\r\nHost: t\r\n\r\n");
  auto answer = client.read_answer();
  EXPECT_EQ(answer->status, 400);
  EXPECT_EQ(answer->header("connection"), "close");
  EXPECT_FALSE(client.read_answer()) << "nothing behind it may be answered";
}

}  // namespace
}  // namespace paywarden::http
