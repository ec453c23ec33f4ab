// What stages hand to each other through a topic: a payment, PAN-free, with the features that were computed so far, or a label
// with its payment.
//
//   encode_stage_payment({feature_hash, reply}, payment_bytes, carried, out);
//   StageRecord record;
//   if (!decode_stage_record(value, record)) ...
//
// Format 2, little-endian: version u8 | kind u8 (1 payment, 2 label) | hash of the feature declarations u64 | reply text |
// payment (payment/records.h) text, values: varint n, n x f32, approximate: varint n, n x u16, late u8; or label (the same) text.
#pragma once

#include <string>
#include <string_view>

#include "engine/core.h"

namespace paywarden {

struct StageRecord {
  enum class Kind : uint8_t { payment = 1, label = 2 };
  Kind kind = Kind::payment;
  uint64_t feature_hash = 0;
  std::string_view reply;  // who waits for what becomes of it (reply.h); empty: nobody
  std::string_view bytes;  // points into the input
  CarriedFeatures carried;
};

struct StageRecordHead {
  uint64_t feature_hash;
  std::string_view reply;
};
// What JSON does not begin with: such records and JSON may stand in one topic.
bool is_stage_record(std::string_view value);
void encode_stage_payment(const StageRecordHead& head, std::string_view payment,
                          const CarriedFeatures& carried, std::string& out);
void encode_stage_label(const StageRecordHead& head, std::string_view label, std::string& out);
// False: not such a record.
bool decode_stage_record(std::string_view value, StageRecord& out);

}  // namespace paywarden
