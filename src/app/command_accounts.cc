// `paywarden key create|list|revoke` and `paywarden user add|password`: who may use the program's routes.
#include <fmt/format.h>

#include "app/commands.h"
#include "app/setup.h"
#include "base/files.h"
#include "center/accounts.h"
#include "intake/pan.h"
#include "notify/store.h"

namespace paywarden {
namespace {

struct Opened {
  std::unique_ptr<Config> config;
  SystemClock clock;
  std::unique_ptr<Store> store;
  std::unique_ptr<Accounts> accounts;
};

Status open(Opened& opened, const std::string& config) {
  TRY_ASSIGN(opened.config, load_config(config));
  PosixFiles files;
  TRY(files.make_directory(opened.config->data_directory));
  TRY_ASSIGN(opened.store, Store::open({.path = opened.config->data_directory + "/center.db"}));
  TRY_ASSIGN(opened.accounts, Accounts::open(opened.store->database(), {}, opened.clock));
  return {};
}

Result<Role> role_named(const std::string& name) {
  if (auto role = role_of(name)) return *role;
  return fail("there is no role '" + name + "'", {},
              "it is intake, observer, reader, analyst or admin");
}

// A name stands in logs and lists for ever.
Status check_no_card(const std::string& name) {
  if (find_pans(name).empty()) return {};
  return fail("the name '" + mask_pans(name) + "' holds a card number", {},
              "choose a name that says who uses it");
}

}  // namespace

Status run_key_create(const AccountCommand& command) {
  Opened opened;
  TRY(open(opened, command.config));
  TRY(check_no_card(command.name));
  TRY_ASSIGN(Role role, role_named(command.role));
  TRY_ASSIGN(NewKey key, opened.accounts->create_key(command.name, role));
  fmt::print("{}\n", key.text);
  return {};
}

Status run_key_list(const AccountCommand& command) {
  Opened opened;
  TRY(open(opened, command.config));
  TRY_ASSIGN(auto keys, opened.accounts->keys());
  for (const KeyInfo& key : keys)
    fmt::print("{}  {:<10} {:<32} made {}{}\n", key.id, name_of(key.role), key.name,
               format_rfc3339(key.created),
               key.revoked ? ", revoked " + format_rfc3339(*key.revoked) : "");
  return {};
}

Status run_key_revoke(const AccountCommand& command) {
  Opened opened;
  TRY(open(opened, command.config));
  return opened.accounts->revoke_key(command.id);
}

Status run_user_add(const AccountCommand& command) {
  Opened opened;
  TRY(open(opened, command.config));
  TRY(check_no_card(command.name));
  TRY_ASSIGN(Role role, role_named(command.role));
  TRY_ASSIGN(std::string password, read_secret_file(command.password_file, "the password file"));
  return opened.accounts->create_user(command.name, role, password);
}

Status run_user_password(const AccountCommand& command) {
  Opened opened;
  TRY(open(opened, command.config));
  TRY_ASSIGN(std::string password, read_secret_file(command.password_file, "the password file"));
  return opened.accounts->set_password(command.name, password);
}

}  // namespace paywarden
