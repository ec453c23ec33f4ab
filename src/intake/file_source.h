// Payments out of files: CSV and NDJSON, plain or compressed, several of them as one stream, once
// or followed as they grow.
//
//   auto source = FileSource::open({"a.csv.xz", "b.ndjson"}, schema, tokeniser, {}, {}, rejects);
//   FileBatch batch;                                    // used again and again
//   while (*(*source)->next(batch))
//     for (const FileRow& row : batch.filled()) use(row.payment, row.label, row.line);
//
// The header of every file is checked when the source is opened. A bad record goes to the rejects
// with its file and line and stops nothing. A damaged file gives its rows up to the damage and then
// an error; a further next() goes on with the next file. Decompression and parsing each run in a
// thread of their own unless the options say otherwise; next() and the destructor belong to one
// thread, stop() and progress() to any.
//
// A followed file goes on after a restart where `batch.end` of the last kept batch says:
// options.resume = place.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "intake/payment_parser.h"
#include "intake/record_reader.h"
#include "intake/rejects.h"

namespace paywarden {

// How far a followed file has been read. It holds for a file that has the same record before that byte: a file that was replaced or
// began anew does not. `tail` is keyed (tokeniser.h), since a record may hold a card number.
struct FilePlace {
  uint64_t bytes = 0;  // up to the end of the last record
  uint64_t line = 1;   // the one that begins there
  uint64_t tail_bytes = 0;
  CardToken tail;  // of the last record with its line end, or of so many bytes of it
};

struct FileSourceOptions {
  ByteStreamOptions bytes;
  RecordLimits records;
  std::optional<RecordFormat> format;  // default: by each file's name and what it begins with
  size_t batch_rows = 256;    // a batch and its fields then stay in a core's second-level cache
  size_t batches_ahead = 16;  // parsed and waiting; bounds the memory, some 3 MB
  bool parse_ahead = true;    // in a thread of its own
  bool follow = false;        // go on with the last file as it grows, until stop()
  Duration follow_poll =
      milliseconds(200);            // how often a followed file is looked at; costs one system call
  std::optional<FilePlace> resume;  // where to go on in the followed file, if it is still the one
};

struct FileRow {
  Payment payment;  // its receipt time is its event time: when a file is read says nothing
  std::optional<bool> label;  // is_fraud, where the schema has a label column with a value
  bool is_conflict =
      false;          // set by who plays it: another payment under an id that was used before
  uint32_t file = 0;  // index into the paths
  uint64_t line = 0;
};

struct FileBatch {
  std::vector<FileRow> rows;
  size_t count = 0;
  FilePlace end;  // behind the last row, where the file is followed
  std::span<const FileRow> filled() const { return {rows.data(), count}; }
};

struct FileProgress {
  uint64_t bytes_read = 0;   // of the files as they lie there, compressed or not
  uint64_t bytes_total = 0;  // when the source was opened
  uint64_t rows = 0;
  uint64_t rejected = 0;
};

class FileSource {
 public:
  // `schema`, `tokeniser` and `rejects` must outlive the source.
  static Result<std::unique_ptr<FileSource>> open(std::vector<std::string> paths,
                                                  const Schema& schema, const Tokeniser& tokeniser,
                                                  const ParserOptions& parser,
                                                  const FileSourceOptions& options,
                                                  RejectSink& rejects);
  ~FileSource();

  // Waits for rows; false when there are no more.
  Result<bool> next(FileBatch& batch);
  void stop();
  FileProgress progress() const;
  // Whether options.resume is used: false for another file in its place.
  bool resumed() const { return resumed_; }
  // Columns of the schema that tables do not have, as sentences: their fields are missing in each of those payments. Known once open.
  std::vector<std::string> absent_columns() const;
  const std::string& path(uint32_t file) const { return paths_[file]; }
  // Keeps a row that was handed out, and turned out to be another payment under a known id, among the rejects. Any thread.
  void keep_conflict(uint32_t file, uint64_t line, std::string_view payment_id);

 private:
  // One file being read.
  struct Reading {
    std::unique_ptr<RecordReader> reader;
    GrowingFile* growing = nullptr;  // the reader's bytes, where they are followed
    RecordFormat format = RecordFormat::csv;
    ColumnMap columns;
    bool header_read = false;
    bool restarting = false;
  };
  struct Parsed {
    FileBatch batch;
    std::optional<Error> error;
  };

  FileSource(std::vector<std::string> paths, const Schema& schema, const Tokeniser& tokeniser,
             const ParserOptions& parser, const FileSourceOptions& options, RejectSink& rejects);
  Status check_files();
  Result<Reading> start(const std::string& path, bool follow, const ByteStreamOptions& bytes);
  Status read_header(Reading& reading, const std::string& path);
  void note_absent_columns(const Reading& reading, const std::string& path);
  Result<bool> fill(FileBatch& batch);
  Result<bool> fill_from_files(FileBatch& batch);
  Result<RecordStatus> step(FileBatch& batch);
  Status start_next_file();
  Result<bool> go_on(Reading& reading);
  void note_place(RecordStatus status);
  void end_file();
  bool restarted();
  void take(const SourceRecord& record, FileBatch& batch);
  void refuse(const SourceRecord& record, Rejection rejection);
  void run();

  const std::vector<std::string> paths_;
  const FileSourceOptions options_;
  RejectSink& rejects_;
  const Tokeniser& tokeniser_;
  PaymentParser parser_;
  std::optional<Reading> reading_;
  size_t next_file_ = 0;
  bool resumed_ = false;                                            // set by open()
  std::map<std::string, std::vector<std::string>> absent_columns_;  // in which paths; the same
  FilePlace place_;                     // of the followed file; its tail as of the last batch
  std::string tail_;                    // of the record before place_, until the batch ends
  std::optional<Error> pending_error_;  // found behind rows that are handed out first
  std::atomic<uint64_t> rows_ = 0, rejected_ = 0, bytes_before_ = 0, bytes_current_ = 0;
  uint64_t bytes_total_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex stop_mutex_;
  std::condition_variable stop_signal_;
  BoundedQueue<Parsed> parsed_;
  BoundedQueue<FileBatch> free_;
  std::thread thread_;
};

}  // namespace paywarden
