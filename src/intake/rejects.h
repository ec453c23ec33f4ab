// Where inputs go that did not become payments: counted by reason, and kept for whoever has to mend
// the sender.
//
//   auto rejects = Rejects::open({"var/rejects.ndjson"}, clock);
//   rejects->add({"http", 0, rejection});
//   rejects->counts()[size_t(RejectReason::pan_luhn)]
//
// One JSON object a line: {"time","source","line","field","reason","rule","value","raw"}; card
// numbers are masked in all of them. The file is cut at bytes_max: it becomes F.1, F.1 becomes F.2,
// and the oldest goes. A disk that is full stops nothing: what could not be written is counted.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "intake/rejection.h"

namespace paywarden {

struct RejectedInput {
  std::string_view source;  // "http", "polled:NAME", the path of a file
  uint64_t line = 0;        // 0: the source has no lines
  const Rejection& rejection;
};

// One JSON object, no line end.
void append_json(const RejectedInput& input, EventTime now, std::string& out);

class RejectSink {
 public:
  virtual ~RejectSink() = default;
  virtual void add(const RejectedInput& input) = 0;  // any thread
};

struct RejectsOptions {
  std::string path;
  uint64_t bytes_max =
      64ull << 20;         // of one file: some 100,000 rejects, still opened by any editor
  unsigned files_max = 4;  // with the one that is written: 256 MiB of disk at most
};

// The first input that was rejected for a reason, and how many there were.
struct FirstReject {
  RejectReason reason;
  uint64_t count = 0;
  std::string line;  // "a.csv:17: amount: is negative (value '-3')"
};

using RejectCounts = std::array<uint64_t, kRejectReasons>;

class Rejects : public RejectSink {
 public:
  static Result<std::unique_ptr<Rejects>> open(RejectsOptions options, Clock& clock);
  ~Rejects() override;
  void add(const RejectedInput& input) override;
  RejectCounts counts() const;  // since the start, by reason; any thread
  // The reasons that occurred, the most frequent first.
  std::vector<FirstReject> firsts() const;
  const std::string& path() const { return options_.path; }
  uint64_t write_failures() const { return write_failures_.load(std::memory_order_relaxed); }

 private:
  Rejects(RejectsOptions options, Clock& clock) : options_(std::move(options)), clock_(clock) {}
  bool reopen();
  void rotate();
  void write(std::string_view line);

  const RejectsOptions options_;
  Clock& clock_;
  std::array<std::atomic<uint64_t>, kRejectReasons> counts_{};
  std::atomic<uint64_t> write_failures_ = 0;
  mutable std::mutex mutex_;  // of what follows
  std::array<std::string, kRejectReasons> firsts_;
  int fd_ = -1;
  uint64_t bytes_ = 0;
};

}  // namespace paywarden
