// For layouts_bench: a ring of raw events a key, and each window's count, sum, largest amount and
// distinct values kept up to date in the key's two lines. The largest amount is looked for again when
// it leaves its window.
#pragma once

#include "features/block_pool.h"
#include "features/layouts_memory.h"
#include "features/layouts_shape.h"

namespace paywarden {

template <Shape S>
class RawRing {
 public:
  explicit RawRing(size_t keys_max, size_t /*events_max*/) : table_(keys_max) {}

  void prefetch_slot(uint64_t key) const { table_.prefetch(key); }
  void prefetch_rows(uint64_t key) const {
    const Slot* s = table_.find(key);
    if (!s) return;
    prefetch(&at(*s, s->size));
    if (s->size == capacities_[s->size_class]) prefetch(&at(*s, 0));
    for (size_t w = 0; w < S.windows; ++w) prefetch(&at(*s, s->size - s->counts[w]));
  }

  void observe(const Arrival& a, int64_t watermark, float* out) {
    Slot& s = table_.find_or_insert(a.key);
    if (!s.ring) s.ring = reinterpret_cast<Event*>(pool_.take(0));
    if (s.size && a.time < at(s, s.size - 1u).time()) return late(s, a, out);
    append(s, a, watermark - S.retention());
    for (size_t w = 0; w < S.windows; ++w)
      out = write_window<S>({s.counts[w], s.distinct[w], s.sums[w], s.largest[w]}, w, out);
  }

  size_t keys() const { return table_.used(); }
  size_t bytes() const { return table_.bytes() + pool_.bytes_reserved(); }
  size_t bytes_of_history() const { return pool_.bytes_used(); }

 private:
  struct Event {
    int64_t time_and_repeated;  // lowest bit: the value comes again later
    int64_t amount;
    uint64_t value;
    int64_t time() const { return time_and_repeated >> 1; }
    bool repeated() const { return time_and_repeated & 1; }
  };
  struct alignas(64) Slot {
    uint64_t key;
    Event* ring;
    uint16_t head, size, size_class;
    uint16_t counts[kShapeWindows];
    uint16_t distinct[kShapeWindows];
    int64_t sums[kShapeWindows];
    int64_t largest[kShapeWindows];
  };
  static_assert(sizeof(Slot) == 128);

  Event& at(const Slot& s, uint32_t i) const {
    uint32_t place = s.head + i, capacity = capacities_[s.size_class];
    return s.ring[place >= capacity ? place - capacity : place];
  }

  void append(Slot& s, const Arrival& a, int64_t horizon) {
    for (size_t w = 0; w < S.windows; ++w) advance(s, w, a);
    if (s.size == capacities_[s.size_class]) make_room(s, horizon);
    if constexpr (S.any_distinct()) count_value(s, a.value);
    at(s, s.size) = {a.time << 1, a.amount, a.value};
    ++s.size;
    for (size_t w = 0; w < S.windows; ++w) {
      ++s.counts[w];
      s.sums[w] += a.amount;
    }
  }

  // Lets go what has left the window by `a`, and brings its largest amount up to date with `a`.
  void advance(Slot& s, size_t w, const Arrival& a) const {
    bool lost = s.counts[w] == 0;
    while (s.counts[w]) {
      const Event& oldest = at(s, s.size - s.counts[w]);
      if (oldest.time() > a.time - S.lengths[w]) break;
      --s.counts[w];
      s.sums[w] -= oldest.amount;
      lost |= oldest.amount == s.largest[w];
      if (S.has_distinct(w))
        s.distinct[w] = static_cast<uint16_t>(s.distinct[w] - !oldest.repeated());
    }
    if constexpr (!S.largest) return;
    if (s.counts[w] == 0 || a.amount >= s.largest[w]) {
      s.largest[w] = a.amount;
    } else if (lost) {
      s.largest[w] = a.amount;
      for (uint32_t i = s.size - s.counts[w]; i < s.size; ++i)
        s.largest[w] = std::max(s.largest[w], at(s, i).amount);
    }
  }

  void count_value(Slot& s, uint64_t value) const {
    uint32_t oldest = s.size - s.counts[S.windows - 1], seen = s.size;  // `seen`: behind the match
    const Event* before = &at(s, s.size);
    for (; seen > oldest; --seen) {
      before = before == s.ring ? s.ring + capacities_[s.size_class] - 1 : before - 1;
      if (before->value == value) break;
    }
    if (seen > oldest) at(s, seen - 1).time_and_repeated |= 1;
    for (size_t w = S.distinct_from; w < S.windows; ++w) {
      bool inside = seen > oldest && seen > static_cast<uint32_t>(s.size - s.counts[w]);
      s.distinct[w] = static_cast<uint16_t>(s.distinct[w] + !inside);
    }
  }

  void make_room(Slot& s, int64_t horizon) {
    while (s.size && at(s, 0).time() <= horizon) {
      s.head = static_cast<uint16_t>(s.head + 1u == capacities_[s.size_class] ? 0 : s.head + 1);
      --s.size;
    }
    if (s.size < capacities_[s.size_class]) return;
    auto* to = reinterpret_cast<Event*>(pool_.take(s.size_class + 1u));
    for (uint32_t i = 0; i < s.size; ++i) to[i] = at(s, i);
    pool_.give_back(reinterpret_cast<uint64_t*>(s.ring), s.size_class);
    s.ring = to;
    s.head = 0;
    ++s.size_class;
  }

  void late(Slot& s, const Arrival& a, float* out) {
    events_.clear();
    for (uint32_t i = 0; i < s.size; ++i)
      events_.push_back({a.key, at(s, i).time(), at(s, i).amount, at(s, i).value});
    size_t position = insert_by_time(events_, a);
    rescan<S>(events_, position, out);
    s.head = s.size = 0;
    for (size_t w = 0; w < S.windows; ++w) {
      s.counts[w] = s.distinct[w] = 0;
      s.sums[w] = 0;
    }
    for (const Arrival& e : events_) append(s, e, INT64_MIN);
  }

  FixedTable<Slot> table_;
  std::vector<uint32_t> capacities_ = block_capacities();
  BlockPool pool_{block_bytes(sizeof(Event))};
  std::vector<Arrival> events_;
};

}  // namespace paywarden
