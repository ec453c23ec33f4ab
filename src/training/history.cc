#include "training/history.h"

#include <algorithm>

namespace paywarden {
namespace {

bool later(const PendingLabel& a, const PendingLabel& b) {
  return a.label.event_time > b.label.event_time;
}

// Keeps the labels that are still to come, the next one on top.
class LabelQueue {
 public:
  void add(const FileRow& row, Duration delay) {
    Label label{std::string(row.payment.id()), true, "file", row.payment.event_time + delay};
    heap_.push_back({std::move(label), row.payment});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  bool due(EventTime now) const { return !heap_.empty() && heap_.front().label.event_time <= now; }
  PendingLabel take() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    PendingLabel top = std::move(heap_.back());
    heap_.pop_back();
    return top;
  }
  bool empty() const { return heap_.empty(); }

 private:
  std::vector<PendingLabel> heap_;
};

Status play_rows(std::span<FileRow> rows, Duration delay, LabelQueue& labels, HistorySink& sink) {
  size_t run = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (labels.due(rows[i].payment.event_time)) {
      if (i > run) TRY(sink.payments(rows.subspan(run, i - run)));
      run = i;
      while (labels.due(rows[i].payment.event_time)) {
        PendingLabel next = labels.take();
        TRY(sink.label(next.label, next.payment));
      }
    }
    if (rows[i].label.value_or(false)) labels.add(rows[i], delay);
  }
  if (rows.size() > run) return sink.payments(rows.subspan(run));
  return {};
}

}  // namespace

Result<std::vector<PendingLabel>> play_history(FileSource& source, Duration label_delay,
                                               HistorySink& sink, const HistoryProgress& progress) {
  LabelQueue labels;
  FileBatch batch;
  uint64_t told = 0;
  for (;;) {
    TRY_ASSIGN(bool more, source.next(batch));
    if (!more) break;
    TRY(play_rows({batch.rows.data(), batch.count}, label_delay, labels, sink));
    FileProgress now = source.progress();
    if (!progress || now.rows < told + 65'536) continue;
    told = now.rows;
    progress(now);
  }
  if (progress) progress(source.progress());
  std::vector<PendingLabel> rest;
  while (!labels.empty()) rest.push_back(labels.take());
  return rest;
}

}  // namespace paywarden
