// Where a copy of a topic stands: the record that ends each group of its journal (RecordKind::place), written with what was copied.
//
//   encode_place({clock.now(), "paywarden.decisions", {{0, 17}, {1, 4}}}, bytes);
//   TopicPlace place;
//   if (!decode_place(bytes, place)) ...
//
// Format 1, little-endian: version u8 | when it was written i64 (ms) | topic text | partitions varint, then for each: partition
// varint, offset of the next record varint.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "kafka/producer.h"

namespace paywarden {

struct TopicPlace {
  EventTime written;
  std::string topic;
  Positions next;
};
void encode_place(const TopicPlace& place, std::string& out);
bool decode_place(std::string_view bytes, TopicPlace& out);

}  // namespace paywarden
