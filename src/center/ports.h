// What the notification center needs from the rest of the program; app/ hands it over.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "payment/label.h"

namespace paywarden {

// Where an analyst's word goes: into the payments log.
class LabelSink {
 public:
  virtual ~LabelSink() = default;
  // Calls `done` once, on any thread: with success when all labels are durable; with an error when
  // they are not and will not be (they are then given again). Must not block. Any thread.
  virtual void label(std::vector<Label> labels, std::function<void(Status)> done) = 0;
};

// How the engine does, over the last second.
struct StatsNow {
  EventTime time;
  double per_second = 0;
  // From a payment's arrival in the engine's queue to its durable decision, in this second.
  int64_t latency_us_p50 = 0, latency_us_p99 = 0, latency_us_p999 = 0;
  int64_t approve = 0, review = 0, decline = 0;  // in this second
  int64_t queued = 0;
};

class StatsSource {
 public:
  virtual ~StatsSource() = default;
  virtual StatsNow now() = 0;  // once a second, one thread
  virtual std::array<uint64_t, 50> scores()
      const = 0;  // decisions with a score in [i/50, (i+1)/50), since the start
  virtual uint64_t decided() const = 0;  // since the start
};

struct StatusReport {
  std::string mode = "decide";  // or "observe"
  std::string model;
  bool guard = false;  // the decline guard holds
  uint64_t journal_sequence = 0, journal_bytes = 0;
  std::string version;
};

class StatusSource {
 public:
  virtual ~StatusSource() = default;
  virtual StatusReport report() const = 0;  // any thread
};

// Masks what could be a PAN in text that a person typed.
using MaskText = std::function<std::string(std::string_view)>;

}  // namespace paywarden
