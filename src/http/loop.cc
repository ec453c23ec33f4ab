#include "http/loop.h"

#include "http/response_writer.h"

namespace paywarden::http {

int64_t Loop::now_ms() {
  auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

std::string_view Loop::date() {
  EventTime now = shared_.ports.clock.now();
  if (now.ms() / 1000 != date_second_) {
    date_second_ = now.ms() / 1000;
    date_ = http_date(now);
  }
  return date_;
}

}  // namespace paywarden::http
