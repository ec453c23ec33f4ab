// Passwords as hashes (Argon2id through libsodium), and how many wrong ones a user gets.
//
//   std::string stored = hash_password("correct horse battery", cost);
//   verify_password(stored, "correct horse battery")   // tens of ms and 64 MiB: never on a thread
//   that serves others
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"

namespace paywarden {

// Argon2id's cost. The default is libsodium's "interactive": 2 passes over 64 MiB (RFC 9106 asks
// for no less where 2 GiB are too much, with 3 passes; one sign-in then takes some 60 ms here).
struct PasswordCost {
  unsigned long long passes = 2;
  size_t memory_bytes = 64 * 1024 * 1024;
};

std::string hash_password(std::string_view password, const PasswordCost& cost);
bool verify_password(const std::string& stored, std::string_view password);
// 20 characters of 32 (100 bits), none that look alike.
std::string random_password();

struct LockoutOptions {
  int wrong_max = 5;  // then the user is locked
  Duration lock =
      seconds(60);  // 5 guesses a minute are 2.6 million a year: nothing against 12 characters
  size_t names_max =
      10'000;  // names watched at a time; beyond, those that are not locked are forgotten
};

// Counts wrong passwords by user name, known or not: an answer must not tell which names exist. Any
// thread.
class Lockout {
 public:
  explicit Lockout(const LockoutOptions& options) : options_(options) {}
  // How long `name` is still locked; 0: it is not.
  Duration locked(const std::string& name, EventTime now);
  void wrong(const std::string& name, EventTime now);
  void right(const std::string& name);

 private:
  struct Watched {
    int wrong = 0;
    EventTime last;  // of the wrong ones
    EventTime locked_until;
  };
  void forget_some(EventTime now);
  const LockoutOptions options_;
  std::mutex mutex_;
  std::unordered_map<std::string, Watched> names_;
};

}  // namespace paywarden
