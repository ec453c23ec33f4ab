// How often a shadow model would have decided otherwise: decisions by their outcome and the shadow's. Any thread.
//
//   counts.add(decision);                 // of decisions without a shadow nothing is counted
//   counts.of(Outcome::review, Outcome::approve)
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "payment/decision.h"

namespace paywarden {

class ShadowCounts {
 public:
  void add(const Decision& decision) {
    if (decision.shadow.model.empty()) return;
    Outcome acted = decision.observed ? decision.would_be : decision.outcome;
    cells_[place(acted, decision.shadow.outcome)].fetch_add(1, std::memory_order_relaxed);
  }
  uint64_t of(Outcome acted, Outcome shadow) const {
    return cells_[place(acted, shadow)].load(std::memory_order_relaxed);
  }

 private:
  static size_t place(Outcome acted, Outcome shadow) {
    return static_cast<size_t>(acted) * 3 + static_cast<size_t>(shadow);
  }
  std::array<std::atomic<uint64_t>, 9> cells_{};
};

}  // namespace paywarden
