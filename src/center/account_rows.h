// Users, sessions and API keys as rows. Only for .cc files of this folder.
#pragma once

#include <soci/soci.h>

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "center/roles.h"

namespace paywarden {

struct UserRow {
  std::string name, role, password_hash;
  long long created = 0;
};
struct SessionRow {
  std::string token_sha256;  // hex
  std::string user;
  long long created = 0, used = 0;
};
struct KeyRow {
  std::string id, name, role, secret_sha256;  // hex
  long long created = 0, revoked = 0;         // revoked 0: valid
};

std::vector<UserRow> select_users(soci::session& sql);
std::vector<SessionRow> select_sessions(soci::session& sql);
std::vector<KeyRow> select_keys(soci::session& sql);

void insert_user(soci::session& sql, const UserRow& row);
bool update_password(soci::session& sql, const std::string& user, const std::string& hash);
bool delete_user(soci::session& sql, const std::string& user);  // with its sessions
void insert_session(soci::session& sql, const SessionRow& row);
void update_session_used(soci::session& sql, const std::string& token_sha256, EventTime used);
void delete_session(soci::session& sql, const std::string& token_sha256);
void delete_sessions_of(soci::session& sql, const std::string& user);
void delete_sessions_before(soci::session& sql, EventTime created, EventTime used);
void insert_key(soci::session& sql, const KeyRow& row);
bool revoke_key(soci::session& sql, const std::string& id, EventTime now);

// Counts every change of users and keys, so that another process sees that there was one.
long long accounts_version(soci::session& sql);
void bump_accounts_version(soci::session& sql);

}  // namespace paywarden
