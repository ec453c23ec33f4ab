#include "center/accounts.h"

#include <gtest/gtest.h>

#include <fstream>
#include <future>

#include "center/center_test_kit.h"
#include "notify/store.h"
#include "notify/test_kit.h"

namespace paywarden {
namespace {

struct Fixture {
  Fixture() { reopen(); }
  void reopen() {
    accounts.reset();
    accounts = *Accounts::open(store->database(), options, clock);
  }
  SignIn sign_in(const std::string& user, const std::string& password) {
    std::promise<SignIn> promise;
    accounts->sign_in(user, password, [&](const SignIn& result) { promise.set_value(result); });
    return promise.get_future().get();
  }
  TemporaryFolder folder;
  ManualClock clock{FakeLog::kStart};
  std::unique_ptr<Store> store = *Store::open({.path = folder.file("center.db")});
  AccountsOptions options{.lockout = {}, .password_cost = kCheapest, .sessions_per_user_max = 3};
  std::unique_ptr<Accounts> accounts;
};

constexpr const char* kPassword = "correct horse battery";

TEST(Roles, WhoMayDoWhat) {
  // need:                 intake observer reader analyst admin
  const std::map<Role, std::string> kTable = {{Role::intake, "x----"},
                                              {Role::observer, "-x---"},
                                              {Role::reader, "-xx--"},
                                              {Role::analyst, "-xxx-"},
                                              {Role::admin, "xxxxx"}};
  for (const auto& [have, row] : kTable)
    for (size_t need = 0; need < kRoleNames.size(); ++need)
      EXPECT_EQ(allows(have, static_cast<Role>(need)), row[need] == 'x')
          << name_of(have) << " for " << kRoleNames[need];
}

TEST(Accounts, TheFirstStartMakesAnAdminOnce) {
  Fixture f;
  auto password = *f.accounts->ensure_admin();
  ASSERT_TRUE(password);
  EXPECT_GE(password->size(), 20u);
  EXPECT_FALSE(*f.accounts->ensure_admin());
  EXPECT_EQ(f.sign_in("admin", *password).outcome, SignIn::Outcome::welcome);
  f.reopen();
  EXPECT_FALSE(*f.accounts->ensure_admin());
}

TEST(Accounts, UsersThatAreRefused) {
  Fixture f;
  EXPECT_TRUE(f.accounts->create_user("maria", Role::analyst, kPassword));
  EXPECT_FALSE(f.accounts->create_user("maria", Role::analyst, kPassword)) << "there is one";
  EXPECT_FALSE(f.accounts->create_user("Maria", Role::analyst, kPassword));
  EXPECT_FALSE(f.accounts->create_user("", Role::analyst, kPassword));
  EXPECT_FALSE(f.accounts->create_user("a\r\nb", Role::analyst, kPassword));
  EXPECT_FALSE(f.accounts->create_user("tom", Role::analyst, "too short"));
  EXPECT_FALSE(f.accounts->create_user("tom", Role::intake, kPassword)) << "no role for people";
  EXPECT_FALSE(f.accounts->set_password("tom", kPassword)) << "no such user";
  EXPECT_EQ(f.accounts->users()->size(), 1u);
}

TEST(Accounts, NoSecretRests) {
  Fixture f;
  ASSERT_TRUE(f.accounts->create_user("maria", Role::analyst, kPassword));
  std::string token = f.sign_in("maria", kPassword).token;
  std::string key = f.accounts->create_key("shop", Role::intake)->text;
  f.accounts.reset();
  f.store.reset();
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(f.folder.file("x")).parent_path())) {
    std::ifstream file(entry.path());
    bytes += std::string(std::istreambuf_iterator<char>(file), {});
  }
  ASSERT_NE(bytes.find("maria"), std::string::npos) << "this reads the store";
  for (const std::string& secret : {std::string(kPassword), token, key.substr(16)})
    EXPECT_EQ(bytes.find(secret), std::string::npos);
}

