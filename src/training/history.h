// Files as history: payments in their order, each fraud's label when it would have become known, `label_delay` after the
// payment and before the first payment that is not older. What training, replay and backfill have in common.
//
//   struct Sink : HistorySink { Status payments(std::span<FileRow> rows) override; Status label(...) override; };
//   TRY(play_history(*source, label_delay, sink, show_progress));
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "engine/core.h"
#include "intake/file_source.h"
#include "payment/label.h"

namespace paywarden {

class HistorySink {
 public:
  virtual ~HistorySink() = default;
  // A run of payments without a label between them, in file order. What the sink says is a conflict (FileRow::is_conflict) gets no
  // label, and is kept among the source's rejects.
  virtual Status payments(std::span<FileRow> rows) = 0;
  virtual Status label(const Label& label, const Payment& payment) = 0;
};

// Whether the core takes the row's payment as a new one; a conflict is marked as such.
Sighting admit(Core& core, FileRow& row, uint64_t sequence);

// Called about every 65,536 rows.
using HistoryProgress = std::function<void(const FileProgress&)>;

// Labels that no payment in the files is late enough for; in the order of their times.
struct PendingLabel {
  Label label;
  Payment payment;
};

Result<std::vector<PendingLabel>> play_history(FileSource& source, Duration label_delay,
                                               HistorySink& sink,
                                               const HistoryProgress& progress = {});

}  // namespace paywarden
