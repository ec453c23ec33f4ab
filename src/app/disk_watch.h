// How much room is left where the data are, and whether it is too little.
//
//   DiskWatch disk(files, directory, disk_free_min, log);
//   switch (disk.look()) ...                  // every kEvery, by one thread
//   disk.free_bytes(); disk.full_hours();     // any thread
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

#include "base/files.h"
#include "base/operator_log.h"

namespace paywarden {

class DiskWatch {
 public:
  static constexpr std::chrono::seconds kEvery{5};
  DiskWatch(Files& files, const std::string& directory, uint64_t free_min, OperatorLog& log)
      : files_(files), directory_(directory), free_min_(free_min), log_(log) {}
  // True: less is free than there must be. Nothing: that cannot be known (and is said in the log).
  std::optional<bool> look();
  const std::atomic<uint64_t>& free_bytes() const { return free_; }
  // Until it is full at the rate of the last look; infinite where it does not fill.
  const std::atomic<double>& full_hours() const { return full_hours_; }

 private:
  Files& files_;
  const std::string directory_;
  const uint64_t free_min_;
  OperatorLog& log_;
  std::atomic<uint64_t> free_{0};
  std::atomic<double> full_hours_{0};
};

}  // namespace paywarden
