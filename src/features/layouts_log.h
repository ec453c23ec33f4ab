// For layouts_bench: one append-only log of all keys' events, a key's events chained through it from
// oldest to newest, windows as positions in the log and running counts and sums in the key's two
// lines. What a window asks about single values (the largest, distinct ones) walks the chain. The
// chain points forward too, since windows move forward; the log's oldest events take leave of their
// key when they expire, or a chain would begin in memory that is used again.
#pragma once

#include "features/layouts_memory.h"
#include "features/layouts_shape.h"

namespace paywarden {

template <Shape S>
class ChainedLog {
 public:
  explicit ChainedLog(size_t keys_max, size_t events_max)
      : table_(keys_max), capacity_(static_cast<uint32_t>(events_max)), log_(events_max) {}

  void prefetch_slot(uint64_t key) const { table_.prefetch(key); }
  void prefetch_rows(uint64_t key) const {
    const Slot* s = table_.find(key);
    if (!s || s->newest == kNone) return;
    prefetch(&log_[s->newest]);
    for (size_t w = 0; w < S.windows; ++w) {
      if (s->tails[w] != kNone) prefetch(&log_[s->tails[w]]);
      if (S.largest && s->largest[w] != kNone) prefetch(&log_[s->largest[w]]);
    }
  }

  void observe(const Arrival& a, int64_t watermark, float* out) {
    expire(watermark - S.retention());
    Slot& s = table_.find_or_insert(a.key);
    if (!s.known) start(s);
    if (s.newest != kNone && a.time < log_[s.newest].time()) return late(s, a, out);
    uint32_t position = write(s, a);
    link(s, position, s.newest, kNone);
    count_in(s, position);
    for (size_t w = 0; w < S.windows; ++w) out = write_window<S>(values(s, w), w, out);
  }

  size_t keys() const { return table_.used(); }
  size_t bytes() const { return table_.bytes() + bytes_of_history(); }
  size_t bytes_of_history() const { return size_ * sizeof(Event); }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kExpiryAhead =
      32;  // events whose keys are prefetched before they expire
  struct Event {
    int64_t time_and_repeated;  // lowest bit: the value comes again later
    int64_t amount;
    uint64_t value;
    uint32_t previous, next;  // positions of the key's neighbouring events by time
    uint32_t slot;
    int64_t time() const { return time_and_repeated >> 1; }
    bool repeated() const { return time_and_repeated & 1; }
  };
  static_assert(sizeof(Event) == 40);
  struct alignas(64) Slot {
    uint64_t key;
    uint32_t oldest, newest;
    uint32_t
        tails[kShapeWindows];  // the first event within the window; only where its count is not 0
    uint32_t largest[kShapeWindows];
    uint16_t counts[kShapeWindows];
    uint16_t distinct[kShapeWindows];
    uint16_t known;
    int64_t sums[kShapeWindows];
  };
  static_assert(sizeof(Slot) == 128);

  void start(Slot& s) const {
    s.known = 1;
    s.oldest = s.newest = kNone;
    clear(s);
  }
  void clear(Slot& s) const {
    for (size_t w = 0; w < S.windows; ++w) {
      s.tails[w] = s.largest[w] = kNone;
      s.counts[w] = s.distinct[w] = 0;
      s.sums[w] = 0;
    }
  }

  uint32_t wrapped(uint32_t position) const {
    return position >= capacity_ ? position - capacity_ : position;
  }

  uint32_t write(const Slot& s, const Arrival& a) {
    CHECK(size_ < capacity_, "the benchmark's log is full");
    uint32_t position = wrapped(front_ + size_++);
    log_[position] = {a.time << 1, a.amount, a.value, kNone, kNone, table_.index_of(s)};
    return position;
  }

  void link(Slot& s, uint32_t position, uint32_t before, uint32_t behind) const {
    log_[position].previous = before;
    log_[position].next = behind;
    (before == kNone ? s.oldest : log_[before].next) = position;
    (behind == kNone ? s.newest : log_[behind].previous) = position;
  }

