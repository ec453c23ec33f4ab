// Which payments were accepted: for answering a repeated one as before, and refusing another body
// under the same id (promise E5).
//
//   switch (seen.look(id, digest, sequence)) { case Sighting::fresh: ...; seen.add(id, digest,
//   sequence, watermark); }
//
// An id is remembered for at least `horizon` of event time and at most twice that: two tables, of
// which the elder is dropped as a whole when the younger is `horizon` old. Cost: 32 bytes a payment
// at a load of 3/8 to 3/4, so 43 to 86 bytes, in huge pages (system_memory.h). One thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/byte_io.h"
#include "base/chunked_writer.h"
#include "base/hash.h"
#include "base/system_memory.h"
#include "base/time.h"

namespace paywarden {

enum class Sighting : uint8_t { fresh, repeat, conflict };

class SeenPayments {
 public:
  explicit SeenPayments(Duration horizon) : horizon_(horizon) {}

  void prefetch(Hash128 id) const;
  // `sequence` is set to that of the accepted payment unless fresh.
  Sighting look(Hash128 id, Hash128 digest, uint64_t& sequence) const;
  // A fresh one. `watermark`: newest event time in the log.
  void add(Hash128 id, Hash128 digest, uint64_t sequence, EventTime watermark);

  size_t size() const { return tables_[0].used() + tables_[1].used(); }
  size_t bytes() const;
  uint64_t state_hash() const;
  void save(ChunkedWriter& out) const;
  bool load(ByteReader& in);

 private:
  // Half a cache line.
  struct Entry {
    Hash128 id;           // both words 0: free
    uint64_t digest = 0;  // of the digest: it is only compared with another one of the same id
    uint64_t sequence = 0;
  };
  static_assert(sizeof(Entry) == 32);
  // Cut into parts, so that growing one part does not stop the stream. A part that grows moves to the place that it has in memory of
  // the next size; memory that all parts have left goes back to the system.
  class Table {
   public:
    void prefetch(Hash128 id) const;
    const Entry* find(Hash128 id) const;
    void insert(const Entry& entry);
    size_t used() const { return used_; }
    size_t bytes() const;
    // Equal entries, equal sums.
    uint64_t sum() const { return sum_; }
    template <typename Fn>
    void for_each(Fn&& fn) const;

   private:
    static constexpr size_t kParts = 256;
    struct Part {
      Entry* entries = nullptr;
      size_t capacity = 0;
      size_t used = 0;
    };
    // One size that parts have: memory for all of them.
    struct Level {
      std::unique_ptr<SystemMemory> memory;
      size_t parts = 0;  // that are here
    };
    static size_t part_of(Hash128 id) { return id.high >> 56; }
    static size_t home(const Part& part, Hash128 id) { return id.low & (part.capacity - 1); }
    static void put(Part& part, const Entry& entry);
    void grow(size_t p);

    std::array<Part, kParts> parts_{};
    std::vector<Level> levels_;
    size_t used_ = 0;
    uint64_t sum_ = 0;
  };

  Duration horizon_;
  EventTime rotated_ = EventTime::min();  // watermark when the younger table began
  std::array<Table, 2> tables_;           // younger, elder
};

}  // namespace paywarden
