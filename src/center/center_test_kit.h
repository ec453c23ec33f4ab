// For tests of center/: an API over a store in memory, with a fake rest of the program, and
// requests in one line.
//
//   CenterFixture f;
//   f.suspicious("p1");                                        // an alert
//   auto answer = f.ask("GET", "/api/alerts", Role::analyst);  // through routes' table of
//   handlers, without a server
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "center/api.h"
#include "notify/alerting.h"
#include "notify/test_kit.h"

namespace paywarden {

inline constexpr PasswordCost kCheapest{1, 8192};  // libsodium's least: tests sign in often

struct FakeSink : LabelSink {
  void label(std::vector<Label> labels, std::function<void(Status)> done) override {
    if (hold) {
      std::lock_guard lock(mutex);
      held.push_back([this, labels, done] { take(labels, done); });
      return;
    }
    take(labels, done);
  }
  void take(const std::vector<Label>& labels, const std::function<void(Status)>& done) {
    if (broken) return done(fail("the log is away"));
    {
      std::lock_guard lock(mutex);
      given.insert(given.end(), labels.begin(), labels.end());
    }
    done({});
  }
  void release() {
    std::vector<std::function<void()>> jobs;
    {
      std::lock_guard lock(mutex);
      jobs.swap(held);
    }
    for (auto& job : jobs) job();
  }
  std::string text() {  // "p1=1 p2=0", in the order of the log
    std::lock_guard lock(mutex);
    std::string out;
    for (const Label& label : given)
      out += (out.empty() ? "" : " ") + label.payment_id + "=" + (label.is_fraud ? "1" : "0");
    return out;
  }
  std::mutex mutex;
  std::vector<Label> given;
  std::vector<std::function<void()>> held;
  std::atomic<bool> broken{false}, hold{false};
};

struct FakeStats : StatsSource {
  StatsNow now() override {
    StatsNow stats;
    stats.per_second = 412;
    stats.latency_us_p50 = 900;
    stats.approve = ++calls;
    return stats;
  }
  std::array<uint64_t, 50> scores() const override { return {7, 0, 1}; }
  uint64_t decided() const override { return 123456; }
  int calls = 0;
};

struct FakeStatus : StatusSource {
  StatusReport report() const override { return {"observe", "m-1", true, 77, 4096, "0.1.0"}; }
};

// Memory that a Request's views point into.
struct OwnedRequest {
  http::Request request;
  std::vector<std::string> kept;

  std::string_view keep(std::string text) {
    kept.push_back(std::move(text));
    return kept.back();
  }
  OwnedRequest() { kept.reserve(64); }
};

struct CenterFixture {
  CenterFixture() {
    log.both("p0", {.card = "C0", .at = days(-400)}, Outcome::approve);
    feed();
  }
  ~CenterFixture() { workers.stop(); }
  void feed() {
    auto records = log.from(resume);
    CHECK(alerting.apply(records), "the alert is made");
    resume = log.end();
  }
  void suspicious(const std::string& id, const std::string& card = "C1", Duration at = seconds(0)) {
    log.both(id, {.card = card, .at = at, .amount_minor = 91'240}, Outcome::decline, 0.97f);
    feed();
  }
  OwnedRequest request(http::Method method, const std::string& body = "",
                       const std::string& query = "") {
    OwnedRequest made;
    made.request.method = method;
    made.request.body = made.keep(body);
    made.request.query = made.keep(query);
    return made;
  }
  Who key_holder() {
    auto key = accounts->create_key("wall", Role::analyst);
    CHECK(key, "the key is made");
    return accounts->by_key(key->text).value();
  }
  void sign(OwnedRequest& made, Role role, const std::string& user = "maria",
            const std::string& session = "s") {
    auto caller = std::make_shared<Caller>();
    caller->name = user;
    caller->role = name_of(role);
    caller->who = {user, role, session};
    made.request.principal = caller;
  }
  http::Response verdict(int64_t id, const std::string& body, const std::string& user = "maria") {
    OwnedRequest made = request(http::Method::post, body);
    made.request.params = {{"id", made.keep(std::to_string(id))}};
    sign(made, Role::analyst, user);
    std::mutex mutex;
    std::condition_variable answered;
    std::optional<http::Response> answer;
    api.give_verdict(made.request, [&](http::Response response) {
      std::lock_guard lock(mutex);
      answer = std::move(response);
      answered.notify_one();
    });
    std::unique_lock lock(mutex);
    answered.wait_for(lock, std::chrono::seconds(10), [&] { return answer.has_value(); });
    CHECK(answer, "no answer within 10 s");
    return *answer;
  }

  TemporaryFolder folder;
  FakeLog log;
  ManualClock clock{FakeLog::kStart};
  SilentLog silent;
  std::unique_ptr<Store> store = *Store::open({.path = folder.file("center.db")});
  Alerting alerting{
      *store, log.fields(), {.channels = {{.name = "email"}}}, {clock, silent, {}, {}}};
  uint64_t resume = *alerting.start();
  std::unique_ptr<Accounts> accounts =
      *Accounts::open(store->database(), {.lockout = {}, .password_cost = kCheapest}, clock);
  FakeSink sink;
  FakeStats stats;
  FakeStatus status;
  Workers workers{{.threads = 1}};
  Labelling labelling{*store, sink, workers, silent};
  Live live{*store, *accounts, stats, {.history_max = 3, .pages_max = 2, .changed_max = 5},
            clock,  silent};
  Api api{*store,
          *accounts,
          labelling,
          live,
          status,
          [](std::string_view text) {
            return text == "4111111111111111" ? std::string("411111******1111") : std::string(text);
          },
          clock};
};

}  // namespace paywarden
