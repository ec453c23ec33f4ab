// Stops a model that suddenly declines everybody: counts its declines among the last payments and
// engages when their share is beyond anything that fraud explains. Then the model's declines become
// reviews, until someone resets it.
//
//   DeclineGuard guard(GuardOptions{});
//   if (guard.record(score >= threshold)) ...   // it has just engaged: log it, tell someone
//
// A pure state: the same payments in the same order give the same guard.
#pragma once

#include <cstdint>
#include <vector>

#include "base/byte_io.h"
#include "base/result.h"

namespace paywarden {

struct GuardOptions {
  // Payments; at 50 a second 20 s: soon enough, and 1,000 give the share to about 1 %.
  uint32_t window = 1000;
  uint32_t seen_min = 100;  // payments before it may engage: fewer say little of a share
  // Of the payments seen, above which it engages; 1 switches the guard off. Fraud is under 1 % of
  // payments and a usual model declines under 2 %: a fifth is a broken model or feed, or an attack
  // that people must look at anyway.
  double share_max = 0.2;
};
Status check_guard(const GuardOptions& options);

class DeclineGuard {
 public:
  explicit DeclineGuard(const GuardOptions& options);  // checked ones

  // One more payment; true: the guard has engaged with this one, which is guarded already.
  bool record(bool model_declines);
  void reset();  // lets go, and forgets the payments before: seen_min are needed again

  bool engaged() const { return engaged_; }
  uint32_t seen() const { return count_; }         // payments counted, at most the window
  uint32_t declines() const { return declines_; }  // the model's, among them

  void encode(ByteWriter& out) const;
  // A state of another window keeps the latest payments. False: damaged, and nothing has changed.
  bool restore(ByteReader& in);

 private:
  GuardOptions options_;
  std::vector<bool> declined_;  // a ring
  uint32_t next_ = 0, count_ = 0, declines_ = 0;
  bool engaged_ = false;
};

}  // namespace paywarden
