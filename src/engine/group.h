// The records of one group on their way from the owner thread to the log, with the replies that
// wait for them.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "engine/work.h"
#include "log/record.h"

namespace paywarden {

struct GroupRecord {
  RecordKind kind;
  size_t offset, length;  // in OutgoingGroup::bytes
  uint64_t lookup_key;
};

struct PendingReply {
  std::unique_ptr<ReplyTo> to;
  Answer::Kind kind;
  uint64_t sequence =
      0;  // of the record that the answer is about; for repeated and conflict: the earlier payment
  size_t json_offset = 0, json_length = 0;  // decided: in OutgoingGroup::bytes
  std::string payment_id;  // payments: for the log's note that the caller got the default outcome
  Error error;             // refused
  std::chrono::steady_clock::time_point arrived;
};

struct OutgoingGroup {
  uint64_t first_sequence = 0;
  std::string bytes;
  std::vector<GroupRecord> records;
  std::vector<PendingReply> replies;

  void clear() {
    bytes.clear();
    records.clear();
    replies.clear();
  }
};

}  // namespace paywarden