  void expire(int64_t horizon) {
    while (size_ && log_[front_].time() <= horizon) {
      Slot& s = table_[log_[front_].slot];
      while (s.oldest != kNone && log_[s.oldest].time() <= horizon) take_leave(s);
      front_ = wrapped(front_ + 1);
      --size_;
      if (size_ > kExpiryAhead) prefetch_expiry(log_[wrapped(front_ + kExpiryAhead)]);
    }
  }
  void prefetch_expiry(const Event& event) const {
    const char* slot = reinterpret_cast<const char*>(&table_[event.slot]);
    prefetch(slot);
    prefetch(slot + 64);
  }
  void take_leave(Slot& s) const {
    uint32_t leaving = s.oldest;
    for (size_t w = 0; w < S.windows; ++w)
      if (s.counts[w] && s.tails[w] == leaving) drop_tail(s, w);
    s.oldest = log_[leaving].next;
    if (s.oldest == kNone) s.newest = kNone;
  }

  void drop_tail(Slot& s, size_t w) const {
    const Event& e = log_[s.tails[w]];
    --s.counts[w];
    s.sums[w] -= e.amount;
    if (S.has_distinct(w)) s.distinct[w] = static_cast<uint16_t>(s.distinct[w] - !e.repeated());
    if (S.largest && s.largest[w] == s.tails[w]) s.largest[w] = kNone;
    s.tails[w] = e.next;
  }

  // Counts the event in, which is linked and newer than all that are counted.
  void count_in(Slot& s, uint32_t position) const {
    const Event& own = log_[position];
    for (size_t w = 0; w < S.windows; ++w)
      while (s.counts[w] && log_[s.tails[w]].time() <= own.time() - S.lengths[w]) drop_tail(s, w);
    if constexpr (S.any_distinct()) count_value(s, position);
    for (size_t w = 0; w < S.windows; ++w) {
      if (s.counts[w]++ == 0) s.tails[w] = position;
      s.sums[w] += own.amount;
      if constexpr (S.largest) update_largest(s, w, position);
    }
  }

  void count_value(Slot& s, uint32_t position) const {
    const Event& own = log_[position];
    constexpr size_t longest = S.windows - 1;
    uint32_t seen = own.previous, left = s.counts[longest];
    for (; left && log_[seen].value != own.value; --left) seen = log_[seen].previous;
    if (!left) seen = kNone;
    if (seen != kNone) log_[seen].time_and_repeated |= 1;
    for (size_t w = S.distinct_from; w < S.windows; ++w) {
      bool inside = seen != kNone && log_[seen].time() > own.time() - S.lengths[w];
      s.distinct[w] = static_cast<uint16_t>(s.distinct[w] + !inside);
    }
  }

  void update_largest(Slot& s, size_t w, uint32_t position) const {
    uint32_t& best = s.largest[w];
    if (best == kNone) {
      best = s.tails[w];
      for (uint32_t at = best; at != position;) {
        at = log_[at].next;
        if (log_[at].amount >= log_[best].amount) best = at;
      }
    } else if (log_[position].amount >= log_[best].amount) {
      best = position;
    }
  }

  WindowValues values(const Slot& s, size_t w) const {
    WindowValues v{s.counts[w], s.distinct[w], s.sums[w]};
    if constexpr (S.largest) v.largest = log_[s.largest[w]].amount;
    return v;
  }

  void late(Slot& s, const Arrival& a, float* out) {
    uint32_t position = write(s, a), before = kNone;
    events_.clear();
    for (uint32_t at = s.oldest; at != kNone; at = log_[at].next) {
      events_.push_back({a.key, log_[at].time(), log_[at].amount, log_[at].value});
      if (log_[at].time() <= a.time) before = at;
    }
    size_t order = insert_by_time(events_, a);
    rescan<S>(events_, order, out);
    link(s, position, before, before == kNone ? s.oldest : log_[before].next);
    clear(s);
    for (uint32_t at = s.oldest; at != kNone; at = log_[at].next) {
      log_[at].time_and_repeated &= ~int64_t{1};
      count_in(s, at);
    }
  }

  FixedTable<Slot> table_;
  uint32_t capacity_;
  HugeArray<Event> log_;
  uint32_t front_ = 0, size_ = 0;
  std::vector<Arrival> events_;
};

}  // namespace paywarden
