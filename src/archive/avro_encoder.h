// Decisions with their payments as an Avro object container file (avro_file.h): what archive_line.h writes as JSON, typed.
//
//   AvroEncoder encoder(ArchiveCompression::gzip, object_name);
//   TRY(encoder.add(decided));
//   std::string file = encoder.finish();
#pragma once

#include <simdjson.h>

#include <map>

#include "archive/archive_line.h"
#include "archive/avro_file.h"
#include "archive/object_encoder.h"

namespace paywarden {

// The schema, in Avro's JSON. Fields are only ever added, with a default, at the end of a record.
std::string_view avro_schema();

class AvroEncoder : public ObjectEncoder {
 public:
  AvroEncoder(ArchiveCompression compression, const std::string& name);
  Status add(const DecidedPayment& decided) override;
  size_t bytes_in() const override { return file_.bytes_in(); }
  std::string finish() override { return file_.finish(); }

 private:
  Status add_decision(const DecidedPayment& decided);
  void add_payment();

  AvroFile file_;
  simdjson::dom::parser parser_;
  RecordedPayment payment_;
};

}  // namespace paywarden
