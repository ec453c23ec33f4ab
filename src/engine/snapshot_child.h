// Writes a snapshot in a forked child, where the state stands still while payments go on here.
//
//   SnapshotChild child;
//   if (child.start(snapshots, core, sequence)) ...           // false: no child could be made
//   if (auto done = child.reap(false)) count(*done);          // from time to time
//
// One thread.
#pragma once

#include <optional>

#include "engine/snapshots.h"

namespace paywarden {

class SnapshotChild {
 public:
  bool running() const { return pid_ != 0; }
  bool start(Snapshots& snapshots, const Core& core, uint64_t sequence);
  // Whether it ended well; nothing: there is none, or it still runs and `wait` is false.
  std::optional<bool> reap(bool wait);
  void kill();  // it may hang on a dead disk

 private:
  int pid_ = 0;
};

}  // namespace paywarden
