// What a worker does with the records of a partition: the one part that differs between the stages of a payment's way.
//
//   Status done = stage.process(state, records, &outcomes);      // null: replay, nothing is published
//
// One thread. The result depends on the state and the records alone.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "decision/shadow_counts.h"
#include "stream/outcomes.h"
#include "stream/partition_state.h"

namespace paywarden {

struct InputRecord {
  int64_t offset;
  EventTime timestamp;
  std::string_view value;
};

// Read by any thread.
struct StageFigures {
  std::array<std::atomic<uint64_t>, 3> outcomes{};  // by Outcome
  std::atomic<uint64_t> forwarded{0}, repeats{0}, conflicts{0}, rejects{0}, labels{0},
      labels_waiting{0}, replayed{0};
  ShadowCounts shadow;
};

// For a stage: the payment that a label is about, where only its id is known, as it stands in the input at this
// offset; empty: it is not there any more.
using FindPayment = std::function<Result<std::string>(int32_t partition, int64_t offset)>;

class Stage {
 public:
  virtual ~Stage() = default;
  // Without state a partition is taken over at its committed offset, with nothing to restore.
  virtual bool has_state() const { return true; }
  // An error: the records from state.next on are not processed, what stands before them is.
  virtual Status process(PartitionState& state, std::span<const InputRecord> records,
                         Outcomes* out) = 0;
};

}  // namespace paywarden