TEST(Accounts, SessionsEnd) {
  Fixture f;
  ASSERT_TRUE(f.accounts->create_user("maria", Role::analyst, kPassword));
  std::string token = f.sign_in("maria", kPassword).token;
  auto who = f.accounts->by_session(token);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->name, "maria");
  EXPECT_EQ(who->role, Role::analyst);
  EXPECT_FALSE(f.accounts->by_session(token.substr(1) + "x"));
  EXPECT_FALSE(f.accounts->by_session(""));
  for (int hour = 0; hour < 14; ++hour) {
    f.clock.advance(minutes(50));
    EXPECT_TRUE(f.accounts->by_session(token)) << "used every 50 minutes";
  }
  f.clock.advance(minutes(19));
  EXPECT_TRUE(f.accounts->by_session(token));
  f.clock.advance(minutes(1));
  EXPECT_FALSE(f.accounts->by_session(token)) << "12 hours are over";

  token = f.sign_in("maria", kPassword).token;
  f.clock.advance(minutes(60));
  EXPECT_FALSE(f.accounts->by_session(token)) << "unused for 60 minutes";
}

TEST(Accounts, SessionsLiveThroughARestartAndNotThroughASignOut) {
  Fixture f;
  ASSERT_TRUE(f.accounts->create_user("maria", Role::analyst, kPassword));
  std::string token = f.sign_in("maria", kPassword).token,
              other = f.sign_in("maria", kPassword).token;
  f.clock.advance(minutes(50));
  ASSERT_TRUE(f.accounts->by_session(token));
  ASSERT_TRUE(f.accounts->maintain());
  f.reopen();
  f.clock.advance(minutes(50));
  EXPECT_TRUE(f.accounts->by_session(token)) << "its last use was stored";
  EXPECT_FALSE(f.accounts->by_session(other));
  auto who = f.accounts->by_session(token);
  ASSERT_TRUE(f.accounts->sign_out(who->session));
  EXPECT_FALSE(f.accounts->by_session(token));
  EXPECT_FALSE(f.accounts->lives(*who));
  f.reopen();
  EXPECT_FALSE(f.accounts->by_session(token));
}

TEST(Accounts, ANewPasswordOrNoUserEndsSessions) {
  Fixture f;
  ASSERT_TRUE(f.accounts->create_user("maria", Role::analyst, kPassword));
  std::string token = f.sign_in("maria", kPassword).token;
  ASSERT_TRUE(f.accounts->set_password("maria", "another good password"));
  EXPECT_FALSE(f.accounts->by_session(token));
  EXPECT_EQ(f.sign_in("maria", kPassword).outcome, SignIn::Outcome::wrong);
  token = f.sign_in("maria", "another good password").token;
  ASSERT_TRUE(f.accounts->by_session(token));
  ASSERT_TRUE(f.accounts->remove_user("maria"));
  EXPECT_FALSE(f.accounts->by_session(token));
  EXPECT_EQ(f.sign_in("maria", "another good password").outcome, SignIn::Outcome::wrong);
}

TEST(Accounts, OneMoreSessionThanAllowedEndsTheOldest) {
  Fixture f;
  ASSERT_TRUE(f.accounts->create_user("maria", Role::analyst, kPassword));
  std::vector<std::string> tokens;
  for (int i = 0; i < 4; ++i) {
    tokens.push_back(f.sign_in("maria", kPassword).token);
    f.clock.advance(seconds(1));
  }
  EXPECT_FALSE(f.accounts->by_session(tokens[0]));
  for (int i = 1; i < 4; ++i) EXPECT_TRUE(f.accounts->by_session(tokens[static_cast<size_t>(i)]));
}

