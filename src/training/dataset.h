// Replayed history as rows to train on: the features that each payment had when it came, and what became of it.
//
//   Dataset data(core.features().specs().size());
//   DatasetSink sink(core, data, until);
//   TRY(play_history(*source, label_delay, sink, progress));
//   DatasetSlice first(data, 0, split), later(data, split, data.rows());   // MatrixSource of booster.h
//
// Cost: 4 bytes a feature and 20 a payment: 1.2 million payments with 50 features are 264 MB.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/core.h"
#include "training/booster.h"
#include "training/history.h"

namespace paywarden {

class Dataset {
 public:
  explicit Dataset(size_t columns) : columns_(columns) {}
  size_t columns() const { return columns_; }
  size_t rows() const { return labels_.size(); }
  const float* row(size_t i) const { return values_.data() + i * columns_; }
  const float* labels() const { return labels_.data(); }
  bool is_fraud(size_t i) const { return labels_[i] != 0; }
  EventTime time(size_t i) const { return EventTime(times_[i]); }
  // Major units of the base currency.
  double amount(size_t i) const { return amounts_[i]; }
  // A place for one more row's features.
  float* add(EventTime time, double amount, bool is_fraud);

 private:
  size_t columns_;
  std::vector<float> values_, labels_;
  std::vector<double> amounts_;
  std::vector<int64_t> times_;
};

// Rows [begin, end), without copying.
class DatasetSlice : public MatrixSource {
 public:
  DatasetSlice(const Dataset& data, size_t begin, size_t end)
      : data_(data), begin_(begin), end_(end), at_(begin) {}
  uint32_t columns() const override { return static_cast<uint32_t>(data_.columns()); }
  void rewind() override { at_ = begin_; }
  Result<bool> next(MatrixChunk& chunk) override;
  size_t rows() const { return end_ - begin_; }

 private:
  const Dataset& data_;
  size_t begin_, end_, at_;
};

// What became of the payments of a history.
struct DatasetCounts {
  uint64_t warm = 0;        // only warmed the state
  uint64_t repeats = 0;     // sent again: dropped, as in service
  uint64_t conflicts = 0;   // another payment under an id that was there: dropped, as in service
  uint64_t unlabelled = 0;  // of the rows: count as genuine
  uint64_t behind_until = 0;
  uint64_t late = 0;  // of the fresh ones: more than features.lateness_max behind an earlier row
};

// Feeds history through a core. Payments from `until` on are left out, and end the dataset; with a warm-up, payments before
// `first + warm_up` only warm the state (first: of the first row, whatever stands behind it).
class DatasetSink : public HistorySink {
 public:
  DatasetSink(Core& core, Dataset& data, std::optional<EventTime> until, Duration warm_up)
      : core_(core), data_(data), until_(until), warm_up_(warm_up), scratch_(data.columns()) {}
  Status payments(std::span<FileRow> rows) override;
  Status label(const Label& label, const Payment& payment) override;
  const DatasetCounts& counts() const { return counts_; }

 private:
  bool is_fresh(FileRow& row);
  Core& core_;
  Dataset& data_;
  DatasetCounts counts_;
  uint64_t sequence_ = 0;
  std::optional<EventTime> until_, first_, newest_;
  Duration warm_up_;
  std::vector<float> scratch_;
};

}  // namespace paywarden
