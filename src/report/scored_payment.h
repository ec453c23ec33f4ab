// A payment with its score, its outcome and the truth: what the metrics are made of, 40 bytes each.
//
//   Sample sample = *join_decisions(std::move(table), source, options);
//   for (const ScoredPayment& p : sample.payments) use(p.score, p.is_fraud);
//   sample.hardest_misses.front().payment_id   // the fraud with the lowest score
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "payment/decision.h"
#include "payment/money.h"

namespace paywarden {

struct ScoredPayment {
  double score = 0;          // 0..1, as the file says and not rounded to float: ties stay ties
  int64_t amount_minor = 0;  // in the base currency; 0 where there is no rate to it
  uint64_t id_hash = 0;      // with id_check: 80 bits of the payment's id
  uint32_t card = 0;         // from 0, in the order of appearance
  uint32_t position = 0;     // in the data, from 0
  int32_t day = 0;           // days since 1970-01-01, UTC
  uint16_t id_check = 0;
  Outcome outcome = Outcome::approve;
  bool is_fraud = false;
};
static_assert(sizeof(ScoredPayment) == 40, "ten million payments take 400 MB");

// One payment that someone should look at. Its texts come from outside.
struct Case {
  std::string payment_id;
  EventTime time;
  int64_t amount_minor = 0;
  Currency currency;  // the payment's own
  std::string card;   // masked
  std::string category;
  double score = 0;
  Outcome outcome = Outcome::approve;
  std::vector<std::string> reasons{};  // sentences, the strongest first (case_reasons.h)
};

struct SampleNotes {
  uint64_t before_from = 0;       // payments older than asked for: left out, decided or not
  uint64_t refused = 0;           // records that are no payment; the rejects file says why
  uint64_t repeated = 0;          // payments whose id stood in the data before: the first counts
  uint64_t decisions_unused = 0;  // of payments that are not in the data, or older than asked for
  uint64_t without_rate = 0;      // payments in a currency without a rate: no money counted
  uint64_t unlabelled = 0;        // payments without a label: counted as genuine
};

struct Sample {
  std::vector<ScoredPayment> payments;
  EventTime first, last;  // by event time
  uint32_t cards = 0;
  Currency currency;                // of amount_minor
  std::vector<std::string> models;  // that the decisions name; the first few
  SampleNotes notes;
  std::vector<Case> hardest_misses;    // frauds with the lowest scores, lowest first
  std::vector<Case> costliest_misses;  // approved frauds, largest amount first
  std::vector<Case> loudest_alarms;    // genuine payments with the highest scores, highest first
};

}  // namespace paywarden
