#include "intake/record_reader.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "intake/byte_order_mark.h"

namespace paywarden {
namespace {

constexpr size_t kPadding = 64;  // what simdjson may read behind its input
static_assert(kPadding >= kCsvPadding);

bool is_blank(std::string_view s) {
  return s.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

RecordReader::RecordReader(std::unique_ptr<ByteStream> bytes, const RecordLimits& limits,
                           bool growing)
    : bytes_(std::move(bytes)), limits_(limits), growing_(growing) {
  CHECK(limits.block_bytes >= limits.record_bytes_max, "a record fits into a block");
  buffer_.resize(limits.record_bytes_max + limits.block_bytes + kPadding);
  unquoted_.reserve(buffer_.size());  // never grows: values point into it
}

Status RecordReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  TRY_ASSIGN(size_t n, bytes_->read(buffer_.data() + end_, buffer_.size() - kPadding - end_));
  end_ += n;
  stream_ended_ = n == 0;
  if (!started_) pass_over_mark();
  return {};
}

// Of a growing file the mark may come piece by piece: what may still become one is not looked at.
void RecordReader::pass_over_mark() {
  if (kByteOrderMark.starts_with(rest()) && rest() != kByteOrderMark && !ended()) return;
  if (rest().starts_with(kByteOrderMark)) advance(kByteOrderMark.size());
  started_ = true;
}

Result<std::optional<RecordFormat>> RecordReader::detect() {
  for (bool filled = false;; filled = true) {
    size_t first = started_ ? rest().find_first_not_of(" \t\r\n") : std::string_view::npos;
    if (first != std::string_view::npos)
      return rest()[first] == '{' ? RecordFormat::ndjson : RecordFormat::csv;
    if (end_ - begin_ > limits_.record_bytes_max) return RecordFormat::csv;
    if (filled && stream_ended_) return std::nullopt;
    TRY(fill());
  }
}

void RecordReader::restart() {
  begin_ = end_ = last_length_ = columns_ = 0;
  skipping_ = started_ = stream_ended_ = false;
  growing_ = true;
  position_ = 0;
  line_ = 1;
}

void RecordReader::resume(uint64_t position, uint64_t line) {
  begin_ = end_ = last_length_ = 0;
  skipping_ = stream_ended_ = false;
  started_ = true;
  position_ = position;
  line_ = line;
}

void RecordReader::advance(size_t length) {
  begin_ += length;
  position_ += length;
}

Result<RecordStatus> RecordReader::next(SourceRecord& out) {
  while (skipping_) {
    size_t newline = rest().find('\n');
    skipping_ = newline == std::string_view::npos && !ended();
    advance(newline == std::string_view::npos ? end_ - begin_ : newline + 1);
    if (!skipping_) break;
    TRY(fill());
    if (stream_ended_ && growing_) return RecordStatus::waiting;
  }
  return format_ == RecordFormat::ndjson ? next_line(out) : next_csv(out);
}

Result<RecordStatus> RecordReader::next_line(SourceRecord& out) {
  while (true) {
    size_t newline = rest().find('\n');
    bool whole = newline != std::string_view::npos || (ended() && begin_ < end_);
    size_t length = newline != std::string_view::npos ? newline : end_ - begin_;
    if (length > limits_.record_bytes_max) return refuse(RejectReason::too_large, out);
    if (!whole) {
      if (ended()) return RecordStatus::end;
      TRY(fill());
      if (stream_ended_ && growing_) return RecordStatus::waiting;
      continue;
    }
    bool blank = is_blank(rest().substr(0, length));
    RecordStatus status = give(std::min(length + 1, end_ - begin_), 1, out);
    if (!blank) return status;
  }
}

Result<RecordStatus> RecordReader::next_csv(SourceRecord& out) {
  while (true) {
    size_t most = std::min(end_ - begin_, limits_.record_bytes_max);
    bool cut = most < end_ - begin_;
    bool nothing = most == 0;
    if (nothing && ended()) return RecordStatus::end;
    CsvScan scan;
    if (!nothing) scan = scan_csv(rest().substr(0, most), ended() && !cut, values_, unquoted_);
    if (!nothing && scan.status == CsvStatus::record && scan.lines <= limits_.record_lines_max) {
      RecordStatus status = take_csv(scan, out);
      if (status == RecordStatus::bad || !is_blank(out.bytes)) return status;
      continue;
    }
    bool over = cut || scan.lines > limits_.record_lines_max;
    if (scan.status == CsvStatus::broken || over || (!nothing && ended()))
      return refuse(RejectReason::bad_quotes, out);
    TRY(fill());
    if (stream_ended_ && growing_) return RecordStatus::waiting;
  }
}

RecordStatus RecordReader::take_csv(const CsvScan& scan, SourceRecord& out) {
  bool swallowed = scan.lines > 1 && columns_ > 0 && values_.size() != columns_;
  return swallowed ? refuse(RejectReason::bad_quotes, out) : give(scan.length, scan.lines, out);
}

// Hands out `length` bytes, line end included, and moves on.
RecordStatus RecordReader::give(size_t length, size_t lines, SourceRecord& out) {
  std::string_view bytes = rest().substr(0, length);
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  if (bytes.ends_with('\r')) bytes.remove_suffix(1);
  out = {bytes, buffer_.size() - begin_, line_, RejectReason::none};
  advance(length);
  last_length_ = length;
  line_ += lines;
  return RecordStatus::record;
}

// Gives up the line that the record starts on, and no more.
RecordStatus RecordReader::refuse(RejectReason reason, SourceRecord& out) {
  size_t newline = rest().find('\n');
  bool found = newline != std::string_view::npos;
  size_t length = found ? newline + 1 : end_ - begin_;
  if (length > limits_.record_bytes_max) reason = RejectReason::too_large;
  skipping_ = !found && !ended();
  give(length, 1, out);
  out.reason = reason;
  return RecordStatus::bad;
}

}  // namespace paywarden
