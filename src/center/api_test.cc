#include "center/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "center/center_test_kit.h"

namespace paywarden {
namespace {

using http::Method;
using ::testing::HasSubstr;
using ::testing::Not;

std::string header_of(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (http::equal_ignoring_case(key, name)) return value;
  return "";
}

bool is_json(const std::string& text) {
  simdjson::dom::parser parser;
  return !parser.parse(text).error();
}

http::Response sign_in(CenterFixture& f, const std::string& body,
                       std::vector<http::HeaderField> fields = {{"X-Paywarden-Request", "1"}},
                       bool is_tls = false) {
  OwnedRequest made = f.request(Method::post, body);
  made.request.fields = std::move(fields);
  made.request.is_tls = is_tls;
  std::mutex mutex;
  std::condition_variable answered;
  std::optional<http::Response> answer;
  f.api.sign_in(made.request, [&](http::Response response) {
    std::lock_guard lock(mutex);
    answer = std::move(response);
    answered.notify_one();
  });
  std::unique_lock lock(mutex);
  answered.wait_for(lock, std::chrono::seconds(10), [&] { return answer.has_value(); });
  return *answer;
}

std::string token_of(const http::Response& response) {
  std::string cookie = header_of(response, "Set-Cookie");
  size_t at = cookie.find('=') + 1;
  return cookie.substr(at, cookie.find(';') - at);
}

TEST(Api, SigningIn) {
  CenterFixture f;
  ASSERT_TRUE(f.accounts->create_user("maria", Role::analyst, "correct horse battery"));
  const std::string kRight = R"({"user":"maria","password":"correct horse battery"})";
  http::Response welcome = sign_in(f, kRight);
  EXPECT_EQ(welcome.status, 204);
  EXPECT_THAT(
      header_of(welcome, "Set-Cookie"),
      ::testing::MatchesRegex("paywarden_session=[0-9a-f]*; Path=/; HttpOnly; SameSite=Strict"));
  EXPECT_THAT(header_of(sign_in(f, kRight, {{"X-Paywarden-Request", "1"}}, true), "Set-Cookie"),
              HasSubstr("; Secure"));
  EXPECT_EQ(sign_in(f, kRight, {}).status, 403) << "from another site";
  EXPECT_EQ(sign_in(f, "not json").status, 400);
  EXPECT_EQ(sign_in(f, "{}").status, 401);
  EXPECT_EQ(sign_in(f, R"({"user":["maria"],"password":7})").status, 401);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(sign_in(f, R"({"user":"maria","password":"x"})").status, 401);
  http::Response locked = sign_in(f, kRight);
  EXPECT_EQ(locked.status, 429);
  EXPECT_EQ(header_of(locked, "Retry-After"), "60");
}

// Every role against what it asks for, by key and by cookie.
TEST(Api, WhoIsLetIn) {
  CenterFixture f;
  for (Role have : {Role::intake, Role::observer, Role::reader, Role::analyst, Role::admin}) {
    std::string bearer = "Bearer " + f.accounts->create_key(std::string(name_of(have)), have)->text;
    for (std::string_view need : kRoleNames) {
      OwnedRequest made = f.request(Method::post);
      made.request.fields = {{"Authorization", bearer}};
      auto answer = f.api.authorise(made.request, need);
      EXPECT_EQ(answer.has_value(), allows(have, *role_of(need)))
          << name_of(have) << " asks for " << need;
      if (!answer) {
        EXPECT_EQ(answer.error().status, 403);
      }
    }
  }
  OwnedRequest none = f.request(Method::get);
  for (std::vector<http::HeaderField> fields : {std::vector<http::HeaderField>{},
                                                {{"Authorization", "Bearer pw_x"}},
                                                {{"Authorization", "Basic eDp5"}},
                                                {{"Cookie", "paywarden_session=abc"}}}) {
    none.request.fields = fields;
    auto answer = f.api.authorise(none.request, "analyst");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().status, 401);
  }
}

TEST(Api, ForeignPagesChangeNothing) {
  CenterFixture f;
  ASSERT_TRUE(f.accounts->create_user("maria", Role::analyst, "correct horse battery"));
  std::string cookie =
      "paywarden_session=" +
      token_of(sign_in(f, R"({"user":"maria","password":"correct horse battery"})"));
  struct Row {
    const char* name;
    Method method;
    std::vector<http::HeaderField> fields;
    bool ok;
  };
  for (const Row& row : {Row{"reading needs no more", Method::get, {}, true},
                         Row{"no header", Method::post, {}, false},
                         Row{"wrong header", Method::post, {{"X-Paywarden-Request", "0"}}, false},
                         Row{"header", Method::post, {{"X-Paywarden-Request", "1"}}, true},
                         Row{"same origin",
                             Method::post,
                             {{"X-Paywarden-Request", "1"}, {"Origin", "http://bank:8080"}},
                             true},
                         Row{"behind TLS",
                             Method::post,
                             {{"X-Paywarden-Request", "1"}, {"Origin", "https://bank:8080"}},
                             true},
                         Row{"other origin",
                             Method::post,
                             {{"X-Paywarden-Request", "1"}, {"Origin", "http://evil:8080"}},
                             false},
                         Row{"other port",
                             Method::del,
                             {{"X-Paywarden-Request", "1"}, {"Origin", "http://bank:8081"}},
                             false},
                         Row{"prefix",
                             Method::del,
                             {{"X-Paywarden-Request", "1"}, {"Origin", "http://bank:8080.evil"}},
                             false},
                         Row{"no origin",
                             Method::post,
                             {{"X-Paywarden-Request", "1"}, {"Origin", "null"}},
                             false}}) {
    OwnedRequest made = f.request(row.method);
    made.request.fields = row.fields;
    made.request.fields.push_back({"Host", "bank:8080"});
    made.request.fields.push_back({"Cookie", cookie});
    auto answer = f.api.authorise(made.request, "analyst");
    EXPECT_EQ(answer.has_value(), row.ok) << row.name;
    if (!answer) {
      EXPECT_EQ(answer.error().status, 403) << row.name;
    }
  }
}

TEST(Api, AlertsPageByPage) {
  CenterFixture f;
  for (int i = 0; i < 5; ++i) f.suspicious("p" + std::to_string(i + 1), "C" + std::to_string(i));
  f.verdict(2, R"({"verdict":"dismissed"})");
  struct Row {
    const char* query;
    const char* has;
  };
  for (const Row& row :
       {Row{"", R"("next":null,"counts":{"open":4,"confirmed":0,"dismissed":1})"},
        Row{"limit=2", R"("next":4,)"}, Row{"limit=2&before=4", R"("alerts":[{"id":3,)"},
        Row{"state=dismissed", R"("alerts":[{"id":2,"state":"dismissed")"},
        Row{"state=open&before=2", R"("alerts":[{"id":1,)"}}) {
    OwnedRequest made = f.request(Method::get, "", row.query);
    http::Response response = f.api.alerts(made.request);
    EXPECT_EQ(response.status, 200);
    EXPECT_TRUE(is_json(response.body));
    EXPECT_THAT(response.body, HasSubstr(row.has)) << row.query;
  }
  for (const char* bad :
       {"state=odd", "limit=0", "limit=9999", "limit=x", "before=-1", "before=1x"}) {
    OwnedRequest made = f.request(Method::get, "", bad);
    EXPECT_EQ(f.api.alerts(made.request).status, 400) << bad;
  }
}

TEST(Api, AnAlertAsTheContractSays) {
  CenterFixture f;
  f.log.payment("history", {.card = "C1", .at = hours(-1), .backfilled = true});
  f.suspicious("p1");
  OwnedRequest made = f.request(Method::get);
  made.request.params = {{"id", "1"}};
  http::Response response = f.api.alert(made.request);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(
      response.body,
      R"({"id":1,"state":"open","kind":"card","card":"411111******C100","outcome":"decline","score":0.97,)"
      R"("payments":1,"amount":"912.40","currency":"EUR","merchant":"Corner Shop",)"
      R"("opened":"2020-06-21T12:14:58.000Z","updated":"2020-06-21T12:14:58.000Z",)"
      R"("title":"Declined: 912.40 EUR at Corner Shop","detail":"","payments_list":[{"payment_id":"p1",)"
      R"("event_time":"2020-06-21T12:14:58.000Z","amount":"912.40","currency":"EUR","merchant":"Corner Shop",)"
      R"("category":"grocery","outcome":"decline","score":0.97,"model":"test-model","late":false,"guarded":false,)"
      R"("approximate":[],"reasons":[{"feature":"card_count_10m","value":7,"usual":1,"contribution":2.5},)"
      R"({"feature":"amount_ratio","value":3.5,"usual":1,"contribution":0.5,"text":"amount is 3.5 x the mean"}],"rules":["too many in ten minutes"],)"
      R"("fields":{"device":"phone \"7\""}}],"recent":[{"payment_id":"p1","event_time":"2020-06-21T12:14:58.000Z",)"
      R"("amount":"912.40","currency":"EUR","merchant":"Corner Shop","category":"grocery","outcome":"decline",)"
      R"("score":0.97},{"payment_id":"history","event_time":"2020-06-21T11:14:58.000Z","amount":"10.00",)"
      R"("currency":"EUR","merchant":"Corner Shop","category":"grocery","outcome":null,"score":null}],)"
      R"("verdict_by":null,"verdict_at":null,"note":"","labels_pending":false})");
  for (const char* id : {"2", "x", "", "-1", "99999999999999999999"}) {
    made.request.params = {{"id", id}};
    EXPECT_EQ(f.api.alert(made.request).status, 404) << id;
  }
}

