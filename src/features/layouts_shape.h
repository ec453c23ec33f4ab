// For layouts_bench: which windows of a key a layout keeps, and what it writes of them.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "base/time.h"
#include "features/bench_stream.h"

namespace paywarden {

inline constexpr size_t kShapeWindows = 5;
inline constexpr int64_t kLatenessMs = hours(24).ms();

// What is computed over each window of one key: count, sum and mean of the amount always.
struct Shape {
  size_t windows;
  std::array<int64_t, kShapeWindows> lengths;  // ms, ascending
  bool largest;                                // the largest amount too
  size_t distinct_from;                        // distinct merchants too, from this window on

  constexpr bool has_distinct(size_t w) const { return w >= distinct_from && w < windows; }
  constexpr bool any_distinct() const { return distinct_from < windows; }
  constexpr int64_t retention() const { return lengths[windows - 1] + kLatenessMs; }
  constexpr size_t features() const {
    size_t n = 0;
    for (size_t w = 0; w < windows; ++w) n += 3 + largest + has_distinct(w);
    return n;
  }
};

struct WindowValues {
  uint32_t count = 0, distinct = 0;
  int64_t sum = 0, largest = INT64_MIN;
};

template <Shape S>
float* write_window(const WindowValues& v, size_t w, float* out) {
  auto sum = static_cast<double>(v.sum);
  *out++ = static_cast<float>(v.count);
  *out++ = static_cast<float>(sum / 100);
  *out++ = static_cast<float>(sum / (v.count * 100.0));
  if constexpr (S.largest) *out++ = static_cast<float>(static_cast<double>(v.largest) / 100);
  if (S.has_distinct(w)) *out++ = static_cast<float>(v.distinct);
  return out;
}

// The windows of a late payment, by looking at every event: `events` by time, its own at `position`.
template <Shape S>
void rescan(std::span<const Arrival> events, size_t position, float* out) {
  std::vector<uint64_t> seen;
  for (size_t w = 0; w < S.windows; ++w) {
    WindowValues v;
    seen.clear();
    for (size_t i = 0; i <= position; ++i) {
      const Arrival& e = events[i];
      if (e.time <= events[position].time - S.lengths[w]) continue;
      ++v.count;
      v.sum += e.amount;
      v.largest = std::max(v.largest, e.amount);
      seen.push_back(e.value);
    }
    std::sort(seen.begin(), seen.end());
    v.distinct = static_cast<uint32_t>(std::unique(seen.begin(), seen.end()) - seen.begin());
    out = write_window<S>(v, w, out);
  }
}

// Places `late` by time among `events`, behind equal ones; returns where.
inline size_t insert_by_time(std::vector<Arrival>& events, const Arrival& late) {
  auto at = std::upper_bound(events.begin(), events.end(), late,
                             [](const Arrival& a, const Arrival& b) { return a.time < b.time; });
  auto position = static_cast<size_t>(at - events.begin());
  events.insert(at, late);
  return position;
}

}  // namespace paywarden
