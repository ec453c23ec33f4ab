// A run's report, for a person and for a program.
#include <fmt/format.h>

#include "base/json_writer.h"
#include "load_generator.h"

namespace paywarden {
namespace {

std::string line(const char* name, const LatencySummary& ms) {
  return fmt::format("{}  p50 {:.3f}  p90 {:.3f}  p99 {:.3f}  p99.9 {:.3f}  max {:.3f} ms\n", name,
                     ms.p50, ms.p90, ms.p99, ms.p999, ms.max);
}

void append(JsonWriter& json, const char* name, const LatencySummary& ms) {
  json.key(name).open_object().key("p50").number(ms.p50).key("p90").number(ms.p90);
  json.key("p99").number(ms.p99).key("p999").number(ms.p999).key("max").number(ms.max);
  json.close_object();
}

}  // namespace

std::string LoadReport::text() const {
  std::string out =
      fmt::format("{} payments in {:.1f} s: {} decided ({:.1f}/s), {} default answers\n", sent,
                  seconds, decided, achieved_rate(), default_answers);
  out += line("latency from the intended time", latency_ms);
  out += line("of that, waiting to be sent   ", send_lag_ms);
  for (const auto& [reason, count] : errors) out += fmt::format("error: {} x {}\n", reason, count);
  out += clean() ? "no errors\n" : "";
  return out;
}

std::string LoadReport::json() const {
  std::string out;
  JsonWriter json(out);
  json.open_object().key("sent").integer(static_cast<int64_t>(sent));
  json.key("decided").integer(static_cast<int64_t>(decided));
  json.key("default_answers").integer(static_cast<int64_t>(default_answers));
  json.key("errors").open_object();
  for (const auto& [reason, count] : errors) json.key(reason).integer(static_cast<int64_t>(count));
  json.close_object();
  json.key("seconds").number(seconds).key("achieved_rate").number(achieved_rate());
  append(json, "latency_ms", latency_ms);
  append(json, "send_lag_ms", send_lag_ms);
  json.close_object();
  return out + "\n";
}

}  // namespace paywarden
