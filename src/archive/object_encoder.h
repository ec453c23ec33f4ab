// The bytes of one archive object, made of decided payments one after the other.
//
//   auto encoder = new_encoder({ArchiveFormat::ndjson, ArchiveCompression::gzip}, name);
//   TRY(encoder->add(decided));          // again and again, in order
//   std::string bytes = encoder->finish();
//
// The same decisions give the same bytes under the same name. One object, one thread.
#pragma once

#include <memory>
#include <string>

#include "archive/archive_source.h"
#include "archive/compressor.h"

namespace paywarden {

enum class ArchiveFormat : uint8_t {
  ndjson,  // archive_line.h
  avro,    // avro_encoder.h
};
std::string_view name_of(ArchiveFormat format);

struct ObjectEncoding {
  ArchiveFormat format = ArchiveFormat::ndjson;
  ArchiveCompression compression = ArchiveCompression::gzip;
  bool operator==(const ObjectEncoding&) const = default;
};
// ".json.gz"; ".avro", where compression is inside
std::string_view extension_of(const ObjectEncoding& encoding);

class ObjectEncoder {
 public:
  virtual ~ObjectEncoder() = default;
  virtual Status add(const DecidedPayment& decided) = 0;
  virtual size_t bytes_in() const = 0;  // before compression
  virtual std::string finish() = 0;     // then it is used up
};

std::unique_ptr<ObjectEncoder> new_encoder(const ObjectEncoding& encoding, const std::string& name);

}  // namespace paywarden
