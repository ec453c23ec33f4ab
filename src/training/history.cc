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

// Plays rows, and their labels between them.
class Player {
 public:
  Player(FileSource& source, Duration delay, LabelQueue& labels, HistorySink& sink)
      : source_(source), delay_(delay), labels_(labels), sink_(sink) {}

  Status play(std::span<FileRow> rows) {
    rows_ = rows;
    begin_ = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      EventTime now = rows[i].payment.event_time;
      if (labels_.due(now) || first_of_run_ <= now) TRY(end_run(i));
      while (labels_.due(now)) {
        PendingLabel next = labels_.take();
        TRY(sink_.label(next.label, next.payment));
      }
      if (rows[i].label.value_or(false)) first_of_run_ = std::min(first_of_run_, now + delay_);
    }
    return end_run(rows.size());
  }

 private:
  // Hands the run before row `end` over; only then is known which of its rows have labels to come.
  Status end_run(size_t end) {
    std::span<FileRow> run = rows_.subspan(begin_, end - begin_);
    begin_ = end;
    first_of_run_ = EventTime::max();
    if (run.empty()) return {};
    TRY(sink_.payments(run));
    for (const FileRow& row : run) {
      if (row.is_conflict)
        source_.keep_conflict(row.file, row.line, row.payment.id());
      else if (row.label.value_or(false))
        labels_.add(row, delay_);
    }
    return {};
  }

  FileSource& source_;
  const Duration delay_;
  LabelQueue& labels_;
  HistorySink& sink_;
  std::span<FileRow> rows_;
  size_t begin_ = 0;                           // of the run
  EventTime first_of_run_ = EventTime::max();  // when the first of its labels is known
};

}  // namespace

Sighting admit(Core& core, FileRow& row, uint64_t sequence) {
  uint64_t earlier = 0;
  Sighting sighting = core.admit(row.payment, sequence, earlier);
  row.is_conflict = sighting == Sighting::conflict;
  return sighting;
}

Result<std::vector<PendingLabel>> play_history(FileSource& source, Duration label_delay,
                                               HistorySink& sink, const HistoryProgress& progress) {
  LabelQueue labels;
  FileBatch batch;
  uint64_t told = 0;
  for (;;) {
    TRY_ASSIGN(bool more, source.next(batch));
    if (!more) break;
    TRY(Player(source, label_delay, labels, sink).play({batch.rows.data(), batch.count}));
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
