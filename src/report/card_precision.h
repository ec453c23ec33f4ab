// Card Precision@k: of the k most suspicious cards of each day, how many had a fraud (Fraud
// Detection Handbook, chapter 4).
//
//   std::vector<DayPrecision> days = card_precision_by_day(payments, cards, 100);
//
// `payments` are sorted by day, then position.
//
// A card's score of a day is that of its most suspicious payment; of equal ones the card that paid
// first comes first. A card whose fraud was found is left out of the days after: its holder has a
// new one. Days without payments are not among the answers. Fewer cards than k a day still count as
// k looked at. `possible` is what a perfect ranking would have given on that day.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "report/scored_payment.h"

namespace paywarden {

struct DayPrecision {
  int32_t day = 0;
  double precision = 0;
  double possible = 0;
};

std::vector<DayPrecision> card_precision_by_day(std::span<const ScoredPayment> payments,
                                                size_t cards, size_t k);

}  // namespace paywarden
