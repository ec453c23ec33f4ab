#include "engine/label_book.h"

#include <algorithm>
#include <vector>

namespace paywarden {

LabelChange LabelBook::learn(Hash128 id, EventTime payment_time, bool is_fraud) {
  auto [at, fresh] = known_.try_emplace(id, Known{payment_time, is_fraud});
  oldest_ = std::min(oldest_, payment_time);
  if (fresh) return {is_fraud ? 1 : 0, 1};
  int change = static_cast<int>(is_fraud) - static_cast<int>(at->second.is_fraud);
  at->second.is_fraud = is_fraud;
  return {change, 0};
}

void LabelBook::wait(Hash128 id, bool is_fraud) {
  waiting_[id] = {is_fraud, ++turn_};
  queue_.emplace_back(id, turn_);
  if (queue_.size() > 2 * options_.waiting_max)
    std::erase_if(queue_, [&](const auto& e) { return overtaken(e); });
  while (waiting_.size() > options_.waiting_max) {
    auto oldest = queue_.front();
    queue_.pop_front();
    if (overtaken(oldest)) continue;
    waiting_.erase(oldest.first);
    ++dropped_;
  }
}

bool LabelBook::overtaken(const std::pair<Hash128, uint64_t>& queued) const {
  auto at = waiting_.find(queued.first);
  return at == waiting_.end() || at->second.turn != queued.second;
}

std::optional<bool> LabelBook::take_waiting(Hash128 id) {
  auto at = waiting_.find(id);
  if (at == waiting_.end()) return std::nullopt;
  bool is_fraud = at->second.is_fraud;
  waiting_.erase(at);
  return is_fraud;
}

// Once a day of event time is often enough: what is forgotten late is only memory.
void LabelBook::expire(EventTime watermark) {
  if (watermark - expired_ < days(1)) return;
  expired_ = watermark;
  const EventTime last = watermark - options_.horizon;
  if (oldest_ > last) return;
  oldest_ = EventTime::max();
  std::erase_if(known_, [&](const auto& e) {
    bool forgotten = e.second.payment_time <= last;
    if (!forgotten) oldest_ = std::min(oldest_, e.second.payment_time);
    return forgotten;
  });
}

uint64_t LabelBook::state_hash() const {
  uint64_t sum = static_cast<uint64_t>(expired_.ms());
  for (const auto& [id, word] : known_)
    sum += hash_combine(hash_combine(id.low, id.high),
                        static_cast<uint64_t>(word.payment_time.ms()) * 2 + word.is_fraud);
  for (const auto& [id, word] : waiting_)
    sum += hash_combine(hash_combine(id.high, id.low), 7 + word.is_fraud);
  return sum;
}

void LabelBook::save(ChunkedWriter& out) const {
  ByteWriter& w = out.bytes();
  w.i64(expired_.ms());
  w.u64(known_.size());
  for (const auto& [id, word] : known_) {
    w.u64(id.low);
    w.u64(id.high);
    w.i64(word.payment_time.ms());
    w.u8(word.is_fraud);
    out.checkpoint();
  }
  w.u64(waiting_.size());
  for (const auto& queued : queue_) {
    if (overtaken(queued)) continue;
    w.u64(queued.first.low);
    w.u64(queued.first.high);
    w.u8(waiting_.at(queued.first).is_fraud);
    out.checkpoint();
  }
}

bool LabelBook::load(ByteReader& in) {
  expired_ = EventTime(in.i64());
  uint64_t known = in.u64();
  for (uint64_t i = 0; i < known && in.ok(); ++i) {
    Hash128 id{in.u64(), in.u64()};
    EventTime time(in.i64());
    known_[id] = {time, in.u8() != 0};
    oldest_ = std::min(oldest_, time);
  }
  uint64_t waiting = in.u64();
  for (uint64_t i = 0; i < waiting && in.ok(); ++i) {
    Hash128 id{in.u64(), in.u64()};
    wait(id, in.u8() != 0);
  }
  return in.ok();
}

}  // namespace paywarden
