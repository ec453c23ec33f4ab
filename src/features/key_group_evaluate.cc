// KeyGroup, part three: from a window to feature values.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "features/geo.h"
#include "features/key_group.h"
#include "features/key_group_rows.h"

namespace paywarden {
namespace {

__extension__ using Wide = __int128;
__extension__ using UnsignedWide = unsigned __int128;

// Population standard deviation from exact integer sums: sqrt(n * sum(x^2) - sum(x)^2) / n.
double deviation(uint32_t n, int64_t sum, Wide squares) {
  Wide s = sum;
  double spread;
  if (n < (1u << 16) && sum < (int64_t{1} << 62) && sum > -(int64_t{1} << 62)) {
    spread = static_cast<double>(static_cast<Wide>(n) * squares -
                                 s * s);  // exact within 127 bits for amounts to 10^13
  } else {
    double mean = static_cast<double>(sum) / n;
    spread = (static_cast<double>(squares) / n - mean * mean) * n * static_cast<double>(n);
  }
  return spread > 0 ? std::sqrt(spread) / n : 0;
}

// Twice the median: half of the two in the middle, where their number is even.
double twice_median(std::vector<int64_t>& values) {
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  int64_t upper = *middle;
  if (values.size() % 2 == 1) return 2.0 * static_cast<double>(upper);
  return static_cast<double>(*std::max_element(values.begin(), middle)) +
         static_cast<double>(upper);
}

float ratio_to(double part, double whole) {
  return whole == 0 ? kMissing : static_cast<float>(part / whole);
}

}  // namespace

uint32_t KeyGroup::count_distinct_slowly(const uint64_t* base, uint16_t word, uint32_t tail,
                                         uint32_t end) const {
  std::vector<uint64_t> values;
  uint32_t count = 0;
  for (uint32_t i = tail + 1; i < end; ++i) {
    const uint64_t* r = base + size_t{i} * plan_.row_words;
    if (is_folded(r))
      count += static_cast<uint32_t>(r[word]);
    else if (r[word])
      values.push_back(r[word]);
  }
  std::sort(values.begin(), values.end());
  return count + static_cast<uint32_t>(std::unique(values.begin(), values.end()) - values.begin());
}

// Steps whose window is a pair of rows (tail, own].
[[gnu::always_inline]] inline float KeyGroup::windowed(const Step& step, const Window& window,
                                                       const View& view) const {
  const uint64_t *own = window.own, *before = window.before, *tail = window.tail;
  uint16_t w = step.word;
  auto present = [&] {
    return step.present ? static_cast<uint32_t>(own[step.present] - tail[step.present])
                        : window.payments;
  };
  auto sum = [&] { return static_cast<int64_t>(own[w] - tail[w]); };
  switch (step.operation) {
    case Operation::count:
      return static_cast<float>(window.payments);
    case Operation::sum:
      return static_cast<float>(static_cast<double>(sum()) / step.scale);
    case Operation::mean:
      return ratio_to(static_cast<double>(sum()), present() * step.scale);
    case Operation::stddev: {
      uint16_t q = step.running;
      uint64_t low = own[q] - tail[q], high = own[q + 1] - tail[q + 1] - (own[q] < tail[q]);
      Wide squares = static_cast<Wide>((static_cast<UnsignedWide>(high) << 64) | low);
      uint32_t n = present();
      return n == 0 ? kMissing : static_cast<float>(deviation(n, sum(), squares) / step.scale);
    }
    case Operation::ratio: {
      if (step.present && own[step.present] == before[step.present])
        return kMissing;  // P lacks the field
      auto history = static_cast<double>(static_cast<int64_t>(before[w] - tail[w]));
      return ratio_to(
          static_cast<double>(static_cast<int64_t>(own[w] - before[w])) * (present() - 1), history);
    }
    case Operation::fraud_count:
      return static_cast<float>(static_cast<uint32_t>(subtract_labels(before[w], tail[w])));
    case Operation::fraud_rate:
      return fraud_rate(step, window, view);
    case Operation::rank:
    case Operation::median_ratio:
    case Operation::deviation:
      return against_rows(step, window);
    case Operation::count_above:
      return count_above(step, window, view);
    case Operation::fraud_min:
    case Operation::time_since_fraud:
    case Operation::time_since_first_fraud:
    case Operation::count_since_fraud:
      return of_frauds(step, window, view);
    default:
      return running_value(step, view);
  }
}

// Payments of rows tail+1 .. position-1 that are labelled or older than label_delay.
uint32_t KeyGroup::known_since(const Step& step, uint32_t tail, const View& view) const {
  const size_t stride = plan_.row_words;
  const uint64_t* settled =
      view.base + std::max<size_t>(view.tails[plan_.label_window], tail) * stride;
  const uint64_t* before = view.base + (view.position - size_t{1}) * stride;
  uint64_t recent = subtract_labels(before[step.word], settled[step.word]);
  return count_prefix(settled) - count_prefix(view.base + tail * stride) +
         static_cast<uint32_t>(recent >> 32);
}

float KeyGroup::fraud_rate(const Step& step, const Window& window, const View& view) const {
  return ratio_to(
      static_cast<uint32_t>(subtract_labels(window.before[step.word], window.tail[step.word])),
      known_since(step, view.tails[step.window], view));
}

// Frauds are counted in prefixes, so the latest and the earliest are found by halving.
float KeyGroup::of_frauds(const Step& step, const Window& window, const View& view) const {
  const size_t stride = plan_.row_words;
  auto frauds_to = [&](uint32_t row) {  // of the window, up to and with that row
    return static_cast<uint32_t>(
        subtract_labels(view.base[row * stride + step.word], window.tail[step.word]));
  };
  const uint32_t tail = view.tails[step.window], all = frauds_to(view.position - 1);
  if (all == 0) return kMissing;
  auto first_with = [&](uint32_t frauds) {
    uint32_t low = tail, high = view.position - 1;  // frauds_to(low) < frauds <= frauds_to(high)
    while (high - low > 1) {
      uint32_t middle = (low + high) / 2;
      (frauds_to(middle) < frauds ? low : high) = middle;
    }
    return high;
  };
  auto since = [&](uint32_t row) {
    auto then = static_cast<int64_t>(view.base[row * stride]);
    return static_cast<float>(static_cast<double>(static_cast<int64_t>(window.own[0]) - then) /
                              1000);
  };
  switch (step.operation) {
    case Operation::time_since_fraud:
      return since(first_with(all));
    case Operation::time_since_first_fraud:
      return since(first_with(1));
    case Operation::count_since_fraud:
      return static_cast<float>(known_since(step, first_with(all), view));
    default:
      break;
  }
  int64_t least = INT64_MAX;
  for (uint32_t row = first_with(1), last = first_with(all); row <= last; ++row) {
    auto value = static_cast<int64_t>(view.base[row * stride + step.running]);
    if (value != kMissingQuantity && frauds_to(row) != frauds_to(row - 1))
      least = std::min(least, value);
  }
  return least == INT64_MAX ? kMissing
                            : static_cast<float>(static_cast<double>(least) / step.scale);
}

// P's quantity against those of the window's other rows, each looked at.
float KeyGroup::against_rows(const Step& step, const Window& window) const {
  auto own = static_cast<int64_t>(window.own[step.word]);
  if (own == kMissingQuantity) return kMissing;
  const uint64_t* row = window.tail + plan_.row_words;
  if (step.operation == Operation::rank) {
    uint32_t below = 0, all = 0;
    for (; row < window.own; row += plan_.row_words) {
      auto value = static_cast<int64_t>(row[step.word]);
      all += value != kMissingQuantity;
      below += value != kMissingQuantity && value < own;
    }
    return ratio_to(below, all);
  }
  std::vector<int64_t>& values = others_;
  values.clear();
  for (; row < window.own; row += plan_.row_words)
    if (auto value = static_cast<int64_t>(row[step.word]); value != kMissingQuantity)
      values.push_back(value);
  if (values.empty()) return kMissing;
  double middle = twice_median(values) / 2;
  if (step.operation == Operation::median_ratio) return ratio_to(static_cast<double>(own), middle);
  int64_t twice_middle = std::llround(middle * 2);
  for (int64_t& value : values) value = std::abs(2 * value - twice_middle);
  return ratio_to(static_cast<double>(own) - middle, twice_median(values) / 4);
}

float KeyGroup::count_above(const Step& step, const Window& window, const View& view) const {
  const size_t stride = plan_.row_words;
  const uint64_t* tail = view.base + view.tails[step.reference] * stride;
  auto n = step.present ? static_cast<uint32_t>(window.before[step.present] - tail[step.present])
                        : count_prefix(window.before) - count_prefix(tail);
  if (n == 0) return kMissing;
  auto sum =
      static_cast<double>(static_cast<int64_t>(window.before[step.running] - tail[step.running]));
  double limit = step.factor * sum;
  uint32_t above = 0;
  for (const uint64_t* row = window.tail + stride; row <= window.own; row += stride) {
    auto value = static_cast<int64_t>(row[step.word]);
    above += value != kMissingQuantity && static_cast<double>(value) * n > limit;
  }
  return static_cast<float>(above);
}

// Extremes and numbers of distinct values.
float KeyGroup::running_value(const Step& step, const View& view) const {
  uint32_t tail = view.tails[step.window], end = view.position + 1;
  if (step.operation == Operation::count_distinct)
    return static_cast<float>(view.running
                                  ? view.running[step.running]
                                  : count_distinct_slowly(view.base, step.word, tail, end));
  uint32_t at = view.running ? view.running[step.running]
                             : extreme_row(view.base, plan_.running[step.running], tail, end);
  if (at == kNoRow) return kMissing;
  auto extreme = static_cast<int64_t>(view.base[size_t{at} * plan_.row_words + step.word]);
  return static_cast<float>(static_cast<double>(extreme) / step.scale);
}

// Steps that look at single rows.
void KeyGroup::of_rows(const Step& step, const View& view, const Outputs& out) const {
  const size_t stride = plan_.row_words;
  const uint64_t *own = view.base + view.position * stride, *before = own - stride;
  auto now = static_cast<int64_t>(own[0]), previous = static_cast<int64_t>(before[0]);
  float& value = out.row[step.output];
  value = kMissing;
  switch (step.operation) {
    case Operation::time_since_last:
      if (previous != kNever)
        value = static_cast<float>(static_cast<double>(now - previous) / 1000);
      return;
    case Operation::age:
      value = static_cast<float>(static_cast<double>(now - view.first_seen) / 1000);
      return;
    case Operation::distance:
    case Operation::speed: {
      uint64_t from = before[step.word], to = own[step.word];
      if (previous == kNever || from == kMissingPlace || to == kMissingPlace) return;
      if (step.operation == Operation::distance)
        return out.distances.add_distance(unpacked(from), unpacked(to), &value);
      Duration way = milliseconds(std::max<int64_t>(now - previous, 1000));
      return out.distances.add_speed(unpacked(from), unpacked(to), way, &value);
    }
    default:
      return;
  }
}

void KeyGroup::evaluate(const View& view, const Outputs& out) const {
  const size_t stride = plan_.row_words, windows = plan_.windows.size();
  const uint64_t* own = view.base + view.position * stride;
  const Step* step = plan_.steps.data();
  const Step* const first = step;
  for (size_t w = 0; w < windows; ++w) {
    const uint64_t* tail = view.base + view.tails[w] * stride;
    Window window{own, own - stride, tail, count_prefix(own) - count_prefix(tail)};
    for (const Step* end = first + steps_from_[w + 1]; step != end; ++step)
      out.row[step->output] = windowed(*step, window, view);
  }
  for (const Step* end = first + plan_.steps.size(); step != end; ++step) of_rows(*step, view, out);
  if (view.folded) list_approximate(view, out.approximate);
}

void KeyGroup::list_approximate(const View& view, std::vector<uint16_t>& approximate) const {
  for (const Step& step : plan_.steps) {
    if (!step.windowed) continue;
    const uint64_t* oldest = view.base + (size_t{view.tails[step.window]} + 1) * plan_.row_words;
    if (is_folded(oldest)) approximate.push_back(step.output);
  }
}

}  // namespace paywarden
