#include "notify/recent_writer.h"

#include <algorithm>

namespace paywarden {
namespace {

using soci::into;
using soci::use;

// A card is cut back to its limit at one in so many of its payments: it exceeds the limit by a few,
// for a while.
constexpr uint64_t kPruneCardEvery = 16;
constexpr uint64_t kPruneOldestEvery = 8;  // batches
constexpr int64_t kPruneOldestRows =
    16'000;  // at a time: more than eight batches bring, and still a few ms

long long deleted(soci::statement& statement) {
  statement.execute(true);
  return statement.get_affected_rows();
}

}  // namespace

void RecentWriter::load(soci::session& sql) {
  long long rows = 0;
  sql << "SELECT COUNT(*) FROM recent_payment", into(rows);
  rows_ = rows_after_ = rows;
}

void RecentWriter::add(uint64_t sequence, const Payment& p, int outcome, float score) {
  sequence_.push_back(static_cast<long long>(sequence));
  event_time_.push_back(p.event_time.ms());
  amount_minor_.push_back(p.amount_minor);
  card_.push_back(p.card.hex());
  payment_id_.emplace_back(p.id());
  currency_.emplace_back(p.currency.code());
  merchant_.emplace_back(p.merchant());
  category_.emplace_back(p.text(field::category));
  outcome_.push_back(outcome);
  score_.push_back(score);
  if (hash64({reinterpret_cast<const char*>(&sequence), sizeof sequence}) % kPruneCardEvery == 0)
    cards_to_prune_.insert(card_.back());
}

void RecentWriter::flush(soci::session& sql) {
  rows_after_ = rows_ + static_cast<int64_t>(sequence_.size());
  if (sequence_.empty()) return;
  sql << "INSERT INTO recent_payment (sequence, card, payment_id, event_time, amount_minor, "
         "currency, merchant, "
         "category, outcome, score) VALUES (:sequence, :card, :payment, :time, :amount, :currency, "
         ":merchant, "
         ":category, :outcome, :score) ON CONFLICT DO NOTHING",
      use(sequence_), use(card_), use(payment_id_), use(event_time_), use(amount_minor_),
      use(currency_), use(merchant_), use(category_), use(outcome_), use(score_);
  prune_cards(sql);
  if (++flushes_ % kPruneOldestEvery == 0) prune_oldest(sql);
}

void RecentWriter::prune_cards(soci::session& sql) {
  std::string card;
  long long keep = options_.recent_per_card;
  soci::statement cut =
      (sql.prepare
           << "DELETE FROM recent_payment WHERE card = :card AND sequence <= (SELECT sequence FROM "
              "recent_payment WHERE card = :same ORDER BY sequence DESC LIMIT 1 OFFSET :keep)",
       use(card), use(card), use(keep));
  for (const std::string& one : cards_to_prune_) {
    card = one;
    rows_after_ -= deleted(cut);
  }
}

// By age, against the oldest event time of this batch: late arrivals only delay it, one far-off
// date cannot empty the table. By count: whatever is too much goes, oldest first.
void RecentWriter::prune_oldest(soci::session& sql) {
  long long most = kPruneOldestRows;
  long long before =
      *std::min_element(event_time_.begin(), event_time_.end()) - options_.recent_age_max.ms();
  soci::statement by_age =
      (sql.prepare
           << "DELETE FROM recent_payment WHERE sequence IN (SELECT sequence FROM recent_payment "
              "ORDER BY sequence LIMIT :most) AND event_time < :before",
       use(most), use(before));
  rows_after_ -= deleted(by_age);
  long long excess = std::min(rows_after_ - options_.recent_rows_max, kPruneOldestRows);
  if (excess <= 0) return;
  soci::statement by_count =
      (sql.prepare << "DELETE FROM recent_payment WHERE sequence IN (SELECT sequence FROM "
                      "recent_payment ORDER BY sequence LIMIT :excess)",
       use(excess));
  rows_after_ -= deleted(by_count);
}

void RecentWriter::settle(bool committed) {
  if (committed) rows_ = rows_after_;
  for (auto* column : {&sequence_, &event_time_, &amount_minor_}) column->clear();
  for (auto* column : {&card_, &payment_id_, &currency_, &merchant_, &category_}) column->clear();
  outcome_.clear();
  score_.clear();
  cards_to_prune_.clear();
}

}  // namespace paywarden
