#include "training/dataset.h"

#include <algorithm>

namespace paywarden {
namespace {
constexpr size_t kChunkRows = 65'536;
}

float* Dataset::add(EventTime time, double amount, bool is_fraud) {
  times_.push_back(time.ms());
  amounts_.push_back(amount);
  labels_.push_back(is_fraud ? 1.0f : 0.0f);
  values_.resize(values_.size() + columns_);
  return values_.data() + values_.size() - columns_;
}

Result<bool> DatasetSlice::next(MatrixChunk& chunk) {
  size_t count = std::min(kChunkRows, end_ - at_);
  chunk = {data_.row(at_), data_.labels() + at_, nullptr, count};
  at_ += count;
  return count > 0;
}

Status DatasetSink::payments(std::span<FileRow> rows) {
  for (FileRow& row : rows) {
    Payment& payment = row.payment;
    if (until_ && payment.event_time >= *until_) {
      ++counts_.behind_until;
      continue;
    }
    if (!is_fresh(row)) continue;
    if (!first_) first_ = newest_ = payment.event_time;
    newest_ = std::max(*newest_, payment.event_time);
    counts_.late += payment.event_time < *newest_ - core_.features().options().lateness_max;
    bool warm = warm_up_ > Duration(0) && payment.event_time < *first_ + warm_up_;
    counts_.warm += warm;
    counts_.unlabelled += !warm && !row.label;
    double scale = minor_per_major(core_.rates().base().exponent());
    double amount =
        static_cast<double>(core_.rates().to_base(payment.amount_minor, payment.currency)) / scale;
    core_.observe(payment, warm ? scratch_.data()
                                : data_.add(payment.event_time, amount, row.label.value_or(false)));
  }
  return {};
}

// Features of a payment that was sent twice would count it twice.
bool DatasetSink::is_fresh(FileRow& row) {
  Sighting sighting = admit(core_, row, ++sequence_);
  counts_.repeats += sighting == Sighting::repeat;
  counts_.conflicts += row.is_conflict;
  return sighting == Sighting::fresh;
}

Status DatasetSink::label(const Label& label, const Payment& payment) {
  if (!until_ || payment.event_time < *until_) core_.label(label, &payment);
  return {};
}

}  // namespace paywarden