TEST(Accounts, FiveWrongPasswordsLockForAMinute) {
  Fixture f;
  ASSERT_TRUE(f.accounts->create_user("maria", Role::analyst, kPassword));
  for (std::string user : {"maria", "nobody"}) {
    for (int i = 0; i < 5; ++i)
      EXPECT_EQ(f.sign_in(user, "wrong password").outcome, SignIn::Outcome::wrong);
    SignIn locked = f.sign_in(user, kPassword);
    EXPECT_EQ(locked.outcome, SignIn::Outcome::locked)
        << "even with the right one; and no matter whether it exists";
    EXPECT_EQ(locked.retry_after, seconds(60));
  }
  f.clock.advance(seconds(60));
  EXPECT_EQ(f.sign_in("maria", kPassword).outcome, SignIn::Outcome::welcome);
  for (int i = 0; i < 4; ++i) f.sign_in("maria", "wrong password");
  EXPECT_EQ(f.sign_in("maria", kPassword).outcome, SignIn::Outcome::welcome);
  for (int i = 0; i < 4; ++i) f.sign_in("maria", "wrong password");
  EXPECT_EQ(f.sign_in("maria", kPassword).outcome, SignIn::Outcome::welcome)
      << "the right one starts the count anew";
}

TEST(Lockout, RemembersNoMoreThanItMay) {
  Lockout lockout({.names_max = 10});
  EventTime now = FakeLog::kStart;
  for (int i = 0; i < 5; ++i) lockout.wrong("victim", now);
  for (int i = 0; i < 1000; ++i) lockout.wrong("made-up-" + std::to_string(i), now);
  EXPECT_GT(lockout.locked("victim", now), seconds(0));
}

TEST(Accounts, ApiKeys) {
  Fixture f;
  NewKey key = *f.accounts->create_key("shop", Role::intake);
  EXPECT_EQ(key.text.size(), 3u + 12 + 1 + 64);
  EXPECT_TRUE(key.text.starts_with("pw_" + key.id + "_"));
  auto who = f.accounts->by_key(key.text);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->name, "key:shop");
  EXPECT_EQ(who->role, Role::intake);
  EXPECT_TRUE(who->session.empty());
  for (size_t i = 0; i < key.text.size(); ++i) {
    std::string other = key.text;
    other[i] = other[i] == 'a' ? 'b' : 'a';
    EXPECT_FALSE(f.accounts->by_key(other)) << "changed at " << i;
  }
  for (const std::string& bad :
       {std::string(), key.text.substr(1), key.text + "0", std::string(80, '_')})
    EXPECT_FALSE(f.accounts->by_key(bad));
  f.reopen();
  EXPECT_TRUE(f.accounts->by_key(key.text));
  ASSERT_TRUE(f.accounts->revoke_key(key.id));
  EXPECT_FALSE(f.accounts->by_key(key.text));
  EXPECT_FALSE(f.accounts->revoke_key(key.id)) << "revoked already";
  auto keys = *f.accounts->keys();
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_TRUE(keys[0].revoked);
}

TEST(Accounts, AnotherProcessRevokesAKey) {
  Fixture f;
  NewKey key = *f.accounts->create_key("shop", Role::intake);
  auto other_store = *Store::open({.path = f.folder.file("center.db")});
  auto command_line = *Accounts::open(other_store->database(), f.options, f.clock);
  NewKey second = *command_line->create_key("till", Role::intake);
  ASSERT_TRUE(command_line->revoke_key(key.id));
  ASSERT_TRUE(f.accounts->maintain());
  EXPECT_FALSE(f.accounts->by_key(key.text));
  EXPECT_TRUE(f.accounts->by_key(second.text));
}

TEST(Accounts, AFloodOfSignInsIsRefusedQuickly) {
  Fixture f;
  f.options.password_cost = {.passes = 20, .memory_bytes = 1 << 20};
  f.options.sign_ins_queued_max = 2;
  f.reopen();
  std::atomic<int> answered{0}, busy{0};
  for (int i = 0; i < 50; ++i)
    f.accounts->sign_in("user" + std::to_string(i), kPassword, [&](const SignIn& result) {
      busy += result.outcome == SignIn::Outcome::busy;
      ++answered;
    });
  f.accounts.reset();  // finishes what is queued
  EXPECT_EQ(answered, 50);
  EXPECT_GT(busy, 20);
}

}  // namespace
}  // namespace paywarden
