#include "http/router.h"

#include <gtest/gtest.h>

#include "http/response_writer.h"
#include "http/target.h"

namespace paywarden::http {
namespace {

Router sample() {
  Router router;
  auto nothing = [](RequestPtr, Reply) {};
  for (const char* pattern :
       {"/", "/v1/payments", "/v1/payments:batch", "/v1/decisions/{payment_id}",
        "/v1/decisions/latest", "/v1/cards/{card}/payments", "/v1/cards/special/{name}",
        "/assets/{path*}"})
    router.add(Method::get, pattern, kOpenToAll, nothing);
  router.add(Method::post, "/v1/payments", "intake", nothing);
  return router;
}

// "pattern name=value", or what went wrong.
std::string found(const Router& router, Method method, std::string_view path) {
  std::string decoded;
  std::vector<HeaderField> params;
  Router::Match match = router.find(method, path, decoded, params);
  switch (match.kind) {
    case Router::Match::Kind::no_path:
      return "no path";
    case Router::Match::Kind::no_method:
      return "allow " + match.allow;
    case Router::Match::Kind::bad_path:
      return "bad path";
    case Router::Match::Kind::found:
      break;
  }
  std::string text = match.route->pattern;
  for (const HeaderField& param : params)
    text.append(" ").append(param.name).append("=").append(param.value);
  return text;
}

TEST(Router, Table) {
  struct Row {
    const char *path, *expected;
  };
  Router router = sample();
  for (Row row :
       {Row{"/", "/"},
        {"/v1/payments", "/v1/payments"},
        {"/v1/payments/", "no path"},
        {"//v1/payments", "no path"},
        {"/v1/payments:batch", "/v1/payments:batch"},
        {"/v1/decisions/p1", "/v1/decisions/{payment_id} payment_id=p1"},
        {"/v1/decisions/latest", "/v1/decisions/latest"},
        {"/v1/decisions/a%20b%2Fc%25", "/v1/decisions/{payment_id} payment_id=a b/c%"},
        {"/v1/decisions/", "no path"},
        {"/v1/decisions", "no path"},
        {"/v1/cards/special/payments", "/v1/cards/special/{name} name=payments"},
        {"/v1/cards/special2/payments", "/v1/cards/{card}/payments card=special2"},
        {"/v1/c%61rds/x/payments", "/v1/cards/{card}/payments card=x"},
        {"/assets/js/app.js", "/assets/{path*} path=js/app.js"},
        {"/assets/", "/assets/{path*} path="},
        {"/assets/../etc/passwd", "bad path"},
        {"/assets/%2e%2E/etc/passwd", "bad path"},
        {"/assets/./x", "bad path"},
        {"/v1/decisions/%", "bad path"},
        {"/v1/decisions/%4", "bad path"},
        {"/v1/decisions/%zz", "bad path"},
        {"/v1/decisions/a%00b", "bad path"},
        {"/v1/decisions/a%0d%0aX:b", "bad path"},
        {"/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z/1/2/3/4/5/6/7/8", "bad path"}})
    EXPECT_EQ(found(router, Method::get, row.path), row.expected) << row.path;
  EXPECT_EQ(found(router, Method::head, "/v1/payments"), "/v1/payments");
  EXPECT_EQ(found(router, Method::del, "/v1/payments"), "allow GET, HEAD, POST");
}

TEST(Target, OriginAndAbsoluteForm) {
  struct Row {
    const char *target, *path, *query;
  };
  for (Row row : {Row{"/a?b=c", "/a", "b=c"},
                  {"/a", "/a", ""},
                  {"/a?", "/a", ""},
                  {"/?x?y", "/", "x?y"},
                  {"http://h:80/a?b", "/a", "b"},
                  {"HTTPS://h/", "/", ""}}) {
    auto target = split_target(row.target);
    ASSERT_TRUE(target) << row.target;
    EXPECT_EQ(target->path, row.path);
    EXPECT_EQ(target->query, row.query);
  }
  for (const char* bad :
       {"", "*", "a/b", "http://h", "ftp://h/", "/a b", "/a#b", "/a\x80", "/a\x01", "host:80"})
    EXPECT_FALSE(split_target(bad)) << bad;
}

TEST(Request, QueryAndCookies) {
  Request request;
  request.query = "a=1&b=x%20y+z&&c&a=2&%64=4&e=%zz";
  EXPECT_EQ(request.query_value("a"), "1");
  EXPECT_EQ(request.query_value("b"), "x y z");
  EXPECT_EQ(request.query_value("c"), "");
  EXPECT_EQ(request.query_value("d"), "4");
  EXPECT_FALSE(request.query_value("e"));
  EXPECT_FALSE(request.query_value("f"));
  request.fields = {{"Host", "h"}, {"Cookie", "session=abc=; other=1"}, {"COOKIE", "third= 3 "}};
  EXPECT_EQ(request.cookie("session"), "abc=");
  EXPECT_EQ(request.cookie("other"), "1");
  EXPECT_EQ(request.cookie("third"), " 3");
  EXPECT_EQ(request.cookie("none"), "");
  EXPECT_EQ(request.header("hOST"), "h");
}

TEST(Problem, IsRfc9457) {
  Response response = problem(504, "Too \"late\"", "50 ms",
                              {{"decided", false}, {"outcome", "approve"}, {"line", 7}});
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(
      response.body,
      R"({"status":504,"title":"Too \"late\"","detail":"50 ms","decided":false,"outcome":"approve","line":7})");
}

TEST(ResponseWriter, FieldsCannotBeForged) {
  Response good = Response::json(200, "{}").with("Location", "/a?b=c");
  EXPECT_TRUE(is_sendable(good));
  for (auto [name, value] : {std::pair{"X-A", "b\r\nSet-Cookie: c"},
                             {"X-A\r\nB", "c"},
                             {"X A", "b"},
                             {"", "b"},
                             {"X-A", "b\nc"},
                             {"X-A", "\x7f"},
                             {"Content-Length", "5"},
                             {"transfer-encoding", "chunked"}})
    EXPECT_FALSE(is_sendable(Response{200, "", {{name, value}}, ""})) << name << ": " << value;
  EXPECT_FALSE(is_sendable(Response{200, "text/plain\r\nX: y", {}, ""}));
  EXPECT_FALSE(is_sendable(Response{99, "", {}, ""}));
}

TEST(ResponseWriter, Date) {
  EXPECT_EQ(http_date(EventTime(784'111'777'000)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(EventTime(-1)), "Wed, 31 Dec 1969 23:59:59 GMT");
}

}  // namespace
}  // namespace paywarden::http
