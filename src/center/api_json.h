// The JSON of docs/center-api.md: what the page is answered. (Summary: notify/alert.h.)
#pragma once

#include <string>

#include "center/ports.h"
#include "notify/store.h"

namespace paywarden {

std::string json_of(const AlertPage& page);
std::string json_of(const Alert& alert);
std::string json_of(const std::vector<Delivery>& deliveries);
std::string json_of(const StatusReport& status);
void append_json(const StatsNow& now, int64_t alerts_open, std::string& out);

}  // namespace paywarden