TEST(Api, AVerdictLabelsEachPayment) {
  CenterFixture f;
  f.suspicious("p1");
  f.suspicious("p2", "C1", seconds(5));
  http::Response response = f.verdict(1, R"({"verdict":"confirmed","note":"4111111111111111"})");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr(R"("state":"confirmed")"));
  EXPECT_THAT(response.body,
              HasSubstr(R"("verdict_by":"maria","verdict_at":"2020-06-21T12:14:58.000Z",)"
                        R"("note":"411111******1111","labels_pending":false)"));
  EXPECT_EQ(f.sink.text(), "p1=1 p2=1");
  EXPECT_EQ(f.sink.given[0].source, "analyst:maria");
  EXPECT_EQ(f.sink.given[0].event_time, f.clock.now());
  f.verdict(1, R"({"verdict":"confirmed","note":"4111111111111111"})");
  EXPECT_EQ(f.sink.text(), "p1=1 p2=1") << "the same again changes nothing";
  f.verdict(1, R"({"verdict":"confirmed","note":"sure"})", "tom");
  EXPECT_EQ(f.sink.text(), "p1=1 p2=1") << "another note needs no new labels";
  response = f.verdict(1, R"({"verdict":"dismissed"})", "tom");
  EXPECT_EQ(f.sink.text(), "p1=1 p2=1 p1=0 p2=0") << "the last word takes back the first";
  EXPECT_THAT(response.body, HasSubstr(R"("state":"dismissed")"));
  EXPECT_EQ(f.store->counts()->dismissed, 1);
  EXPECT_EQ(f.store->counts()->open, 0);
}

