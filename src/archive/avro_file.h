// Bytes of an Avro object container file (Apache Avro 1.11 Specification, "Object Container Files" and "Binary Encoding"): for the
// archive and for exported rows.
//
//   AvroFile file(schema_json, ArchiveCompression::gzip, name);
//   AvroWriter record(file.record());
//   record.text("p-17");
//   record.real(0.5f);
//   file.end_record();
//   sink.write(file.take());                  // now and then: what is finished
//   sink.write(file.finish());
//
// Written by ourselves: Debian's libavro makes up a random sync marker for each file, and a retry must send the same bytes. Ours is the
// beginning of the hash of the file's name. gzip means the codec "deflate", zstd "zstandard". That a record is as the schema says
// is the caller's matter. Memory: a block of 256 KiB and what was not taken.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "archive/compressor.h"
#include "base/byte_io.h"

namespace paywarden {

// Avro's binary encoding: integers of all kinds as zigzag varints, texts with such a length before them.
class AvroWriter {
 public:
  explicit AvroWriter(std::string& out) : writer_(out) {}
  void integer(int64_t n) { writer_.svarint(n); }
  void text(std::string_view s) {
    writer_.svarint(static_cast<int64_t>(s.size()));
    writer_.out().append(s);
  }
  void boolean(bool b) { writer_.u8(b ? 1 : 0); }
  void real(float n) { writer_.f32(n); }
  void real(double n) { writer_.f64(n); }
  void branch(int64_t of_union) { writer_.svarint(of_union); }
  // Before the items of an array or map; behind them end_items().
  void items(size_t count) {
    if (count > 0) writer_.svarint(static_cast<int64_t>(count));
  }
  void end_items() { writer_.svarint(0); }

 private:
  ByteWriter writer_;
};

class AvroFile {
 public:
  AvroFile(std::string_view schema, ArchiveCompression compression, const std::string& name);
  // Where the next record's bytes are appended, all of them before end_record().
  std::string& record() { return block_; }
  void end_record();
  size_t bytes_in() const { return bytes_in_ + block_.size(); }  // of records, before compression
  std::string take();
  std::string finish();  // the rest; then it is used up

 private:
  void end_block();

  const ArchiveCompression compression_;
  std::string sync_;  // 16 bytes behind the head and each block
  std::string out_, block_;
  int64_t block_records_ = 0;
  size_t bytes_in_ = 0;  // of blocks before this one
};

}  // namespace paywarden
