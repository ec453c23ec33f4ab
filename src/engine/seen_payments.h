// Which payments were accepted: for answering a repeated one as before, and refusing another body
// under the same id (promise E5).
//
//   switch (seen.look(id, digest, sequence)) { case Sighting::fresh: ...; seen.add(id, digest,
//   sequence, watermark); }
//
// An id is remembered for at least `horizon` of event time and at most twice that: two tables, of
// which the elder is forgotten as a whole when the younger is `horizon` old; its memory serves the next. Cost: known_ids.h. One thread.
#pragma once

#include <array>
#include <cstdint>

#include "base/byte_io.h"
#include "base/chunked_writer.h"
#include "base/hash.h"
#include "base/time.h"
#include "engine/known_ids.h"

namespace paywarden {

enum class Sighting : uint8_t { fresh, repeat, conflict };

class SeenPayments {
 public:
  explicit SeenPayments(Duration horizon) : horizon_(horizon) {}

  // Asks for what look() and add() touch; of use some payments before them.
  void prefetch(Hash128 id);
  // `digest`: body_digest(). `sequence` is set to that of the accepted payment unless fresh.
  Sighting look(Hash128 id, uint64_t digest, uint64_t& sequence) const;
  // A fresh one. `watermark`: newest event time in the log.
  void add(Hash128 id, uint64_t digest, uint64_t sequence, EventTime watermark);

  // What is known here, to be added to elsewhere.
  SeenPayments copy() const;

  size_t size() const { return tables_[0].used() + tables_[1].used(); }
  size_t bytes() const;
  uint64_t state_hash() const;
  void save(ChunkedWriter& out) const;
  bool load(ByteReader& in);

 private:
  Duration horizon_;
  EventTime rotated_ = EventTime::min();  // watermark when the younger table began
  std::array<KnownIds, 2> tables_;        // younger, elder
  std::array<KnownIds::Key, 16> asked_;   // the last ones of prefetch()
  size_t asked_next_ = 0;
};

}  // namespace paywarden