TEST(Api, VerdictsThatAreRefused) {
  CenterFixture f;
  f.suspicious("p1");
  EXPECT_EQ(f.verdict(1, "").status, 400);
  EXPECT_EQ(f.verdict(1, "[]").status, 400);
  EXPECT_EQ(f.verdict(1, "{}").status, 422);
  EXPECT_EQ(f.verdict(1, R"({"verdict":"open"})").status, 422);
  EXPECT_EQ(
      f.verdict(1, R"({"verdict":"confirmed","note":")" + std::string(2001, 'x') + "\"}").status,
      422);
  EXPECT_EQ(f.verdict(7, R"({"verdict":"confirmed"})").status, 404);
  EXPECT_EQ(f.sink.text(), "");
  EXPECT_EQ(f.store->counts()->open, 1);
}

TEST(Api, ASystemAlertIsClosedWithoutLabels) {
  CenterFixture f;
  ASSERT_TRUE(f.alerting.notice(
      {AlertKind::system, "disk", Outcome::review, "The disk is nearly full", "Free some.", {}}));
  http::Response response = f.verdict(1, R"({"verdict":"dismissed"})");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr(R"("detail":"Free some.")"));
  EXPECT_EQ(f.sink.text(), "");
}

TEST(Api, LabelsThatDidNotReachTheLogFollowLater) {
  CenterFixture f;
  f.suspicious("p1");
  f.sink.broken = true;
  http::Response response = f.verdict(1, R"({"verdict":"confirmed"})");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr(R"("labels_pending":true)"));
  f.sink.broken = false;
  f.labelling.repeat();
  for (int i = 0; i < 500 && !f.store->unlabelled(9)->empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(f.sink.text(), "p1=1");
  EXPECT_TRUE(f.store->unlabelled(9)->empty());
  f.labelling.repeat();
  EXPECT_EQ(f.sink.text(), "p1=1");
}

