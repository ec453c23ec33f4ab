#include "report/card_precision.h"

#include <algorithm>

#include "base/check.h"

namespace paywarden {
namespace {

struct CardOfDay {
  uint32_t card = 0;
  uint32_t order = 0;  // of appearance on the day
  double score = 0;
  bool is_fraud = false;
};

constexpr uint32_t kNotToday = UINT32_MAX;

class Days {
 public:
  Days(size_t cards, size_t k) : k_(k), found_(cards), index_(cards, kNotToday) {}

  DayPrecision judge(std::span<const ScoredPayment> day) {
    collect(day);
    auto frauds = static_cast<size_t>(std::ranges::count_if(today_, &CardOfDay::is_fraud));
    size_t looked_at = std::min(k_, today_.size());
    std::partial_sort(today_.begin(), today_.begin() + static_cast<ptrdiff_t>(looked_at),
                      today_.end(), [](const CardOfDay& a, const CardOfDay& b) {
                        return a.score != b.score ? a.score > b.score : a.order < b.order;
                      });
    size_t hits = 0;
    for (size_t i = 0; i < looked_at; ++i) {
      if (!today_[i].is_fraud) continue;
      found_[today_[i].card] = true;
      ++hits;
    }
    return {day.front().day, of_k(hits), of_k(std::min(frauds, k_))};
  }

 private:
  double of_k(size_t cards) const { return static_cast<double>(cards) / static_cast<double>(k_); }

  void collect(std::span<const ScoredPayment> day) {
    for (const CardOfDay& card : today_) index_[card.card] = kNotToday;
    today_.clear();
    for (const ScoredPayment& payment : day) {
      if (found_[payment.card]) continue;
      uint32_t& at = index_[payment.card];
      if (at == kNotToday) {
        at = static_cast<uint32_t>(today_.size());
        today_.push_back({payment.card, at, 0, false});
      }
      today_[at].score = std::max(today_[at].score, payment.score);
      today_[at].is_fraud = today_[at].is_fraud || payment.is_fraud;
    }
  }

  const size_t k_;
  std::vector<bool> found_;
  std::vector<uint32_t> index_;  // of a card in today_
  std::vector<CardOfDay> today_;
};

}  // namespace

std::vector<DayPrecision> card_precision_by_day(std::span<const ScoredPayment> payments,
                                                size_t cards, size_t k) {
  CHECK(k > 0, "at least one card is looked at");
  Days days(cards, k);
  std::vector<DayPrecision> precisions;
  for (size_t i = 0; i < payments.size();) {
    size_t first = i;
    while (i < payments.size() && payments[i].day == payments[first].day) ++i;
    precisions.push_back(days.judge(payments.subspan(first, i - first)));
  }
  return precisions;
}

}  // namespace paywarden
