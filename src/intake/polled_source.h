// Payments from an API that is asked every few seconds: it may be slow, down, or answer rubbish,
// and it repeats itself.
//
//   PolledSource source(options, schema, tokeniser, parser_options, http, clock, rejects, log,
//                       [&](const Payment& p) { return engine_takes(p); });
//   source.start();      // a thread that polls until stop()
//   source.counts();     // any thread
//
// The answer is a table in split orientation (split_table.h). After a failure it waits longer each
// time, with jitter so that many pollers do not come back at once; what was wrong is counted and
// logged, and it goes on.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>

#include "base/clock.h"
#include "base/operator_log.h"
#include "base/random.h"
#include "intake/http_get.h"
#include "intake/payment_parser.h"
#include "intake/rejects.h"
#include "intake/split_table.h"

namespace paywarden {

struct PolledSourceOptions {
  std::string name = "api";  // stands in logs, metrics and rejects: "polled:api"
  std::string time_column =
      "current_time";               // epoch ms, taken as the event time; empty: the schema's own
  Duration interval = seconds(10);  // from the end of one poll to the next
  Duration backoff_first = seconds(1);  // after one failure; doubles with each further one ...
  Duration backoff_max =
      minutes(5);       // ... up to this: a server that comes back is found soon enough
  double jitter = 0.5;  // a wait is between (1 - jitter) and 1 times its length
  size_t body_bytes_max = 4 * 1024 * 1024;  // as HttpGetOptions: what is behind it is not parsed
  uint64_t seed = 1;                        // of the jitter
};

// What became of a payment that was handed over.
enum class PollVerdict : uint8_t {
  accepted,
  repeated,  // its id is known: normal with a polled source
  refused,   // not now (queues full): the row comes again with a later poll, or does not
};

// With `why` where it will never be taken.
struct PollAnswer {
  PollAnswer(PollVerdict v, std::optional<Rejection> no = {}) : verdict(v), why(std::move(no)) {}
  PollVerdict verdict;
  std::optional<Rejection> why;
};

// A polled API brings the same rows again and again: as many different rejects are remembered, and
// kept once each.
inline constexpr size_t kPolledRejectsRemembered = 10'000;

struct PolledCounts {
  uint64_t polls = 0;
  uint64_t unreachable = 0;  // no answer: refused, timed out, too long
  uint64_t bad_status = 0;   // an answer other than 200
  uint64_t bad_body = 0;     // no table, or one without the columns that are needed
  uint64_t rows = 0;
  uint64_t accepted = 0;
  uint64_t repeated = 0;
  uint64_t refused = 0;
  uint64_t rejected =
      0;  // rows that are no payments, or can never be taken; they are in the rejects
};

class PolledSource {
 public:
  using Take = std::function<PollAnswer(const Payment&)>;

  // The references must outlive the source. `take` is called by the polling thread.
  PolledSource(PolledSourceOptions options, const Schema& schema, const Tokeniser& tokeniser,
               const ParserOptions& parser, HttpGet& http, Clock& clock, RejectSink& rejects,
               OperatorLog& log, Take take);
  ~PolledSource();

  void start();
  void stop();  // ends the wait, or the request under way, at once
  PolledCounts counts() const;

  // One poll, by the thread of start() or, without it, by a test; true when the answer was a table.
  bool poll_once();
  // How long to wait after it.
  Duration next_wait();

 private:
  Status take_answer(const HttpReply& reply);
  void take_row(const ColumnMap& columns, std::span<const RawValue> row, uint64_t line);
  void reject(uint64_t line, const Rejection& rejection);
  void failed(uint64_t PolledCounts::*count, const Error& error);
  void count(uint64_t PolledCounts::*which);
  void run();

  const PolledSourceOptions options_;
  const std::string source_name_;
  const Schema schema_;
  PaymentParser parser_;
  SplitTable table_;
  HttpGet& http_;
  Clock& clock_;
  RejectSink& rejects_;
  OperatorLog& log_;
  const Take take_;
  Random random_;
  Payment payment_;
  unsigned failures_ = 0;                  // in a row
  std::unordered_set<uint64_t> rejected_;  // hashes
  mutable std::mutex mutex_;               // of what follows
  PolledCounts counts_;
  bool stopped_ = false;
  std::condition_variable stop_signal_;
  std::thread thread_;
};

}  // namespace paywarden
