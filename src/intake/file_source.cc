#include "intake/file_source.h"

#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

namespace paywarden {
namespace {

constexpr size_t kTailBytesMax = 4096;  // enough to know a record by, and little to hash

// The header's names as texts.
std::vector<std::string_view> names_of(const std::vector<RawValue>& values) {
  std::vector<std::string_view> names;
  for (const RawValue& value : values) names.push_back(value.text());
  return names;
}

// What a name says of its file, compressed or not: ".ndjson" for payments.ndjson.xz and PAYMENTS.NDJSON.
std::string format_ending(std::string path) {
  std::transform(path.begin(), path.end(), path.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  std::filesystem::path name(std::move(path));
  while (name.extension() == ".gz" || name.extension() == ".xz" || name.extension() == ".zst")
    name.replace_extension();
  return name.extension();
}

// An object at the beginning is no header of a table, whatever the name. Where the name says NDJSON a bad first line is a bad record.
RecordFormat format_of(const std::string& path, RecordFormat beginning) {
  std::string ending = format_ending(path);
  return ending == ".ndjson" || ending == ".jsonl" ? RecordFormat::ndjson : beginning;
}

// An error of a header, where the file may be none that has one.
Error header_error(Error error, const std::string& path, bool told_format,
                   std::string_view header) {
  error.where = path + ":1";
  bool is_list = header.starts_with('[');
  if (told_format || (format_ending(path) == ".csv" && !is_list)) return error;
  if (is_list) {
    error.remedy = "it begins with '[': of a JSON list, write one object a line";
    return error;
  }
  if (!error.remedy.empty()) error.remedy += "; ";
  error.remedy +=
      "it is read as CSV with a header, as it does not begin with '{': if each line is a JSON "
      "object, let its name end with .ndjson or .jsonl";
  return error;
}

constexpr size_t kCardsOfHistory = 131'072;  // 4 MiB: a bank's cards of some hours

ParserOptions for_history(ParserOptions parser) {
  parser.cards_remembered = kCardsOfHistory;
  return parser;
}

// Rows to come were another thread's.
void prefetch_rows(const std::vector<FileRow>& rows, size_t now) {
  constexpr size_t kRow = 8, kContents = 4;  // rows ahead
  if (now + kRow < rows.size())
    prefetch_range(&rows[now + kRow], sizeof(FileRow), prefetch_line_to_write);
  if (now + kContents < rows.size()) rows[now + kContents].payment.prefetch_to_write();
}

}  // namespace

FileSource::FileSource(std::vector<std::string> paths, const Schema& schema,
                       const Tokeniser& tokeniser, const ParserOptions& parser,
                       const FileSourceOptions& options, RejectSink& rejects)
    : paths_(std::move(paths)),
      options_(options),
      rejects_(rejects),
      tokeniser_(tokeniser),
      parser_(schema, tokeniser, for_history(parser)),
      parsed_(options.batches_ahead),
      free_(options.batches_ahead + 2) {}

Result<std::unique_ptr<FileSource>> FileSource::open(
    std::vector<std::string> paths, const Schema& schema, const Tokeniser& tokeniser,
    const ParserOptions& parser, const FileSourceOptions& options, RejectSink& rejects) {
  if (paths.empty()) return fail("no data files are named", {}, "name at least one: --data FILE");
  std::unique_ptr<FileSource> source(
      new FileSource(std::move(paths), schema, tokeniser, parser, options, rejects));
  TRY(source->check_files());
  if (options.parse_ahead) source->thread_ = std::thread([s = source.get()] { s->run(); });
  return source;
}

FileSource::~FileSource() {
  stop();
  parsed_.close();
  free_.close();
  if (thread_.joinable()) thread_.join();
}

void FileSource::stop() {
  std::lock_guard lock(stop_mutex_);
  stopped_ = true;
  stop_signal_.notify_all();
}

FileProgress FileSource::progress() const {
  return {bytes_before_ + bytes_current_, bytes_total_, rows_, rejected_};
}

// Every file is there, can be decompressed, and has the columns that are needed; before any of them
// is used.
Status FileSource::check_files() {
  ByteStreamOptions bytes = options_.bytes;
  bytes.decompress_ahead = false;  // only the beginning is read
  for (size_t i = 0; i < paths_.size(); ++i) {
    bool follow = options_.follow && i + 1 == paths_.size();
    TRY_ASSIGN(Reading reading, start(paths_[i], follow, bytes));
    if (follow) {
      TRY_ASSIGN(resumed_, go_on(reading));
    } else if (!reading.header_read) {
      return fail(
          "the file is empty", paths_[i],
          "get it again, or leave it out; a CSV file without payments still has its header");
    } else if (reading.format == RecordFormat::csv) {
      note_absent_columns(reading, paths_[i]);
    }
    std::error_code ignored;
    uintmax_t size = std::filesystem::file_size(paths_[i], ignored);
    if (!ignored) bytes_total_ += size;
  }
  return {};
}

Result<FileSource::Reading> FileSource::start(const std::string& path, bool follow,
                                              const ByteStreamOptions& bytes) {
  Reading reading;
  std::unique_ptr<ByteStream> stream;
  if (follow) {
    TRY_ASSIGN(std::unique_ptr<GrowingFile> growing, GrowingFile::open(path));
    reading.growing = growing.get();
    stream = std::move(growing);
  } else {
    TRY_ASSIGN(stream, open_bytes(path, bytes));
  }
  reading.reader = std::make_unique<RecordReader>(std::move(stream), options_.records, follow);
  TRY(read_header(reading, path));
  return reading;
}

// A growing file may not have its header yet: then this is tried again when there is more.
Status FileSource::read_header(Reading& reading, const std::string& path) {
  TRY_ASSIGN(std::optional<RecordFormat> detected, reading.reader->detect());
  if (!detected) return {};
  reading.format = options_.format.value_or(format_of(path, *detected));
  reading.reader->set_format(reading.format);
  if (reading.format == RecordFormat::ndjson) {
    reading.header_read = true;
    return {};
  }
  SourceRecord record;
  TRY_ASSIGN(RecordStatus status, reading.reader->next(record));
  if (status == RecordStatus::waiting || status == RecordStatus::end) return {};
  auto wrong = [&](Error error) {
    return tl::unexpected(
        header_error(std::move(error), path, options_.format.has_value(), record.bytes));
  };
  if (status == RecordStatus::bad) return wrong({"the header is not one line of CSV", {}, {}});
  std::vector<std::string_view> names = names_of(reading.reader->values());
  Result<ColumnMap> columns = parser_.columns(names);
  if (!columns) return wrong(columns.error());
  reading.columns = std::move(*columns);
  reading.reader->expect_columns(names.size());
  reading.header_read = true;
  return {};
}

void FileSource::note_absent_columns(const Reading& reading, const std::string& path) {
  const std::vector<uint16_t>& there = reading.columns.targets;
  auto has = [&](uint16_t target) {
    return std::find(there.begin(), there.end(), target) != there.end();
  };
  const Schema& schema = parser_.schema();
  for (size_t i = 0; i < schema.bindings.size(); ++i)
    if (!has(static_cast<uint16_t>(i)))
      absent_columns_["'" + schema.bindings[i].source + "'"].push_back(path);
  if (!schema.label.empty() && !has(kLabelName))
    absent_columns_["'" + schema.label + "' (the label)"].push_back(path);
}

std::vector<std::string> FileSource::absent_columns() const {
  std::vector<std::string> out;
  for (const auto& [column, paths] : absent_columns_) {
    std::string sentence = "the column " + column + " is not in " + paths.front();
    if (paths.size() > 1) sentence += " and " + std::to_string(paths.size() - 1) + " more files";
    out.push_back(std::move(sentence));
  }
  return out;
}

void FileSource::keep_conflict(uint32_t file, uint64_t line, std::string_view payment_id) {
  std::string field = parser_.schema().binding_of(field::payment_id)->source;
  rejects_.add({paths_[file], line, conflict_of(std::move(field), payment_id)});
}

Result<bool> FileSource::next(FileBatch& batch) {
  if (!options_.parse_ahead) return fill(batch);
  batch.count = 0;
  free_.try_push(std::move(batch));
  std::vector<Parsed> got;
  if (!parsed_.pop_all(got, 1)) {
    batch = {};
    return false;
  }
  batch = std::move(got[0].batch);
  if (got[0].error) return tl::unexpected(std::move(*got[0].error));
  return true;
}

// The parsing thread.
void FileSource::run() {
  for (bool more = true; more;) {
    std::vector<FileBatch> spare;
    if (free_.size() > 0) free_.pop_all(spare, 1);
    Parsed parsed;
    if (!spare.empty()) parsed.batch = std::move(spare[0]);
    Result<bool> filled = fill(parsed.batch);
    if (!filled) parsed.error = filled.error();
    more = !filled || *filled;
    if (more) more = parsed_.push(std::move(parsed));
  }
  parsed_.close();
}

Result<bool> FileSource::fill(FileBatch& batch) {
  batch.count = 0;
  batch.rows.resize(options_.batch_rows);
  if (pending_error_) return tl::unexpected(*std::exchange(pending_error_, std::nullopt));
  Result<bool> filled = fill_from_files(batch);
  if (!filled) end_file();
  if (!filled && batch.count > 0) {
    pending_error_ = filled.error();
    filled = true;
  }
  if (!tail_.empty()) place_.tail = tokeniser_.token(tail_);
  tail_.clear();
  batch.end = place_;
  rows_.fetch_add(batch.count, std::memory_order_relaxed);
  return filled;
}

Result<bool> FileSource::fill_from_files(FileBatch& batch) {
  while (batch.count < options_.batch_rows && !stopped_) {
    if (!reading_) {
      if (next_file_ == paths_.size()) break;
      TRY(start_next_file());
    }
    TRY_ASSIGN(RecordStatus status, step(batch));
    bytes_current_.store(reading_->reader->bytes().consumed(), std::memory_order_relaxed);
    if (status == RecordStatus::end) end_file();
    if (status != RecordStatus::waiting) continue;
    if (batch.count > 0) break;
    std::unique_lock lock(stop_mutex_);
    stop_signal_.wait_for(lock, std::chrono::milliseconds(options_.follow_poll.ms()),
                          [&] { return stopped_.load(); });
  }
  return batch.count > 0;
}

// One record further.
Result<RecordStatus> FileSource::step(FileBatch& batch) {
  if (!reading_->header_read) {
    TRY(read_header(*reading_, paths_[next_file_ - 1]));
    if (!reading_->header_read)
      return reading_->growing ? RecordStatus::waiting : RecordStatus::end;
  }
  SourceRecord record;
  TRY_ASSIGN(RecordStatus status, reading_->reader->next(record));
  if (reading_->growing) note_place(status);
  switch (status) {
    case RecordStatus::record:
      take(record, batch);
      break;
    case RecordStatus::bad:
      refuse(record, parser_.unparsable(record.reason, record.bytes));
      break;
    case RecordStatus::waiting:
    case RecordStatus::end:
      if (restarted()) return RecordStatus::record;
      break;
  }
  return status;
}

// A followed file that began anew: first the old one's last line, then the new one's header.
bool FileSource::restarted() {
  Reading& reading = *reading_;
  if (reading.restarting) {
    reading.restarting = false;
    reading.header_read = reading.format == RecordFormat::ndjson;
    reading.reader->restart();
    return true;
  }
  if (!reading.growing || !reading.growing->restarted()) return false;
  reading.restarting = true;
  reading.reader->finish_growing();
  return true;
}

Status FileSource::start_next_file() {
  const std::string& path = paths_[next_file_++];
  bool follow = options_.follow && next_file_ == paths_.size();
  TRY_ASSIGN(reading_, start(path, follow, options_.bytes));
  if (!follow) return {};
  TRY(go_on(*reading_));
  return {};
}

// To where options.resume says, if its last record still stands before it.
Result<bool> FileSource::go_on(Reading& reading) {
  if (!options_.resume || !reading.header_read) return false;
  const FilePlace& place = *options_.resume;
  if (place.tail_bytes == 0 || place.tail_bytes > std::min<uint64_t>(place.bytes, kTailBytesMax))
    return false;
  TRY_ASSIGN(std::string tail,
             reading.growing->bytes_at(place.bytes - place.tail_bytes, place.tail_bytes));
  if (tail.size() != place.tail_bytes || tokeniser_.token(tail) != place.tail) return false;
  TRY(reading.growing->seek(place.bytes));
  reading.reader->resume(place.bytes, place.line);
  place_ = place;
  return true;
}

void FileSource::note_place(RecordStatus status) {
  if (status != RecordStatus::record && status != RecordStatus::bad) return;
  const RecordReader& reader = *reading_->reader;
  std::string_view tail = reader.last_raw();
  tail.remove_prefix(tail.size() - std::min(tail.size(), kTailBytesMax));
  tail_.assign(tail);
  place_ = {reader.position(), reader.next_line_number(), tail.size(), {}};
}

void FileSource::end_file() {
  if (!reading_) return;
  bytes_before_ += reading_->reader->bytes().consumed();
  bytes_current_ = 0;
  reading_.reset();
}

void FileSource::take(const SourceRecord& record, FileBatch& batch) {
  prefetch_rows(batch.rows, batch.count);
  FileRow& row = batch.rows[batch.count];
  std::optional<Rejection> no;
  if (reading_->format == RecordFormat::ndjson)
    no = parser_.parse_json(record.bytes, EventTime(), row.payment, &row.label, record.readable);
  else if (!simdjson::validate_utf8(record.bytes.data(), record.bytes.size()))
    no = parser_.unparsable(RejectReason::not_utf8, record.bytes);
  else
    no = parser_.parse_row(reading_->columns, reading_->reader->values(), EventTime(), row.payment,
                           &row.label);
  if (no) return refuse(record, std::move(*no));
  row.payment.receipt_time = row.payment.event_time;
  row.is_conflict = false;
  row.file = static_cast<uint32_t>(next_file_ - 1);
  row.line = record.line;
  ++batch.count;
}

void FileSource::refuse(const SourceRecord& record, Rejection rejection) {
  rejected_.fetch_add(1, std::memory_order_relaxed);
  if (rejection.raw.empty()) rejection.raw = shape_of(record.bytes);
  rejects_.add({paths_[next_file_ - 1], record.line, rejection});
}

}  // namespace paywarden