TEST(Api, TheLastWordIsLastInTheLog) {
  CenterFixture f;
  f.suspicious("p1");
  f.sink.hold = true;
  std::thread first([&] { f.verdict(1, R"({"verdict":"confirmed"})"); });
  while (f.store->counts()->confirmed == 0) std::this_thread::yield();
  std::thread second([&] { f.verdict(1, R"({"verdict":"dismissed"})"); });
  while (f.store->counts()->dismissed == 0) std::this_thread::yield();
  f.labelling.repeat();
  f.sink.hold = false;
  for (int i = 0; i < 100; ++i) {
    f.sink.release();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  first.join();
  second.join();
  EXPECT_TRUE(f.sink.text().ends_with("p1=0")) << f.sink.text();
  EXPECT_TRUE(f.store->unlabelled(9)->empty());
}

TEST(Api, DeliveriesAndRetry) {
  CenterFixture f;
  f.suspicious("p1");
  ASSERT_TRUE(f.store->bury(1, "550 no such user"));
  OwnedRequest made = f.request(Method::get, "", "state=dead");
  http::Response response = f.api.deliveries(made.request);
  EXPECT_THAT(
      response.body,
      HasSubstr(R"({"deliveries":[{"id":1,"alert":1,"channel":"email","state":"dead","attempts":1,)"
                R"("last_error":"550 no such user")"));
  made = f.request(Method::get, "", "state=odd");
  EXPECT_EQ(f.api.deliveries(made.request).status, 400);
  made.request.params = {{"id", "1"}};
  EXPECT_EQ(f.api.retry(made.request).status, 204);
  EXPECT_EQ(f.api.retry(made.request).status, 404);
  EXPECT_EQ((*f.store->deliveries(DeliveryState::waiting, 9)).size(), 1u);
}

TEST(Api, MeStatusAndSignOut) {
  CenterFixture f;
  ASSERT_TRUE(f.accounts->create_user("maria", Role::analyst, "correct horse battery"));
  std::string token =
      token_of(sign_in(f, R"({"user":"maria","password":"correct horse battery"})"));
  OwnedRequest made = f.request(Method::del);
  made.request.fields = {{"Cookie", made.keep("paywarden_session=" + token)},
                         {"X-Paywarden-Request", "1"}};
  made.request.principal = *f.api.authorise(made.request, "analyst");
  EXPECT_EQ(f.api.me(made.request).body, R"({"user":"maria","role":"analyst"})");
  EXPECT_EQ(
      f.api.status(made.request).body,
      R"({"mode":"observe","model":"m-1","guard":true,"journal":{"sequence":77,"bytes":4096},"version":"0.1.0"})");
  http::Response bye = f.api.sign_out(made.request);
  EXPECT_EQ(bye.status, 204);
  EXPECT_THAT(header_of(bye, "Set-Cookie"), HasSubstr("Max-Age=0"));
  EXPECT_FALSE(f.api.authorise(made.request, "analyst"));
}

TEST(Live, StatsAndHistory) {
  CenterFixture f;
  f.suspicious("p1");
  EXPECT_THAT(f.live.stats_json(),
              HasSubstr(R"({"now":null,"history":[],"scores":{"counts":[7,0,1,0)"));
  for (int i = 0; i < 5; ++i) f.live.send_stats();
  std::string json = f.live.stats_json();
  EXPECT_TRUE(is_json(json));
  EXPECT_THAT(json, HasSubstr(R"("approve":5,"review":0,"decline":0,"queued":0,"alerts_open":1})"));
  EXPECT_THAT(json, HasSubstr(R"("approve":3,)"));
  EXPECT_THAT(json, Not(HasSubstr(R"("approve":2,)"))) << "history has its limit";
}

TEST(Live, PagesGetWhatChanged) {
  CenterFixture f;
  Who who = f.key_holder();
  std::vector<std::string> first, second;
  bool open = true;
  ASSERT_TRUE(f.live.join(who, [&](std::string_view data, std::string_view event) {
    first.push_back(std::string(event) + " " + std::string(data));
    return true;
  }));
  ASSERT_TRUE(f.live.join(who, [&](std::string_view, std::string_view event) {
    second.push_back(std::string(event));
    return open;
  }));
  EXPECT_FALSE(f.live.join(who, [](auto, auto) { return true; })) << "two pages at most";
  f.suspicious("p1");
  f.live.changed({{1}});
  f.live.changed({{1}});
  f.live.send_alerts();
  ASSERT_EQ(first.size(), 1u) << "two changes, one event";
  EXPECT_THAT(first[0], HasSubstr(R"(alert {"id":1,"state":"open")"));
  open = false;
  f.live.send_stats();
  EXPECT_EQ(f.live.pages(), 1u) << "the closed page is gone";
  EXPECT_EQ(first.size(), 2u);
  EXPECT_EQ(second.size(), 2u);
}

TEST(Live, AStormSendsTheNewest) {
  CenterFixture f;
  int sent = 0;
  Who who = f.key_holder();
  ASSERT_TRUE(f.live.join(who, [&](auto, auto) { return ++sent > 0; }));
  for (int i = 0; i < 20; ++i)
    f.suspicious("p" + std::to_string(i + 1), "card " + std::to_string(i));
  std::vector<int64_t> ids;
  for (int64_t id = 1; id <= 20; ++id) ids.push_back(id);
  f.live.changed(ids);
  f.live.send_alerts();
  EXPECT_EQ(sent, 5);
}

TEST(Live, AStreamEndsWithItsSession) {
  CenterFixture f;
  ASSERT_TRUE(f.accounts->create_user("maria", Role::analyst, "correct horse battery"));
  std::string token =
      token_of(sign_in(f, R"({"user":"maria","password":"correct horse battery"})"));
  ASSERT_TRUE(f.live.join(*f.accounts->by_session(token), [](auto, auto) { return true; }));
  f.live.send_stats();
  EXPECT_EQ(f.live.pages(), 1u);
  f.clock.advance(minutes(61));
  f.live.send_stats();
  EXPECT_EQ(f.live.pages(), 0u);
}

TEST(Live, AStreamEndsWithItsKey) {
  CenterFixture f;
  Who who = f.key_holder();
  ASSERT_TRUE(f.live.join(who, [](auto, auto) { return true; }));
  f.live.send_stats();
  EXPECT_EQ(f.live.pages(), 1u);
  ASSERT_TRUE(f.accounts->revoke_key(who.key));
  f.live.send_stats();
  EXPECT_EQ(f.live.pages(), 0u);
}

}  // namespace
}  // namespace paywarden
