// Users with passwords, their sessions, and API keys: who someone is, answered from memory.
//
//   auto accounts = Accounts::open(store.database(), options, clock);
//   if (auto password = *accounts->ensure_admin()) print_once(*password);      // the first start
//   auto key = *accounts->create_key("shop", Role::intake);                    // key.text is shown
//   once std::optional<Who> who = accounts->by_key("pw_1f2e3d4c5b6a_...");          // below 1 us,
//   any thread accounts->sign_in("maria", password, [](SignIn result) { ... });           // on the
//   sign-in thread accounts->maintain();                                                      //
//   about once a second
//
// At rest: Argon2id of passwords, SHA-256 of session tokens and key secrets (both random, 256 bits:
// no salt needed). Any thread. Changes made by another process (the command line) count from the
// next maintain() on.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/bounded_queue.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "center/passwords.h"
#include "center/roles.h"

namespace soci {
class session;
}

namespace paywarden {

class Database;

struct AccountsOptions {
  Duration session_max = hours(12);         // a shift
  Duration session_idle_max = minutes(60);  // without a request
  LockoutOptions lockout;
  PasswordCost password_cost;
  size_t password_bytes_min =
      12;  // NIST SP 800-63B asks for 8 or more, and for no rules of letters
  size_t password_bytes_max = 1024;   // Argon2 would take more; nobody types it
  size_t sign_ins_queued_max = 32;    // wait for the one sign-in thread: two seconds' worth
  size_t sessions_per_user_max = 20;  // the oldest ends when one more signs in
  Duration used_stored_every =
      minutes(1);  // the last use of a session is written so often: a crash forgets less
};

struct Who {
  std::string name;  // the user, or "key:NAME"
  Role role = Role::reader;
  std::string session = {};  // SHA-256 of the session's token; empty for keys
  std::string key = {};      // the key's id; empty for sessions
};

struct SignIn {
  enum class Outcome { welcome, wrong, locked, busy, failed };
  Outcome outcome = Outcome::wrong;
  std::string token = {};             // welcome: the cookie's value
  Duration retry_after = seconds(0);  // locked, busy
  Error error = {};                   // failed: the store's
};

struct UserInfo {
  std::string name;
  Role role;
  EventTime created;
};
struct KeyInfo {
  std::string id, name;
  Role role;
  EventTime created;
  std::optional<EventTime> revoked;
};
struct NewKey {
  std::string id;
  std::string text;  // "pw_<id>_<secret>"; not kept
};

class Accounts {
 public:
  static Result<std::unique_ptr<Accounts>> open(Database& database, AccountsOptions options,
                                                Clock& clock);
  ~Accounts();  // waits for the sign-in under way

  // Makes the user `admin` where there is no user at all; answers its password, the only time.
  Result<std::optional<std::string>> ensure_admin();
  Status create_user(const std::string& name, Role role,
                     const std::string& password);  // takes tens of ms
  Status set_password(const std::string& name,
                      const std::string& password);  // ends the user's sessions
  Status remove_user(const std::string& name);
  Result<std::vector<UserInfo>> users() const;

  Result<NewKey> create_key(const std::string& name, Role role);
  Status revoke_key(const std::string& id);
  Result<std::vector<KeyInfo>> keys() const;

  // Nothing: unknown, wrong, revoked, ended.
  std::optional<Who> by_key(std::string_view text) const;
  std::optional<Who> by_session(std::string_view token);  // counts as a use
  bool lives(const Who& who) const;  // still signed in or not revoked, in the same role; is no use

  // `done` runs once, at once when it is locked or busy, else on the sign-in thread.
  void sign_in(const std::string& user, const std::string& password,
               std::function<void(SignIn)> done);
  Status sign_out(const std::string& session);

  Status maintain();

 private:
  struct Key {
    std::string name;
    Sha256 secret_sha256;
    Role role;
  };
  struct Session {
    std::string user;
    Role role;
    EventTime created;
    std::atomic<int64_t> used;
    int64_t used_stored;
    Session(std::string name, Role its_role, EventTime made, int64_t last_used)
        : user(std::move(name)),
          role(its_role),
          created(made),
          used(last_used),
          used_stored(last_used) {}
  };
  struct User {
    Role role;
    std::string password_hash;
    EventTime created;
  };
  struct Attempt {
    std::string user, password;
    std::function<void(SignIn)> done;
  };

  Accounts(Database& database, AccountsOptions options, Clock& clock);
  Status reload();
  Status change(const std::function<Status(soci::session&)>& work);
  void run();
  SignIn verify(const Attempt& attempt);
  SignIn welcome(const std::string& user);
  std::string session_too_many(const std::string& user) const;
  bool lives(const Session& session, EventTime now) const;
  Status check_new(const std::string& name, const std::string& password) const;
  Status store_uses();

  Database& database_;
  const AccountsOptions options_;
  Clock& clock_;
  Lockout lockout_;
  std::string
      nobody_;  // a hash that is compared where the user does not exist: the same time is spent

  mutable std::shared_mutex mutex_;  // guards what follows
  std::unordered_map<std::string, User> users_;
  std::unordered_map<std::string, Key> keys_;  // by id
  std::unordered_map<std::string, std::unique_ptr<Session>>
      sessions_;  // by SHA-256 of the token, hex
  long long version_ = -1;
  EventTime uses_stored_ = EventTime::min();

  BoundedQueue<Attempt> attempts_;
  std::thread thread_;
};

}  // namespace paywarden
