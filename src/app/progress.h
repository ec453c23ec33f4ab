// Progress of long work on the terminal: rows, rate, time left; one line that is written over, or a line each 10 s where
// the output is not a terminal.
//
//   Progress progress("replay");
//   progress.show(rows, part_done);   // as often as you like
//   progress.finish(rows);
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "intake/file_source.h"

namespace paywarden {

class Progress {
 public:
  explicit Progress(std::string what);
  // `part`: 0..1 of the work is done; 0: unknown.
  void show(uint64_t rows, double part);
  void show(const FileProgress& files);
  void finish(uint64_t rows);
  void say(const std::string& text);  // a line of its own

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  double seconds_since(SteadyTime then) const;
  std::string what_;
  bool terminal_;
  SteadyTime started_, shown_;
  bool line_open_ = false;
};

}  // namespace paywarden
