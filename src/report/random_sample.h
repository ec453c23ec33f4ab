// Samples out of a seed, for tests and benchmarks.
//
//   Sample sample = test::random_sample({.payments = 1'000, .score_levels = 20}, seed);
//
// Frauds score higher than genuine payments, with plenty on the wrong side; the same seed gives the
// same sample.
#pragma once

#include <cmath>

#include "base/random.h"
#include "report/scored_payment.h"

namespace paywarden::test {

inline Currency euro() {
  return *Currency::parse("EUR");
}

struct RandomSample {
  size_t payments = 1'000;
  double fraud_share = 0.05;
  uint32_t score_levels = 50;  // few levels, many ties
  uint32_t cards = 40;
  int32_t days = 10;
};

inline Outcome outcome_at(double score) {
  if (score >= 0.8) return Outcome::decline;
  return score >= 0.5 ? Outcome::review : Outcome::approve;
}

inline ScoredPayment random_payment(const RandomSample& wanted, Random& random) {
  ScoredPayment p;
  p.is_fraud = random.unit() < wanted.fraud_share;
  double raw = p.is_fraud ? std::sqrt(random.unit()) : std::pow(random.unit(), 3);
  p.score = std::round(raw * wanted.score_levels) / wanted.score_levels;
  p.amount_minor = static_cast<int64_t>(random.unit() * 100'000);
  p.card = static_cast<uint32_t>(random.unit() * wanted.cards);
  p.day = 18'000 + static_cast<int32_t>(random.unit() * wanted.days);
  p.outcome = outcome_at(p.score);
  return p;
}

inline Sample random_sample(const RandomSample& wanted, uint64_t seed) {
  Random random(seed);
  Sample sample;
  sample.cards = wanted.cards;
  sample.currency = euro();
  sample.first = EventTime(18'000 * days(1).ms());
  sample.last = sample.first + days(wanted.days);
  for (size_t i = 0; i < wanted.payments; ++i) {
    sample.payments.push_back(random_payment(wanted, random));
    sample.payments.back().position = static_cast<uint32_t>(i);
  }
  return sample;
}

}  // namespace paywarden::test
