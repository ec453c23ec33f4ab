// What is archived, as a port: decided payments in the order of their positions, from a log that others write.
//
//   DecidedVisitor use = [](const DecidedPayment& d) { ...; return true; };
//   TRY_ASSIGN(uint64_t next, source.read(from, source.end(), use));
//
// Positions rise by at least one from one decision to the next; they need not be without gaps, since other things stand in a log too.
// What stands at a position never changes. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace paywarden {

// Valid inside the visitor that got it.
struct DecidedPayment {
  uint64_t position = 0;
  std::string_view decision;  // JSON, as it was answered
  std::string_view payment;   // as it is recorded (payment/records.h)
};
using DecidedVisitor = std::function<bool(const DecidedPayment&)>;  // true: go on

class ArchiveSource {
 public:
  virtual ~ArchiveSource() = default;
  virtual uint64_t first() const = 0;  // the oldest position that is still held
  virtual uint64_t end() const = 0;    // behind the last durable position
  // Waits until there is something at `position`: true. False: the time is over.
  virtual bool wait_for(uint64_t position, Duration timeout) const = 0;
  // Visits the decisions at [from, to), up to the end or until the visitor answers false. Answers the position to go on from: behind the
  // last visited, or `to`, or the end. Error: not held, damaged.
  virtual Result<uint64_t> read(uint64_t from, uint64_t to, const DecidedVisitor& visit) const = 0;
};

}  // namespace paywarden
