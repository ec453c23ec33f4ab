// A change at run time of what decides payments, as an event in the payments log: who changed what,
// why, and the content whole, so that a replay changes the same at the same place.
//
//   Change change{ChangeKind::rules, "fraud.rules", text, "maria", "card testing on Friday", now};
//   TRY(policy.validate(change));
//   encode_change(change, bytes);                 // into the log
//   TRY(policy.apply(change));
//   Result<Change> back = decode_change(bytes);   // fails where the content's hash does not match
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/result.h"
#include "base/time.h"

namespace paywarden {

// The numbers stand in logs: never reuse one.
enum class ChangeKind : uint8_t {
  // name: the bundle's; content: what the engine needs to find it. The engine applies it.
  model = 1,
  thresholds = 2,      // content: "review=0.5 decline=0.9"
  rules = 3,           // name: the file's, for messages; content: the text, whole
  list_add = 4,        // name: the list's; content: one entry a line
  list_remove = 5,     // the same
  list_replace = 6,    // the same; makes the list where there is none
  list_drop = 7,       // name: the list's
  mode = 8,            // content: "decide" or "observe"
  guard_reset = 9,     // the decline guard lets go and counts anew
  guard_engaged = 10,  // a note that the guard engaged; applying it changes nothing
  // content: "USD=0.92 JPY=0.0061", a unit's worth in the base currency. The engine applies it.
  rates = 11,
};
std::string_view name_of(ChangeKind kind);  // "list_add"
std::optional<ChangeKind> change_kind_of(std::string_view name);

struct Change {
  ChangeKind kind = ChangeKind::rules;
  std::string name;
  std::string content;
  std::string author;    // a user of the center, "config", "paywarden"
  std::string reason;    // in the author's words
  EventTime event_time;  // when it was made; for people, decides nothing

  Sha256 content_hash() const { return sha256(content); }
};

struct ChangeLimits {
  size_t name_bytes_max = 256;     // a path, or a list's name
  size_t author_bytes_max = 128;   // as a label's source
  size_t reason_bytes_max = 1024;  // a paragraph
  // A list of a million entries; below the log's largest record.
  size_t content_bytes_max = 64 << 20;
};

// Lengths, control characters, card numbers; not what the content means.
Status check_change(const Change& change, const ChangeLimits& limits = {});

// Format 1, little-endian: version u8 | kind u8 | event_time i64 | name text | author text | reason
// text | SHA-256 of the content, 32 bytes | content text.
void encode_change(const Change& change, std::string& out);
Result<Change> decode_change(std::string_view bytes);

}  // namespace paywarden
