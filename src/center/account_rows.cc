#include "center/account_rows.h"

namespace paywarden {
namespace {

using soci::into;
using soci::use;

template <typename Row>
std::vector<Row> fetch(soci::details::prepare_temp_type& prepared, const Row& row) {
  soci::statement statement(prepared);
  statement.execute();
  std::vector<Row> rows;
  while (statement.fetch()) rows.push_back(row);
  return rows;
}

bool changed_any(soci::details::prepare_temp_type& prepared) {
  soci::statement statement(prepared);
  statement.execute(true);
  return statement.get_affected_rows() > 0;
}

constexpr const char* kVersionName = "accounts_version";

}  // namespace

std::vector<UserRow> select_users(soci::session& sql) {
  UserRow r;
  auto prepared =
      (sql.prepare << "SELECT name, role, password_hash, created FROM users ORDER BY name",
       into(r.name), into(r.role), into(r.password_hash), into(r.created));
  return fetch(prepared, r);
}

std::vector<SessionRow> select_sessions(soci::session& sql) {
  SessionRow r;
  auto prepared = (sql.prepare << "SELECT token_sha256, user_name, created, used FROM sessions",
                   into(r.token_sha256), into(r.user), into(r.created), into(r.used));
  return fetch(prepared, r);
}

std::vector<KeyRow> select_keys(soci::session& sql) {
  KeyRow r;
  auto prepared =
      (sql.prepare << "SELECT id, name, role, secret_sha256, created, revoked FROM api_key "
                      "ORDER BY created, id",
       into(r.id), into(r.name), into(r.role), into(r.secret_sha256), into(r.created),
       into(r.revoked));
  return fetch(prepared, r);
}

void insert_user(soci::session& sql, const UserRow& r) {
  sql << "INSERT INTO users (name, role, password_hash, created) VALUES (:name, :role, :hash, "
         ":created)",
      use(r.name), use(r.role), use(r.password_hash), use(r.created);
}

bool update_password(soci::session& sql, const std::string& user, const std::string& hash) {
  auto prepared = (sql.prepare << "UPDATE users SET password_hash = :hash WHERE name = :name",
                   use(hash), use(user));
  return changed_any(prepared);
}

bool delete_user(soci::session& sql, const std::string& user) {
  delete_sessions_of(sql, user);
  auto prepared = (sql.prepare << "DELETE FROM users WHERE name = :name", use(user));
  return changed_any(prepared);
}

void insert_session(soci::session& sql, const SessionRow& r) {
  sql << "INSERT INTO sessions (token_sha256, user_name, created, used) VALUES (:token, :user, "
         ":created, :used)",
      use(r.token_sha256), use(r.user), use(r.created), use(r.used);
}

void update_session_used(soci::session& sql, const std::string& token_sha256, EventTime used) {
  long long at = used.ms();
  sql << "UPDATE sessions SET used = :used WHERE token_sha256 = :token", use(at), use(token_sha256);
}

void delete_session(soci::session& sql, const std::string& token_sha256) {
  sql << "DELETE FROM sessions WHERE token_sha256 = :token", use(token_sha256);
}

void delete_sessions_of(soci::session& sql, const std::string& user) {
  sql << "DELETE FROM sessions WHERE user_name = :user", use(user);
}

void delete_sessions_before(soci::session& sql, EventTime created, EventTime used) {
  long long created_ms = created.ms(), used_ms = used.ms();
  sql << "DELETE FROM sessions WHERE created < :created OR used < :used", use(created_ms),
      use(used_ms);
}

void insert_key(soci::session& sql, const KeyRow& r) {
  sql << "INSERT INTO api_key (id, name, role, secret_sha256, created, revoked) VALUES (:id, "
         ":name, :role, :secret, "
         ":created, :revoked)",
      use(r.id), use(r.name), use(r.role), use(r.secret_sha256), use(r.created), use(r.revoked);
}

bool revoke_key(soci::session& sql, const std::string& id, EventTime now) {
  long long at = now.ms();
  auto prepared = (sql.prepare << "UPDATE api_key SET revoked = :at WHERE id = :id AND revoked = 0",
                   use(at), use(id));
  return changed_any(prepared);
}

long long accounts_version(soci::session& sql) {
  std::string value, name = kVersionName;
  sql << "SELECT value FROM setting WHERE name = :name", use(name), into(value);
  return sql.got_data() ? std::stoll(value) : 0;
}

void bump_accounts_version(soci::session& sql) {
  std::string name = kVersionName, value = std::to_string(accounts_version(sql) + 1);
  sql << "INSERT INTO setting (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE "
         "SET value = "
         "excluded.value",
      use(name), use(value);
}

}  // namespace paywarden
