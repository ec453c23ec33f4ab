// Decisions with their payments as an Avro object container file (Apache Avro 1.11 Specification, "Object Container Files"): what
// archive_line.h writes as JSON, typed.
//
//   AvroEncoder encoder(ArchiveCompression::gzip, object_name);
//   TRY(encoder.add(decided));
//   std::string file = encoder.finish();
//
// Written by ourselves: Debian's libavro makes up a random sync marker for each file, and a retry must send the same bytes. Ours is the
// beginning of the hash of the object's name. gzip means the codec "deflate", zstd "zstandard".
#pragma once

#include <simdjson.h>

#include <map>

#include "archive/archive_line.h"
#include "archive/object_encoder.h"

namespace paywarden {

// The schema, in Avro's JSON. Fields are only ever added, with a default, at the end of a record.
std::string_view avro_schema();

class AvroEncoder : public ObjectEncoder {
 public:
  AvroEncoder(ArchiveCompression compression, const std::string& name);
  Status add(const DecidedPayment& decided) override;
  size_t bytes_in() const override { return bytes_in_; }
  std::string finish() override;

 private:
  Status add_decision(const DecidedPayment& decided);
  void add_payment();
  void end_block();

  const ArchiveCompression compression_;
  std::string sync_;  // 16 bytes behind the head and each block
  std::string out_, block_;
  int64_t block_records_ = 0;
  size_t bytes_in_ = 0;
  simdjson::dom::parser parser_;
  RecordedPayment payment_;
};

}  // namespace paywarden
