// For threads whose work may wait: beside others on a full machine they get a third of a usual thread's share.
//
//   thread_ = std::thread([this] { work_in_background(); run(); });
#pragma once

namespace paywarden {

// The calling thread alone, for good. A real-time class that the program was started in is left too: else such a
// thread keeps a processor from the kernel's own threads, for which an fsync waits.
void work_in_background();

}  // namespace paywarden
