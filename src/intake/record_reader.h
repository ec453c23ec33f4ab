// A file's records one by one: lines of NDJSON or records of CSV, each with the line it starts on.
// A bad record never takes its neighbours with it: an open quote ends at the record's limits, and
// reading goes on with the next line.
//
//   RecordReader reader(std::move(bytes), limits);
//   SourceRecord record;
//   while (*reader.next(record) == RecordStatus::record) use(record.bytes, reader.values());
//
// Allocates its buffers once. One object, one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "intake/byte_stream.h"
#include "intake/csv.h"
#include "intake/rejection.h"

namespace paywarden {

enum class RecordFormat : uint8_t { csv, ndjson };

struct RecordLimits {
  size_t record_bytes_max = 64 * 1024;  // as an HTTP body's; also how far an open quote may reach
  size_t record_lines_max = 1'000;      // within quotes; a free text of a page has 50
  size_t block_bytes = 256 * 1024;      // read at once; at least record_bytes_max
};

enum class RecordStatus : uint8_t {
  record,
  bad,      // `record.reason` says why; the next call goes on behind it
  waiting,  // a growing file has no more for now
  end,
};

struct SourceRecord {
  std::string_view bytes;  // without its line end; valid until the next call
  size_t readable = 0;  // bytes that may be read from bytes.data() on, at least 64 more than bytes
  uint64_t line = 0;    // 1 for the file's first
  RejectReason reason = RejectReason::none;
};

class RecordReader {
 public:
  // `growing`: the end of the stream is no end, only all there is for now.
  RecordReader(std::unique_ptr<ByteStream> bytes, const RecordLimits& limits, bool growing = false);

  // What the first bytes look like: '{' begins NDJSON. Nothing while there is nothing to look at.
  Result<std::optional<RecordFormat>> detect();
  void set_format(RecordFormat format) { format_ = format; }
  // Known once the header is read: a record over several lines with another number of values is an
  // open quote's work.
  void expect_columns(size_t count) { columns_ = count; }

  Result<RecordStatus> next(SourceRecord& out);
  const std::vector<RawValue>& values() const {
    return values_;
  }  // CSV: of the record that next() gave
  // A growing file began anew: first what is left of the old one is its last record, up to
  // RecordStatus::end, ...
  void finish_growing() { growing_ = false; }
  // ... then line 1 follows.
  void restart();
  ByteStream& bytes() { return *bytes_; }

  // Bytes of the file (since restart()) up to the end of the last record, the line that begins there, and
  // that record with its line end; the bytes are valid until the next call.
  uint64_t position() const { return position_; }
  uint64_t next_line_number() const { return line_; }
  std::string_view last_raw() const {
    return {buffer_.data() + begin_ - last_length_, last_length_};
  }
  // The stream now stands at this byte, which begins this line.
  void resume(uint64_t position, uint64_t line);

 private:
  Status fill();
  void pass_over_mark();
  void advance(size_t length);
  Result<RecordStatus> next_line(SourceRecord& out);
  Result<RecordStatus> next_csv(SourceRecord& out);
  RecordStatus take_csv(const CsvScan& scan, SourceRecord& out);
  RecordStatus give(size_t length, size_t lines, SourceRecord& out);
  RecordStatus refuse(RejectReason reason, SourceRecord& out);
  bool ended() const { return stream_ended_ && !growing_; }
  std::string_view rest() const { return {buffer_.data() + begin_, end_ - begin_}; }

  std::unique_ptr<ByteStream> bytes_;
  const RecordLimits limits_;
  bool growing_;
  RecordFormat format_ = RecordFormat::csv;
  std::vector<char> buffer_;
  size_t begin_ = 0, end_ = 0;
  size_t last_length_ = 0;  // of the record that next() gave
  uint64_t position_ = 0;
  bool stream_ended_ = false;  // the last fill() brought nothing
  bool skipping_ = false;      // up to the end of a line that was too long
  bool started_ = false;       // behind a byte order mark, if there is one
  uint64_t line_ = 1;
  size_t columns_ = 0;
  std::vector<RawValue> values_;
  std::string unquoted_;
};

}  // namespace paywarden
