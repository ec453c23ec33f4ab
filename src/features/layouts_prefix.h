// For layouts_bench: KeyGroup's own layout for fixed features, as a compiler would write it: rows with
// prefix sums, tails and running values in one line a key. Tells what the layout costs and what the
// reading of declarations does. With tags, a byte of each row's value stands in an array of its own
// behind the rows: an earlier payment at the same merchant is then found by memrchr.
#pragma once

#include <cstring>

#include "features/block_pool.h"
#include "features/layouts_memory.h"
#include "features/layouts_shape.h"

namespace paywarden {

template <Shape S, bool kTagged>
class PrefixRowsOf {
 public:
  explicit PrefixRowsOf(size_t keys_max, size_t /*events_max*/) : table_(keys_max) {}

  void prefetch_slot(uint64_t key) const { table_.prefetch(key); }
  void prefetch_rows(uint64_t key) const {
    const Slot* s = table_.find(key);
    if (!s) return;
    prefetch(&s->rows[s->end - 1]);
    prefetch(&s->rows[s->end]);
    if constexpr (kTagged) prefetch(tags(*s) + s->end);
    for (size_t w = 0; w < S.windows; ++w) {
      prefetch(&s->rows[s->tails[w]]);
      prefetch(&s->rows[s->tails[w] + 1]);
      if constexpr (S.largest) prefetch(&s->rows[s->largest[w]].amount);
    }
  }

  void observe(const Arrival& a, int64_t watermark, float* out) {
    Slot& s = table_.find_or_insert(a.key);
    if (!s.rows) start(s);
    if (a.time < s.rows[s.end - 1].time) return late(s, a, out);
    append(s, a, watermark - S.retention());
    for (size_t w = 0; w < S.windows; ++w) out = write_window<S>(values(s, w), w, out);
  }

  size_t keys() const { return table_.used(); }
  size_t bytes() const { return table_.bytes() + pool_.bytes_reserved(); }
  size_t bytes_of_history() const { return pool_.bytes_used(); }

 private:
  struct Row {
    int64_t time;
    uint32_t count;     // prefix
    uint32_t repeated;  // the value comes again later
    int64_t sum;        // prefix
    int64_t amount;
    uint64_t value;
  };
  struct alignas(64) Slot {
    uint64_t key;
    Row* rows;
    uint16_t start, end, size_class;
    uint16_t tails[kShapeWindows];    // the last row before the window
    uint16_t largest[kShapeWindows];  // row; at or before the tail: unknown
    uint16_t distinct[kShapeWindows];
  };
  static_assert(sizeof(Slot) == 64);

  void start(Slot& s) {
    s.rows = reinterpret_cast<Row*>(pool_.take(0));
    s.rows[0] = {INT64_MIN, 0, 0, 0, 0, 0};
    s.end = 1;
  }

  WindowValues values(const Slot& s, size_t w) const {
    const Row &own = s.rows[s.end - 1], &tail = s.rows[s.tails[w]];
    WindowValues v;
    v.count = own.count - tail.count;
    v.sum = own.sum - tail.sum;
    if constexpr (S.largest) v.largest = s.rows[s.largest[w]].amount;
    v.distinct = s.distinct[w];
    return v;
  }

  void append(Slot& s, const Arrival& a, int64_t horizon) {
    for (size_t w = 0; w < S.windows; ++w) advance(s, w, a.time - S.lengths[w]);
    if (s.end == capacities_[s.size_class]) make_room(s, horizon);
    const Row& before = s.rows[s.end - 1];
    s.rows[s.end] = {a.time, before.count + 1, 0, before.sum + a.amount, a.amount, a.value};
    if constexpr (S.any_distinct()) count_value(s, a.value);
    if constexpr (kTagged) tags(s)[s.end] = tag_of(a.value);
    ++s.end;
    if constexpr (S.largest)
      for (size_t w = 0; w < S.windows; ++w) update_largest(s, w);
  }

  void advance(Slot& s, size_t w, int64_t cutoff) const {
    uint32_t tail = s.tails[w];
    while (tail + 1 < s.end && s.rows[tail + 1].time <= cutoff) {
      ++tail;
      if (S.has_distinct(w))
        s.distinct[w] = static_cast<uint16_t>(s.distinct[w] - !s.rows[tail].repeated);
    }
    s.tails[w] = static_cast<uint16_t>(tail);
  }

