// The stream of payments that the benchmarks of window state see.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/cpu_time.h"
#include "base/hash.h"
#include "base/random.h"
#include "features/window_state.h"

namespace paywarden {

inline double median(std::vector<double> values) {
  auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// What the state of one key needs of a payment.
struct Arrival {
  uint64_t key;
  int64_t time;    // ms
  int64_t amount;  // minor units
  uint64_t value;  // stands for the merchant
};

inline constexpr size_t kStreamKeysMax = 3;
struct StreamItem {
  Payment payment;
  Arrival by[kStreamKeysMax];
};

// Payments in order of time, but for one in a thousand that comes up to two hours late. A card's rank
// decides how often it pays: 1 % of payments are by 0.1 % of cards (300 in 30 days), 45 % by 10 %, 45 %
// by half of them, 9 % by any. Seven in ten go to one of the card's ten usual merchants, the others to
// any, with the same shares; 20 cards to one merchant. Nine in ten are made with the card's own device.
class PaymentStream {
 public:
  PaymentStream(uint64_t cards, double live_events_a_card, const WindowState& keys,
                FieldIndex device)
      : cards_(cards),
        gap_ms_(static_cast<double>(days(31).ms()) /
                (static_cast<double>(cards) * live_events_a_card)),
        keys_(keys),
        device_(device) {}

  void next(StreamItem& item, PaymentKeys& keys) {
    now_ms_ += gap_ms_ * 2 * random_.unit();
    uint64_t card = pick(cards_), merchant = merchant_for(card);
    uint64_t device = random_.chance(0.9) ? card : pick(cards_);
    Payment& p = item.payment;
    p.reset(static_cast<FieldIndex>(device_ + 1));
    p.event_time = EventTime(static_cast<int64_t>(now_ms_) -
                             (random_.chance(0.001) ? random_.between(0, hours(2).ms()) : 0));
    uint64_t token[2] = {hash_combine(1, card), hash_combine(2, card)};
    std::memcpy(p.card.bytes.data(), token, sizeof(token));
    p.amount_base_minor = p.amount_minor =
        1 + static_cast<int64_t>(10'000 * random_.unit() / (1.01 - random_.unit()));
    set(p, field::merchant, merchant);
    set(p, device_, device);
    keys_.keys_of(p, keys);
    for (size_t g = 0; g < keys_.group_count(); ++g)
      item.by[g] = {keys.refs[g].key, p.event_time.ms(), p.amount_base_minor,
                    hash_combine(3, merchant)};
  }
  double events_in(int64_t span_ms) const { return static_cast<double>(span_ms) / gap_ms_; }

 private:
  uint64_t pick(uint64_t n) {
    double r = random_.unit();
    double share = r < 0.01 ? 0.001 : r < 0.46 ? 0.1 : r < 0.91 ? 0.5 : 1;
    return random_.below(
        std::max<uint64_t>(static_cast<uint64_t>(static_cast<double>(n) * share), 1));
  }
  uint64_t merchant_for(uint64_t card) {
    uint64_t merchants = std::max<uint64_t>(cards_ / 20, 1);
    if (random_.chance(0.3)) return pick(merchants);
    return hash_combine(card, random_.below(10)) % merchants;
  }
  static void set(Payment& p, FieldIndex f, uint64_t n) {
    char text[24];
    char* end = fmt::format_to(text, "{:016x}", hash_combine(f, n));
    p.set_text(f, {text, static_cast<size_t>(end - text)});
  }

  uint64_t cards_;
  double gap_ms_;
  const WindowState& keys_;
  FieldIndex device_;
  Random random_{7};
  double now_ms_ = 1.6e12;
};

}  // namespace paywarden
