#include "app/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace paywarden {
namespace {

std::string rate_text(double per_second) {
  if (per_second >= 1e6) return fmt::format("{:.2f} M/s", per_second / 1e6);
  if (per_second >= 1e4) return fmt::format("{:.0f} k/s", per_second / 1e3);
  return fmt::format("{:.0f}/s", per_second);
}

}  // namespace

Progress::Progress(std::string what)
    : what_(std::move(what)),
      terminal_(isatty(2)),
      started_(std::chrono::steady_clock::now()),
      shown_(started_) {}

double Progress::seconds_since(SteadyTime then) const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

void Progress::show(uint64_t rows, double part) {
  if (seconds_since(shown_) < (terminal_ ? 0.2 : 10.0)) return;
  shown_ = std::chrono::steady_clock::now();
  double spent = seconds_since(started_);
  std::string left = part > 0.01 && part <= 1 ? fmt::format(", {:.0f} %, {:.0f} s left", part * 100,
                                                            spent / part - spent)
                                              : "";
  fmt::print(stderr, "{}{}: {} rows, {}{}{}", terminal_ ? "\r\033[K" : "", what_, rows,
             rate_text(static_cast<double>(rows) / spent), left, terminal_ ? "" : "\n");
  std::fflush(stderr);
  line_open_ = terminal_;
}

void Progress::show(const FileProgress& files) {
  auto whole = static_cast<double>(files.bytes_total);
  show(files.rows, files.bytes_total ? static_cast<double>(files.bytes_read) / whole : 0);
}

void Progress::finish(uint64_t rows) {
  double spent = seconds_since(started_);
  fmt::print(stderr, "{}{}: {} rows in {:.1f} s, {}\n", line_open_ ? "\r\033[K" : "", what_, rows,
             spent, rate_text(static_cast<double>(rows) / (spent > 0 ? spent : 1)));
  line_open_ = false;
}

void Progress::say(const std::string& text) {
  fmt::print(stderr, "{}{}: {}\n", line_open_ ? "\r\033[K" : "", what_, text);
  line_open_ = false;
}

}  // namespace paywarden
