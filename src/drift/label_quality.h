// Precision and recall of the alerts (review and decline) by UTC day of the payments, as labels come in. A day counts once
// all its payments are older than the label delay: what has no label by then is genuine.
//
//   LabelQuality quality(label_delay);
//   quality.decided(payment_time, alerted);
//   quality.labelled(payment_time, alerted, +1);      // -1: a word of fraud was taken back
//   if (auto day = quality.newest_finished()) use(day->precision(), day->recall());
//
// Labels that come later still count, as long as the day is kept. 40 bytes a day. One thread.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>

#include "base/byte_io.h"
#include "base/time.h"

namespace paywarden {

struct QualityDay {
  int32_t day = 0;  // since 1970-01-01
  uint64_t payments = 0, alerts = 0;
  uint64_t frauds_alerted = 0, frauds_missed = 0;

  // NaN where there is nothing to divide by.
  double precision() const { return ratio(frauds_alerted, alerts); }
  double recall() const { return ratio(frauds_alerted, frauds_alerted + frauds_missed); }

 private:
  static double ratio(uint64_t a, uint64_t b) {
    return b ? static_cast<double>(a) / static_cast<double>(b)
             : std::numeric_limits<double>::quiet_NaN();
  }
};

class LabelQuality {
 public:
  static constexpr int32_t kDaysBehind =
      8;  // kept beyond the label delay, for labels that come late
  explicit LabelQuality(Duration label_delay);

  void decided(EventTime payment, bool alerted);
  // Of a payment that decided() was told of; `frauds`: +1 or -1.
  void labelled(EventTime payment, bool alerted, int frauds);
  std::optional<QualityDay> newest_finished() const;

  void save(ByteWriter& out) const;
  bool load(ByteReader& in);  // false: damaged; nothing is counted then

 private:
  bool is_kept(int32_t day) const;

  Duration label_delay_;
  int32_t days_max_;
  EventTime newest_ = EventTime::min();
  std::map<int32_t, QualityDay> days_;
};

}  // namespace paywarden
