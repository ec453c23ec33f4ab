#include "center/passwords.h"

#include <sodium.h>

#include "base/check.h"
#include "base/digest.h"

namespace paywarden {
namespace {

void ready() {
  static const int kReady = sodium_init();
  CHECK(kReady >= 0, "libsodium does not start");
}

}  // namespace

std::string hash_password(std::string_view password, const PasswordCost& cost) {
  ready();
  char out[crypto_pwhash_STRBYTES];
  int done = crypto_pwhash_str_alg(out, password.data(), password.size(), cost.passes,
                                   cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
  CHECK(done == 0, "no memory for a password's hash");
  return out;
}

bool verify_password(const std::string& stored, std::string_view password) {
  ready();
  return crypto_pwhash_str_verify(stored.c_str(), password.data(), password.size()) == 0;
}

std::string random_password() {
  constexpr std::string_view kLetters = "abcdefghijkmnpqrstuvwxyz23456789";  // without l, o, 0, 1
  static_assert(kLetters.size() == 32);
  std::string password;
  for (unsigned char byte : random_bytes(20)) password += kLetters[byte % 32];
  return password;
}

Duration Lockout::locked(const std::string& name, EventTime now) {
  std::lock_guard lock(mutex_);
  auto found = names_.find(name);
  if (found == names_.end() || found->second.locked_until <= now) return seconds(0);
  return found->second.locked_until - now;
}

// Old mistakes do not add up for ever: after a lock's length without one, counting starts anew.
void Lockout::wrong(const std::string& name, EventTime now) {
  std::lock_guard lock(mutex_);
  if (names_.size() >= options_.names_max && !names_.count(name)) forget_some(now);
  Watched& watched = names_[name];
  if (now - watched.last > options_.lock) watched.wrong = 0;
  watched.last = now;
  if (++watched.wrong < options_.wrong_max) return;
  watched.locked_until = now + options_.lock;
  watched.wrong = 0;
}

void Lockout::right(const std::string& name) {
  std::lock_guard lock(mutex_);
  names_.erase(name);
}

void Lockout::forget_some(EventTime now) {
  std::erase_if(names_, [&](const auto& entry) { return entry.second.locked_until <= now; });
  if (names_.size() >= options_.names_max)
    names_.erase(names_.begin());  // all are locked: an attack on made-up names
}

}  // namespace paywarden
