// The state that belongs to one partition of the input, a pure function of the partition's records below `next`.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "engine/core.h"

namespace paywarden {

struct PartitionState {
  int32_t partition = 0;
  std::unique_ptr<Core> core;
  int64_t next = 0;  // offset of the record that comes next
  int64_t live_from =
      0;  // records below have their outcome already: they are replayed, and nothing is published
  int64_t committed = 0;  // what the group has committed, as far as known here
  uint64_t payments_since_snapshot = 0;

  // Of the restore under way, for people.
  std::chrono::steady_clock::time_point restore_begun;
  int64_t restored_from = 0;
  uint64_t restored_bytes = 0;
  int restore_told = 0;
  bool restoring = false;
  const char* source =
      "nothing";  // what was there at the start: nothing, snapshot, standby, parked

  // Whether it shows nothing that may be undone.
  bool clean() const { return next == committed || next <= live_from; }
};

}  // namespace paywarden
