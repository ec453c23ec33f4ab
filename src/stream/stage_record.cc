#include "stream/stage_record.h"

#include "base/byte_io.h"

namespace paywarden {
namespace {

constexpr uint8_t kFormat = 2;

void write_head(ByteWriter& writer, StageRecord::Kind kind, const StageRecordHead& head) {
  writer.u8(kFormat);
  writer.u8(static_cast<uint8_t>(kind));
  writer.u64(head.feature_hash);
  writer.text(head.reply);
}

bool read_carried(ByteReader& reader, CarriedFeatures& out) {
  uint64_t values = reader.varint();
  if (values > kFeaturesMax) return false;
  out.values.resize(values);
  for (float& value : out.values) value = reader.f32();
  uint64_t approximate = reader.varint();
  if (approximate > kFeaturesMax) return false;
  out.approximate.resize(approximate);
  for (uint16_t& feature : out.approximate) {
    feature = reader.u16();
    if (feature >= values) return false;
  }
  out.late = reader.u8() != 0;
  return reader.ok();
}

}  // namespace

bool is_stage_record(std::string_view value) {
  return !value.empty() && static_cast<uint8_t>(value[0]) == kFormat;
}

void encode_stage_payment(const StageRecordHead& head, std::string_view payment,
                          const CarriedFeatures& carried, std::string& out) {
  ByteWriter writer(out);
  write_head(writer, StageRecord::Kind::payment, head);
  writer.text(payment);
  writer.varint(carried.values.size());
  for (float value : carried.values) writer.f32(value);
  writer.varint(carried.approximate.size());
  for (uint16_t feature : carried.approximate) writer.u16(feature);
  writer.u8(carried.late);
}

void encode_stage_label(const StageRecordHead& head, std::string_view label, std::string& out) {
  ByteWriter writer(out);
  write_head(writer, StageRecord::Kind::label, head);
  writer.text(label);
}

bool decode_stage_record(std::string_view value, StageRecord& out) {
  ByteReader reader(value);
  if (reader.u8() != kFormat) return false;
  uint8_t kind = reader.u8();
  if (kind != 1 && kind != 2) return false;
  out.kind = static_cast<StageRecord::Kind>(kind);
  out.feature_hash = reader.u64();
  out.reply = reader.text();
  out.bytes = reader.text();
  if (out.kind == StageRecord::Kind::payment && !read_carried(reader, out.carried)) return false;
  return reader.ok() && reader.at_end();
}

}  // namespace paywarden
