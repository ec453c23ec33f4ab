// Decisions by payment id: about 47 bytes each, whatever the ids' length. Remembers of an id only
// its hash (80 bits: among ten million ids one pair in 10^10 tables is taken for the same).
//
//   DecisionTable table;
//   size_t number = table.add("p1", 0.93, Outcome::decline);   // 0: the first decision
//   ScoredPayment* decided = table.find("p1");                 // null: none
//   std::vector<ScoredPayment> all = table.take();
//
// One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "report/scored_payment.h"

namespace paywarden {

class DecisionTable {
 public:
  static constexpr uint32_t kUnmatched = UINT32_MAX;  // `position` of what no payment was found for
  static constexpr size_t kDecisionsMax = kUnmatched - 1;

  DecisionTable();
  // How many decisions there will probably be; more are taken as well, at the price of moving all.
  void reserve(size_t decisions);

  // The number of the decision that stands for this id already, counted from 0; else the new one's
  // own.
  size_t add(std::string_view payment_id, double score, Outcome outcome);
  ScoredPayment* find(std::string_view payment_id);
  size_t size() const { return decisions_.size(); }
  // All decisions in the order in which they were added; leaves the table empty.
  std::vector<ScoredPayment> take();

 private:
  struct Key {
    uint64_t hash;
    uint16_t check;
  };
  static Key key_of(std::string_view payment_id);
  size_t slot_of(const Key& key) const;  // the one that holds it, or the empty one where it belongs
  void set_slots(size_t count);          // a power of two

  std::vector<ScoredPayment> decisions_;
  std::vector<uint32_t>
      slots_;  // index into decisions_, or kUnmatched; a power of two of them, at most 3/4 full
};

}  // namespace paywarden
