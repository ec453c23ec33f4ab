// CHECK(condition, "message"): a bug, not bad input. On in release builds; prints the place and
// aborts, so that recovery from the journal, and not a half-broken state, decides what is true.
#pragma once

namespace paywarden {
[[noreturn]] void check_failed(const char* condition, const char* message, const char* file,
                               int line);
}  // namespace paywarden

#define CHECK(condition, message)                                         \
  do {                                                                    \
    if (__builtin_expect(!(condition), 0))                                \
      ::paywarden::check_failed(#condition, message, __FILE__, __LINE__); \
  } while (false)
