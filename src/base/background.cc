#include "base/background.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

namespace paywarden {
namespace {

constexpr int kNiceSteps = 5;  // each is a fifth less of the processor (sched(7))

}  // namespace

void work_in_background() {
  sched_param usual{};
  ::sched_setscheduler(0, SCHED_OTHER, &usual);
  // Linux keeps it for each thread, against POSIX (setpriority(2)).
  auto self = static_cast<id_t>(::gettid());
  errno = 0;
  int now = ::getpriority(PRIO_PROCESS, self);
  if (errno == 0) ::setpriority(PRIO_PROCESS, self, now + kNiceSteps);
}

}  // namespace paywarden
