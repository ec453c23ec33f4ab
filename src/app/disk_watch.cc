#include "app/disk_watch.h"

#include <limits>

namespace paywarden {

std::optional<bool> DiskWatch::look() {
  auto free = files_.free_bytes(directory_);
  if (!free) {
    log_.write(LogLevel::error, "disk_unknown", {{"error", free.error().line()}});
    return std::nullopt;
  }
  uint64_t before = free_.exchange(*free);
  double per_hour = static_cast<double>(before > *free ? before - *free : 0) * 3600 /
                    std::chrono::duration<double>(kEvery).count();
  full_hours_ = per_hour > 0 ? static_cast<double>(*free) / per_hour
                             : std::numeric_limits<double>::infinity();
  return *free < free_min_;
}

}  // namespace paywarden
