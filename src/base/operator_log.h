// What the engineer on duty reads: one event a line. A port, so that nothing below app/ knows where
// the lines go.
//
//   log.write(LogLevel::warning, "webhook_failed", {{"url", host}, {"status", "503"}, {"retry_in",
//   "30s"}});
//
// Never pass a PAN, a secret, or a raw payment: values go to disk as they are.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace paywarden {

enum class LogLevel { debug, info, warning, error };

struct LogField {
  std::string_view name;
  std::string value;
};

class OperatorLog {
 public:
  virtual ~OperatorLog() = default;
  // `event` is a fixed snake_case word. Any thread.
  virtual void write(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) = 0;
};

class SilentLog : public OperatorLog {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

}  // namespace paywarden
