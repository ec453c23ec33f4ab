// What each card did lately, for whoever looks at an alert. Derived from the log: never synced, and made anew from
// there when it is lost or damaged. So it costs the payments' own fsync nothing.
//
//   TRY_ASSIGN(auto recent, RecentPayments::open(files, {.directory = "data/recent"}));
//   recent->record_last();            // feed it the log from the record behind this one
//   recent->add(record, payment, Outcome::approve, 0.02);
//   TRY(recent->flush());             // one write; from here on readers see it
//   recent->of(card);                 // newest event time first
//
// Files of rows, appended to; each row points to the one before it of its bucket of cards, and only the buckets' heads
// are in memory. When all files are full, the oldest is removed with its payments.
//
// add(), flush() and clear() belong to one thread; of() is for any.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "notify/alert.h"
#include "payment/payment.h"

namespace paywarden {

struct RecentOptions {
  std::string directory = {};
  uint64_t file_bytes = uint64_t{32} << 20;
  size_t files_max = 16;     // 512 MiB in all, about 3 million payments; read whole at the start
  uint32_t heads = 1 << 20;  // buckets of cards, 8 bytes each
  size_t per_card = 50;      // what the page shows
  size_t walk_max =
      5'000;  // rows looked at for one card: bounds the time where cards share a bucket
};

class RecentPayments {
 public:
  // Reads the files that are there. Where they are damaged elsewhere than at the end (which a crash leaves), or were
  // written with other `heads`, all are removed: lost() says why.
  static Result<std::unique_ptr<RecentPayments>> open(Files& files, RecentOptions options);
  const std::string& lost() const { return lost_; }

  // The record of the log that brought the newest payment; 0: there is none.
  uint64_t record_last() const { return record_last_; }
  // Ignored where `record` is not behind record_last(). No outcome: history, never decided.
  void add(uint64_t record, const Payment& payment, std::optional<Outcome> outcome, double score);
  // Writes what was added since; after an error nothing of it is there, and it is to be added again.
  Status flush();
  Status clear();

  Result<std::vector<RecentPayment>> of(const CardToken& card) const;

 private:
  // A place of a row: the file's number in the high half, its offset in the low one. 0: no row.
  using Place = uint64_t;
  struct Segment {
    uint32_t number = 0;
    std::unique_ptr<File> file;
    std::string path;
    uint64_t bytes = 0;
  };
  struct Row {
    Place previous = 0;
    uint64_t record = 0;
    CardToken card;
    RecentPayment payment;
  };
  struct Added {
    uint32_t bucket;
    size_t offset;  // in added_bytes_
  };

  RecentPayments(Files& files, RecentOptions options)
      : files_(files), options_(std::move(options)), heads_(options_.heads) {}
  static bool decode(std::string_view body, Row& row);
  uint32_t bucket_of(const CardToken& card) const;
  Result<std::vector<uint32_t>> numbers() const;
  std::string path_of(uint32_t number) const;
  Status load();
  Result<bool> load_segment(uint32_t number, bool last);
  uint64_t take_in(uint32_t number, std::string_view bytes);
  Status start_segment();
  Status make_room();
  void link(std::vector<std::pair<uint32_t, Place>>& heads);
  std::shared_ptr<const Segment> segment_of(Place place) const;
  Result<Row> read_row(const Segment& segment, uint64_t offset) const;

  Files& files_;
  const RecentOptions options_;
  std::string lost_;
  uint64_t record_last_ = 0, record_flushed_ = 0;
  std::string added_bytes_;
  std::vector<Added> added_;
  mutable std::mutex mutex_;  // the next two
  std::vector<Place> heads_;
  std::deque<std::shared_ptr<Segment>> segments_;
};

}  // namespace paywarden
