// The cards' recent payments: collected for one batch of the log, inserted in bulk, kept within
// limits. Only for .cc files of this folder.
//
//   RecentWriter recent(options);
//   recent.load(sql);                              // once: how many rows there are
//   recent.add(sequence, payment, outcome, score);  // outcome -1: history, not decided
//   recent.flush(sql);                             // within the batch's transaction
//   recent.settle(committed);                      // then: what was collected is forgotten
#pragma once

#include <soci/soci.h>

#include <string>
#include <unordered_set>
#include <vector>

#include "notify/store_options.h"
#include "payment/payment.h"

namespace paywarden {

class RecentWriter {
 public:
  explicit RecentWriter(const StoreOptions& options) : options_(options) {}
  void load(soci::session& sql);
  void add(uint64_t sequence, const Payment& payment, int outcome, float score);
  void flush(soci::session& sql);
  void settle(bool committed);
  int64_t rows() const { return rows_; }

 private:
  void prune_cards(soci::session& sql);
  void prune_oldest(soci::session& sql);

  const StoreOptions& options_;
  int64_t rows_ = 0, rows_after_ = 0;  // committed; and once this batch is
  uint64_t flushes_ = 0;
  std::vector<long long> sequence_, event_time_, amount_minor_;
  std::vector<std::string> card_, payment_id_, currency_, merchant_, category_;
  std::vector<int> outcome_;
  std::vector<double> score_;
  std::unordered_set<std::string> cards_to_prune_;
};

}  // namespace paywarden
