// An Avro schema, and values of it as JSON (Apache Avro 1.11 Specification: "Schema Declaration", "Binary Encoding").
//
//   TRY_ASSIGN(AvroSchema schema, AvroSchema::parse(R"({"type":"record",...})"));
//   ByteReader in(block);
//   if (!schema.append_json(in, out)) damaged();        // one value
//
// As the archive's lines have it: a record's members that are null are left out, timestamp-millis are RFC 3339, and the entries of a record's
// map named "fields" stand among its own members. Reads what this program's archive writes, and any schema of the usual types.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_io.h"
#include "base/json_writer.h"
#include "base/result.h"

namespace paywarden {

struct AvroType {
  enum class Kind : uint8_t {
    null,
    boolean,
    integer,  // int and long
    single,   // float
    real,     // double
    text,     // string and bytes
    fixed,
    enumeration,
    array,
    map,
    record,
    choice  // union
  };
  Kind kind = Kind::null;
  bool is_time = false;                 // milliseconds since 1970
  size_t size = 0;                      // of fixed
  std::vector<std::string> names;       // of symbols, or members
  std::vector<const AvroType*> inside;  // of members, branches, items
};

class AvroSchema {
 public:
  static Result<AvroSchema> parse(std::string_view json);
  // False: the bytes are no such value.
  bool append_json(ByteReader& in, std::string& out) const;

 private:
  class Builder;
  std::deque<AvroType> types_;  // whose addresses stay
  const AvroType* root_ = nullptr;
};

}  // namespace paywarden
