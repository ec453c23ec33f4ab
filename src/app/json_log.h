// The operator's log as JSON lines on standard error, through spdlog's thread-safe sink: {"time","level","event", fields...}.
#pragma once

#include <memory>

#include "base/operator_log.h"

namespace spdlog {
class logger;
}

namespace paywarden {

class JsonLog : public OperatorLog {
 public:
  explicit JsonLog(LogLevel least = LogLevel::info);
  ~JsonLog() override;
  void write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override;

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace paywarden
