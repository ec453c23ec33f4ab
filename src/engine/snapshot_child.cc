#include "engine/snapshot_child.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/background.h"

namespace paywarden {

bool SnapshotChild::start(Snapshots& snapshots, const Core& core, uint64_t sequence) {
  pid_ = fork();
  if (pid_ == 0) {
    // It holds nothing of the parent's open: neither the lock of the data directory nor connections.
    ::close_range(STDERR_FILENO + 1, ~0u, 0);
    work_in_background();
    _exit(snapshots.write(core, sequence) ? 0 : 1);
  }
  if (pid_ < 0) pid_ = 0;
  return pid_ != 0;
}

std::optional<bool> SnapshotChild::reap(bool wait) {
  if (pid_ == 0) return std::nullopt;
  int status = 0;
  if (waitpid(pid_, &status, wait ? 0 : WNOHANG) == 0) return std::nullopt;
  pid_ = 0;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void SnapshotChild::kill() {
  if (pid_ != 0) ::kill(pid_, SIGKILL);
}

}  // namespace paywarden
