// Users, keys and sessions: the store's rows, and the copy in memory that answers.
#include "center/accounts.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <mutex>

#include "base/check.h"
#include "center/account_rows.h"
#include "notify/database.h"

namespace paywarden {
namespace {

constexpr size_t kKeyIdLetters = 12;      // 48 random bits: an id, no secret
constexpr size_t kKeySecretLetters = 64;  // 256 random bits
constexpr std::string_view kKeyPrefix = "pw_";
constexpr size_t kNameBytesMax = 64;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::islower(c) || std::isdigit(c) || c == '.' || c == '_' || c == '-';
         });
}

Status check_name(const std::string& name) {
  if (is_name(name)) return {};
  return fail("'" + name.substr(0, kNameBytesMax) + "' is no name", {},
              "use 1 to 64 of a-z, 0-9, '.', '_' and '-'");
}

// What is no digest becomes one that no key has.
Sha256 digest_of(const std::string& hex) {
  Sha256 out{};
  auto bytes = from_hex(hex);
  if (bytes && bytes->size() == out.size()) std::memcpy(out.data(), bytes->data(), out.size());
  return out;
}

std::string_view bytes_of(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

Result<std::unique_ptr<Accounts>> Accounts::open(Database& database, AccountsOptions options,
                                                 Clock& clock) {
  std::unique_ptr<Accounts> accounts(new Accounts(database, options, clock));
  TRY(accounts->reload());
  accounts->thread_ = std::thread([self = accounts.get()] { self->run(); });
  return accounts;
}

Accounts::Accounts(Database& database, AccountsOptions options, Clock& clock)
    : database_(database),
      options_(options),
      clock_(clock),
      lockout_(options.lockout),
      nobody_(hash_password(random_password(), options.password_cost)),
      attempts_(options.sign_ins_queued_max) {}

Accounts::~Accounts() {
  attempts_.close();
  if (thread_.joinable()) thread_.join();
}

// --- changes
// -----------------------------------------------------------------------------------------------------

Status Accounts::change(const std::function<Status(soci::session&)>& work) {
  TRY(database_.write([&](soci::session& sql) -> Status {
    Status done = work(sql);
    if (done) bump_accounts_version(sql);
    return done;
  }));
  return reload();
}

// Makes memory equal to the tables; sessions keep the last use that only memory knows.
Status Accounts::reload() {
  std::vector<UserRow> users;
  std::vector<KeyRow> keys;
  std::vector<SessionRow> sessions;
  long long version = 0;
  TRY(database_.read([&](soci::session& sql) -> Status {
    version = accounts_version(sql);
    users = select_users(sql);
    keys = select_keys(sql);
    sessions = select_sessions(sql);
    return {};
  }));
  std::unique_lock lock(mutex_);
  version_ = version;
  users_.clear();
  for (const UserRow& row : users)
    users_[row.name] = {role_of(row.role).value_or(Role::analyst), row.password_hash,
                        EventTime(row.created)};
  keys_.clear();
  for (const KeyRow& row : keys)
    if (auto role = role_of(row.role); role && !row.revoked)
      keys_[row.id] = {row.name, digest_of(row.secret_sha256), *role};
  auto before = std::move(sessions_);
  sessions_.clear();
  for (const SessionRow& row : sessions) {
    auto user = users_.find(row.user);
    if (user == users_.end()) continue;
    auto known = before.find(row.token_sha256);
    int64_t used =
        known == before.end() ? row.used : std::max<int64_t>(row.used, known->second->used);
    sessions_[row.token_sha256] =
        std::make_unique<Session>(row.user, user->second.role, EventTime(row.created), used);
  }
  return {};
}

Result<std::optional<std::string>> Accounts::ensure_admin() {
  {
    std::shared_lock lock(mutex_);
    if (!users_.empty()) return std::nullopt;
  }
  std::string password = random_password();
  TRY(create_user("admin", Role::admin, password));
  return password;
}

Status Accounts::check_new(const std::string& name, const std::string& password) const {
  TRY(check_name(name));
  if (password.size() < options_.password_bytes_min)
    return fail("the password is too short", {},
                "use at least " + std::to_string(options_.password_bytes_min) + " characters");
  if (password.size() > options_.password_bytes_max)
    return fail("the password is too long", {},
                "use at most " + std::to_string(options_.password_bytes_max) + " bytes");
  return {};
}

Status Accounts::create_user(const std::string& name, Role role, const std::string& password) {
  TRY(check_new(name, password));
  if (!is_for_people(role))
    return fail("users are analyst or admin, not " + std::string(name_of(role)), {},
                "make an API key for a program");
  {
    std::shared_lock lock(mutex_);
    if (users_.count(name))
      return fail("there is a user '" + name + "' already", {}, "choose another name");
  }
  UserRow row{name, std::string(name_of(role)), hash_password(password, options_.password_cost),
              clock_.now().ms()};
  return change([&](soci::session& sql) -> Status {
    insert_user(sql, row);
    return {};
  });
}

Status Accounts::set_password(const std::string& name, const std::string& password) {
  TRY(check_new(name, password));
  std::string hash = hash_password(password, options_.password_cost);
  return change([&](soci::session& sql) -> Status {
    delete_sessions_of(sql, name);
    if (!update_password(sql, name, hash)) return fail("there is no user '" + name + "'");
    return {};
  });
}

Status Accounts::remove_user(const std::string& name) {
  return change([&](soci::session& sql) -> Status {
    if (!delete_user(sql, name)) return fail("there is no user '" + name + "'");
    return {};
  });
}

Result<std::vector<UserInfo>> Accounts::users() const {
  std::vector<UserInfo> all;
  TRY(database_.read([&](soci::session& sql) -> Status {
    for (const UserRow& row : select_users(sql))
      all.push_back({row.name, role_of(row.role).value_or(Role::analyst), EventTime(row.created)});
    return {};
  }));
  return all;
}

Result<NewKey> Accounts::create_key(const std::string& name, Role role) {
  TRY(check_name(name));
  NewKey key{to_hex(random_bytes(kKeyIdLetters / 2)), {}};
  std::string secret = to_hex(random_bytes(kKeySecretLetters / 2));
  key.text = std::string(kKeyPrefix) + key.id + '_' + secret;
  KeyRow row{key.id, name, std::string(name_of(role)), sha256_hex(secret), clock_.now().ms(), 0};
  TRY(change([&](soci::session& sql) -> Status {
    insert_key(sql, row);
    return {};
  }));
  return key;
}

Status Accounts::revoke_key(const std::string& id) {
  return change([&](soci::session& sql) -> Status {
    if (!paywarden::revoke_key(sql, id, clock_.now()))
      return fail("there is no valid key '" + id + "'");
    return {};
  });
}

Result<std::vector<KeyInfo>> Accounts::keys() const {
  std::vector<KeyInfo> all;
  TRY(database_.read([&](soci::session& sql) -> Status {
    for (const KeyRow& row : select_keys(sql))
      all.push_back({row.id, row.name, role_of(row.role).value_or(Role::observer),
                     EventTime(row.created),
                     row.revoked ? std::optional(EventTime(row.revoked)) : std::nullopt});
    return {};
  }));
  return all;
}

// --- who it is
// ---------------------------------------------------------------------------------------------------

std::optional<Who> Accounts::by_key(std::string_view text) const {
  constexpr size_t kLetters = kKeyPrefix.size() + kKeyIdLetters + 1 + kKeySecretLetters;
  if (text.size() != kLetters || !text.starts_with(kKeyPrefix)) return std::nullopt;
  if (text[kKeyPrefix.size() + kKeyIdLetters] != '_') return std::nullopt;
  Sha256 presented = sha256(text.substr(kLetters - kKeySecretLetters));
  std::string id(text.substr(kKeyPrefix.size(), kKeyIdLetters));
  std::shared_lock lock(mutex_);
  auto key = keys_.find(id);
  if (key == keys_.end() ||
      !equal_in_constant_time(bytes_of(presented), bytes_of(key->second.secret_sha256)))
    return std::nullopt;
  return Who{"key:" + key->second.name, key->second.role, {}, std::move(id)};
}

bool Accounts::lives(const Session& session, EventTime now) const {
  return now < session.created + options_.session_max &&
         now < EventTime(session.used) + options_.session_idle_max;
}

std::optional<Who> Accounts::by_session(std::string_view token) {
  if (token.size() != kKeySecretLetters) return std::nullopt;
  std::string hash = sha256_hex(token);
  EventTime now = clock_.now();
  std::shared_lock lock(mutex_);
  auto found = sessions_.find(hash);
  if (found == sessions_.end() || !lives(*found->second, now)) return std::nullopt;
  found->second->used = now.ms();
  return Who{found->second->user, found->second->role, std::move(hash)};
}

bool Accounts::lives(const Who& who) const {
  std::shared_lock lock(mutex_);
  if (!who.key.empty()) {
    auto key = keys_.find(who.key);
    return key != keys_.end() && key->second.role == who.role;
  }
  auto found = sessions_.find(who.session);
  return found != sessions_.end() && found->second->role == who.role &&
         lives(*found->second, clock_.now());
}

// --- signing in
// --------------------------------------------------------------------------------------------------

void Accounts::sign_in(const std::string& user, const std::string& password,
                       std::function<void(SignIn)> done) {
  // What no user can be named, and what is no password, is not worth a minute of Argon2 nor a place
  // in the lockout.
  if (!is_name(user) || password.size() > options_.password_bytes_max)
    return done({SignIn::Outcome::wrong});
  Duration locked = lockout_.locked(user, clock_.now());
  if (locked > seconds(0)) return done({SignIn::Outcome::locked, {}, locked});
  Attempt attempt{user, password, done};
  if (!attempts_.try_push(std::move(attempt))) done({SignIn::Outcome::busy, {}, seconds(2)});
}

void Accounts::run() {
  std::vector<Attempt> batch;
  while (attempts_.pop_all(batch, 1)) {
    for (Attempt& attempt : batch) attempt.done(verify(attempt));
    batch.clear();
  }
}

SignIn Accounts::verify(const Attempt& attempt) {
  Duration locked =
      lockout_.locked(attempt.user, clock_.now());  // by those that were in line before
  if (locked > seconds(0)) return {SignIn::Outcome::locked, {}, locked};
  std::string stored = nobody_;
  bool known = false;
  {
    std::shared_lock lock(mutex_);
    if (auto found = users_.find(attempt.user); found != users_.end()) {
      stored = found->second.password_hash;
      known = true;
    }
  }
  if (!verify_password(stored, attempt.password) || !known) {
    lockout_.wrong(attempt.user, clock_.now());
    return {SignIn::Outcome::wrong};
  }
  lockout_.right(attempt.user);
  return welcome(attempt.user);
}

SignIn Accounts::welcome(const std::string& user) {
  std::string token = to_hex(random_bytes(kKeySecretLetters / 2));
  int64_t now = clock_.now().ms();
  SessionRow row{sha256_hex(token), user, now, now};
  std::string too_many = session_too_many(user);
  Status stored = database_.write([&](soci::session& sql) -> Status {
    if (!too_many.empty()) delete_session(sql, too_many);
    insert_session(sql, row);
    return {};
  });
  if (!stored) return {SignIn::Outcome::failed, {}, seconds(0), stored.error()};
  std::unique_lock lock(mutex_);
  auto found = users_.find(user);
  if (found == users_.end()) return {SignIn::Outcome::wrong};  // removed this moment
  sessions_.erase(too_many);
  sessions_[row.token_sha256] =
      std::make_unique<Session>(user, found->second.role, EventTime(now), now);
  return {SignIn::Outcome::welcome, token};
}

// The session that must end for one more of `user`; empty: none.
std::string Accounts::session_too_many(const std::string& user) const {
  std::shared_lock lock(mutex_);
  size_t count = 0;
  std::string oldest;
  EventTime since = EventTime::max();
  for (const auto& [hash, session] : sessions_) {
    if (session->user != user) continue;
    ++count;
    if (session->created < since) {
      since = session->created;
      oldest = hash;
    }
  }
  return count >= options_.sessions_per_user_max ? oldest : std::string();
}

Status Accounts::sign_out(const std::string& session) {
  {
    std::unique_lock lock(mutex_);
    sessions_.erase(session);
  }
  return database_.write([&](soci::session& sql) -> Status {
    delete_session(sql, session);
    return {};
  });
}

// --- housekeeping
// ------------------------------------------------------------------------------------------------

Status Accounts::maintain() {
  long long version = 0;
  TRY(database_.read([&](soci::session& sql) -> Status {
    version = accounts_version(sql);
    return {};
  }));
  bool changed = false;
  {
    std::shared_lock lock(mutex_);
    changed = version != version_;
  }
  if (changed) TRY(reload());
  if (clock_.now() - uses_stored_ < options_.used_stored_every) return {};
  uses_stored_ = clock_.now();
  return store_uses();
}

// Writes the last uses that only memory knows, and forgets sessions that have ended.
Status Accounts::store_uses() {
  EventTime now = clock_.now();
  std::vector<std::pair<std::string, int64_t>> uses;
  {
    std::unique_lock lock(mutex_);
    std::erase_if(sessions_, [&](const auto& entry) { return !lives(*entry.second, now); });
    for (auto& [hash, session] : sessions_) {
      if (session->used == session->used_stored) continue;
      session->used_stored = session->used;
      uses.push_back({hash, session->used_stored});
    }
  }
  return database_.write([&](soci::session& sql) -> Status {
    for (const auto& [hash, used] : uses) update_session_used(sql, hash, EventTime(used));
    delete_sessions_before(sql, now - options_.session_max, now - options_.session_idle_max);
    return {};
  });
}

}  // namespace paywarden
