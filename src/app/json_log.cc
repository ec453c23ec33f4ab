#include "app/json_log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/clock.h"
#include "base/json_writer.h"

namespace paywarden {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

JsonLog::JsonLog(LogLevel least)
    : logger_(std::make_shared<spdlog::logger>("paywarden",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  logger_->set_pattern("%v");
  logger_->set_level(level_of(least));
  logger_->flush_on(spdlog::level::info);
}

JsonLog::~JsonLog() = default;

void JsonLog::write(LogLevel level, std::string_view event,
                    std::initializer_list<LogField> fields) {
  std::string line;
  JsonWriter json(line);
  auto name = spdlog::level::to_string_view(level_of(level));
  json.open_object().key("time").string(format_rfc3339(SystemClock().now()));
  json.key("level").string({name.data(), name.size()}).key("event").string(event);
  for (const LogField& field : fields) json.key(field.name).string(field.value);
  json.close_object();
  logger_->log(level_of(level), line);
}

}  // namespace paywarden
