// What a process has used of processors so far, user and system time, in all and by its threads.
#pragma once

#include <time.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace paywarden::kafka_bench {

struct ProcessorUse {
  double all_ns = 0;
  double client_ns = 0;  // librdkafka's own threads

  // Pid 0: this process. All zero where there is no such process.
  static ProcessorUse of(int pid) {
    ProcessorUse out;
    clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
    timespec used{};
    if (pid != 0 && clock_getcpuclockid(pid, &clock) != 0) return out;
    clock_gettime(clock, &used);
    out.all_ns = static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
    std::error_code none;
    std::string process = pid == 0 ? "self" : std::to_string(pid);
    for (const auto& thread :
         std::filesystem::directory_iterator("/proc/" + process + "/task", none)) {
      std::string name;
      std::getline(std::ifstream(thread.path() / "comm") >> std::ws, name);
      double ns = 0;
      std::ifstream(thread.path() / "schedstat") >> ns;
      if (name.starts_with("rdk:")) out.client_ns += ns;
    }
    return out;
  }
};

// Between the first commit and the last.
struct Span {
  double seconds = 0;
  uint64_t payments = 0;
  ProcessorUse begin, end;
  std::string text() const;
};

}  // namespace paywarden::kafka_bench
