#include "stream/topic_place.h"

#include <limits>

#include "base/byte_io.h"

namespace paywarden {
namespace {

constexpr uint8_t kVersion = 1;

}  // namespace

void encode_place(const TopicPlace& place, std::string& out) {
  ByteWriter w(out);
  w.u8(kVersion);
  w.i64(place.written.ms());
  w.text(place.topic);
  w.varint(place.next.size());
  for (auto [partition, next] : place.next) {
    w.varint(static_cast<uint64_t>(partition));
    w.varint(static_cast<uint64_t>(next));
  }
}

bool decode_place(std::string_view bytes, TopicPlace& out) {
  ByteReader r(bytes);
  if (r.u8() != kVersion) return false;
  out.written = EventTime(r.i64());
  out.topic = r.text();
  out.next.clear();
  for (uint64_t left = r.varint(); left > 0 && r.ok(); --left) {
    uint64_t partition = r.varint(), next = r.varint();
    if (partition > std::numeric_limits<int32_t>::max() ||
        next > std::numeric_limits<int64_t>::max())
      return false;
    out.next[static_cast<int32_t>(partition)] = static_cast<int64_t>(next);
  }
  return r.ok() && r.at_end();
}

}  // namespace paywarden
