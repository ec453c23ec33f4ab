// The unit of a log: some bytes, what kind of thing they are, and a key to find them by. This
// folder does not look inside.
//
//   RecordToWrite write{RecordKind::payment, bytes, hash64(payment_id)};
//   log.read(from, [&](const RecordView& record) { use(record.kind, record.bytes); return true; });
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace paywarden {

// The numbers stand in files: never change one, only add.
enum class RecordKind : uint8_t {
  payment = 1,
  decision = 2,
  label = 3,
  change = 4,
  answered = 5,
  place = 6,  // of a copy in what it copies
};

struct RecordToWrite {
  RecordKind kind;
  std::string_view bytes;
  // Finds the record again, with others that have the same key (several records may share one). 0:
  // cannot be found.
  uint64_t lookup_key = 0;
};

// Valid inside the visitor that got it.
struct RecordView {
  uint64_t sequence;
  RecordKind kind;
  std::string_view bytes;
  uint64_t lookup_key;
};

struct Record {
  uint64_t sequence;
  RecordKind kind;
  std::string bytes;
};

}  // namespace paywarden
