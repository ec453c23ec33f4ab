// Expected failures as values: what went wrong, where, and what the reader can do about it.
//
//   Result<Config> load(const std::string& path);
//   auto config = load(path);
//   if (!config) return tl::unexpected(config.error());
//   use(*config);
//
// Bugs are not expected failures: see check.h. No exception crosses a folder of src/.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace paywarden {

struct [[nodiscard]] Error {
  std::string what;  // "unknown key 'tresholds'"
  std::string
      where;  // "config/demo.toml:14", "journal-000000000000000001.pwj at byte 8192"; may be empty
  std::string remedy;   // "did you mean 'thresholds'?"; may be empty
  bool passes = false;  // by itself, mostly: worth another attempt

  // One line for a person: "config/demo.toml:14: unknown key 'tresholds'; did you mean
  // 'thresholds'?"
  std::string line() const {
    std::string text = where.empty() ? what : where + ": " + what;
    return remedy.empty() ? text : text + "; " + remedy;
  }
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = tl::expected<void, Error>;

inline tl::unexpected<Error> fail(std::string what, std::string where = {},
                                  std::string remedy = {}) {
  return tl::unexpected<Error>(Error{std::move(what), std::move(where), std::move(remedy)});
}

// Passes a failure on: TRY(journal.sync());  and  TRY_ASSIGN(auto file, files.open(path));
#define PAYWARDEN_CONCAT_(a, b) a##b
#define PAYWARDEN_CONCAT(a, b) PAYWARDEN_CONCAT_(a, b)
#define TRY(expression)                                                        \
  do {                                                                         \
    if (auto status_ = (expression); !status_)                                 \
      return ::tl::unexpected<::paywarden::Error>(std::move(status_.error())); \
  } while (false)
#define TRY_ASSIGN_(name, target, expression)                                      \
  auto name = (expression);                                                        \
  if (!name) return ::tl::unexpected<::paywarden::Error>(std::move(name.error())); \
  target = std::move(*name)
#define TRY_ASSIGN(target, expression) \
  TRY_ASSIGN_(PAYWARDEN_CONCAT(result_, __LINE__), target, expression)

}  // namespace paywarden
