#include "drift/label_quality.h"

#include <algorithm>

namespace paywarden {

LabelQuality::LabelQuality(Duration label_delay)
    : label_delay_(label_delay),
      days_max_(static_cast<int32_t>(label_delay.ms() / days(1).ms()) + 1 + kDaysBehind) {}

bool LabelQuality::is_kept(int32_t day) const {
  return day_of(newest_) - day < days_max_;
}

void LabelQuality::decided(EventTime payment, bool alerted) {
  int32_t day = day_of(payment);
  if (payment > newest_) {
    newest_ = payment;
    while (!days_.empty() && !is_kept(days_.begin()->first)) days_.erase(days_.begin());
  }
  if (!is_kept(day)) return;
  QualityDay& counted = days_[day];
  counted.day = day;
  ++counted.payments;
  counted.alerts += alerted;
}

void LabelQuality::labelled(EventTime payment, bool alerted, int frauds) {
  auto at = days_.find(day_of(payment));
  if (at == days_.end()) return;
  uint64_t& count = alerted ? at->second.frauds_alerted : at->second.frauds_missed;
  if (frauds > 0)
    ++count;
  else if (frauds < 0 && count > 0)
    --count;
}

std::optional<QualityDay> LabelQuality::newest_finished() const {
  for (auto at = days_.rbegin(); at != days_.rend(); ++at) {
    EventTime end = day_start(at->first) + days(1);
    if (end + label_delay_ <= newest_) return at->second;
  }
  return std::nullopt;
}

void LabelQuality::save(ByteWriter& out) const {
  out.i64(newest_.ms());
  out.varint(days_.size());
  for (const auto& [day, counted] : days_) {
    out.svarint(day);
    for (uint64_t n :
         {counted.payments, counted.alerts, counted.frauds_alerted, counted.frauds_missed})
      out.varint(n);
  }
}

bool LabelQuality::load(ByteReader& in) {
  days_.clear();
  newest_ = EventTime(in.i64());
  uint64_t count = in.varint();
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    QualityDay counted;
    counted.day = static_cast<int32_t>(in.svarint());
    for (uint64_t* n :
         {&counted.payments, &counted.alerts, &counted.frauds_alerted, &counted.frauds_missed})
      *n = in.varint();
    if (is_kept(counted.day)) days_[counted.day] = counted;
  }
  if (in.ok()) return true;
  days_.clear();
  newest_ = EventTime::min();
  return false;
}

}  // namespace paywarden