  void count_value(Slot& s, uint64_t value) const {
    uint32_t oldest = s.tails[S.windows - 1], seen = last_with(s, oldest, value);
    if (seen > oldest) s.rows[seen].repeated = 1;
    for (size_t w = S.distinct_from; w < S.windows; ++w)
      s.distinct[w] = static_cast<uint16_t>(s.distinct[w] + (seen <= s.tails[w]));
  }

  // The last row behind `oldest` with this value; `oldest`: none.
  uint32_t last_with(const Slot& s, uint32_t oldest, uint64_t value) const {
    uint32_t seen = s.end - 1u;
    if constexpr (kTagged) {
      char* first = tags(s);
      while (auto* at =
                 static_cast<char*>(::memrchr(first + oldest + 1, tag_of(value), seen - oldest))) {
        seen = static_cast<uint32_t>(at - first);
        if (s.rows[seen].value == value) return seen;
        --seen;
      }
      return oldest;
    }
    while (seen > oldest && s.rows[seen].value != value) --seen;
    return seen;
  }
  static char tag_of(uint64_t value) { return static_cast<char>(value >> 56); }
  char* tags(const Slot& s) const {
    return reinterpret_cast<char*>(s.rows + capacities_[s.size_class]);
  }

  void update_largest(Slot& s, size_t w) const {
    uint32_t newest = s.end - 1u, best = s.largest[w];
    if (best <= s.tails[w]) {
      best = s.tails[w] + 1u;
      for (uint32_t i = best + 1; i <= newest; ++i)
        if (s.rows[i].amount >= s.rows[best].amount) best = i;
    } else if (s.rows[newest].amount >= s.rows[best].amount) {
      best = newest;
    }
    s.largest[w] = static_cast<uint16_t>(best);
  }

  void make_room(Slot& s, int64_t horizon) {
    while (s.start + 1 < s.end && s.rows[s.start + 1].time <= horizon) ++s.start;
    uint32_t by = s.start;
    if (by > 0 && by >= capacities_[s.size_class] / 4) {
      std::memmove(s.rows, s.rows + by, (s.end - by) * sizeof(Row));
      if constexpr (kTagged) std::memmove(tags(s), tags(s) + by, s.end - by);
    } else {
      auto* to = reinterpret_cast<Row*>(pool_.take(s.size_class + 1u));
      std::memcpy(to, s.rows + by, (s.end - by) * sizeof(Row));
      const char* old_tags = tags(s) + by;
      if constexpr (kTagged) std::memcpy(to + capacities_[s.size_class + 1u], old_tags, s.end - by);
      pool_.give_back(reinterpret_cast<uint64_t*>(s.rows), s.size_class);
      s.rows = to;
      ++s.size_class;
    }
    auto move = [by](uint16_t& row) { row = static_cast<uint16_t>(row < by ? 0 : row - by); };
    move(s.start);
    move(s.end);
    for (size_t w = 0; w < S.windows; ++w) {
      move(s.tails[w]);
      move(s.largest[w]);
    }
  }

  void late(Slot& s, const Arrival& a, float* out) {
    events_.clear();
    for (uint32_t i = s.start + 1u; i < s.end; ++i)
      events_.push_back({a.key, s.rows[i].time, s.rows[i].amount, s.rows[i].value});
    size_t at = insert_by_time(events_, a);
    rescan<S>(events_, at, out);
    s.end = static_cast<uint16_t>(s.start + 1);
    for (size_t w = 0; w < S.windows; ++w) {
      s.tails[w] = s.start;
      s.largest[w] = s.distinct[w] = 0;
    }
    for (const Arrival& e : events_) append(s, e, INT64_MIN);
  }

  FixedTable<Slot> table_;
  std::vector<uint32_t> capacities_ = block_capacities();
  BlockPool pool_{block_bytes(sizeof(Row), kTagged)};
  std::vector<Arrival> events_;
};

template <Shape S>
using PrefixRows = PrefixRowsOf<S, false>;
template <Shape S>
using TaggedRows = PrefixRowsOf<S, true>;

}  // namespace paywarden
