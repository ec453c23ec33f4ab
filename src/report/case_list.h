// The few cases of highest rank among any number, in bounded memory.
//
//   CaseList misses(25);
//   if (misses.admits(-score)) misses.add(-score, make_case());
//   std::vector<Case> first = misses.take();     // highest rank first; of equals the earlier one
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "report/scored_payment.h"

namespace paywarden {

class CaseList {
 public:
  explicit CaseList(size_t most) : most_(most) {}

  bool admits(double rank) const {
    return entries_.size() < most_ || (most_ > 0 && rank > entries_.front().rank);
  }
  void add(double rank, Case chosen) {
    if (!admits(rank)) return;
    if (entries_.size() == most_) {
      std::pop_heap(entries_.begin(), entries_.end(), before);
      entries_.pop_back();
    }
    entries_.push_back({rank, count_++, std::move(chosen)});
    std::push_heap(entries_.begin(), entries_.end(), before);
  }
  std::vector<Case> take() {
    std::sort_heap(entries_.begin(), entries_.end(), before);
    std::vector<Case> cases;
    for (Entry& entry : entries_) cases.push_back(std::move(entry.chosen));
    entries_.clear();
    return cases;
  }

 private:
  struct Entry {
    double rank;
    uint64_t number;
    Case chosen;
  };
  static bool before(const Entry& a, const Entry& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.number < b.number;
  }
  const size_t most_;
  uint64_t count_ = 0;
  std::vector<Entry> entries_;  // a heap, the lowest rank on top
};

}  // namespace paywarden
