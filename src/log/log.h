// The log as a port: what happened, in one order, for ever (until retention). Everything else
// consumes it.
//
//   TRY_ASSIGN(uint64_t first, log.append(records));          // durable when it answers
//   RecordVisitor use = [](const RecordView& record) { ...; return true; };
//   while (log.wait_for(cursor, milliseconds(200)))           // a consumer that tails
//     TRY_ASSIGN(cursor, log.read(cursor, use));
//   TRY_ASSIGN(auto found, log.find(hash64(payment_id)));     // sequences, newest first
//   TRY_ASSIGN(Record record, log.record(found.front()));
//
// Sequences count records from 1 and have no gaps. append() is for one thread; all else is for any
// thread, at any time.
#pragma once

#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "log/record.h"

namespace paywarden {

// True: go on.
using RecordVisitor = std::function<bool(const RecordView&)>;

class Log {
 public:
  virtual ~Log() = default;

  // Writes the records as one group (there is all of it or nothing after a crash) and answers the
  // sequence of its first one, once all are durable. After an error that `usable()` denies, nothing
  // more can be appended: whether the group is there is known only after the next start, so
  // acknowledge nothing and exit.
  virtual Result<uint64_t> append(std::span<const RecordToWrite> records) = 0;
  virtual bool usable() const = 0;

  virtual uint64_t first_sequence() const = 0;
  // The sequence after the last durable record.
  virtual uint64_t durable_end() const = 0;
  // Waits until the record `sequence` is durable: true. False: the time is over.
  virtual bool wait_for(uint64_t sequence, Duration timeout) const = 0;

  // Visits the durable records from `from` on, in order, up to the end or until the visitor answers
  // false. Answers the sequence to go on from: the one after the last visited. Error: `from` is
  // dropped or beyond the end; damage.
  virtual Result<uint64_t> read(uint64_t from, const RecordVisitor& visit) const = 0;
  virtual Result<Record> record(uint64_t sequence) const = 0;
  // The newest `count_max` sequences that were written with this key, newest first. Keys are
  // hashes: look whether the record is the one you meant.
  virtual Result<std::vector<uint64_t>> find(uint64_t lookup_key, size_t count_max) const = 0;
  Result<std::vector<uint64_t>> find(uint64_t lookup_key) const {
    return find(lookup_key, std::numeric_limits<size_t>::max());
  }

  // Retention: forgets records before `sequence`, as far as whole segments allow; answers the new
  // first_sequence().
  virtual Result<uint64_t> drop_before(uint64_t sequence) = 0;
};

}  // namespace paywarden
