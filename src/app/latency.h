// A histogram of latencies that any thread adds to without a lock: 16 steps a power of two, so quantiles are right to 6 %.
//
//   LatencyHistogram h;
//   h.add(microseconds);
//   h.counts().quantile(0.99)   // microseconds
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace paywarden {

struct LatencyCounts {
  static constexpr size_t kBins = 16 * 32;  // to 2^32 us, over an hour
  std::array<uint64_t, kBins> bins{};

  static size_t bin_of(uint64_t us) {
    if (us < 16) return static_cast<size_t>(us);
    auto power = static_cast<size_t>(std::bit_width(us)) - 5;  // us >> power is 16..31
    size_t bin = 16 * power + static_cast<size_t>(us >> power);
    return bin < kBins ? bin : kBins - 1;
  }
  static uint64_t upper_edge(size_t bin) {  // us; the greatest value of the bin
    if (bin < 16) return bin;
    size_t power = bin / 16 - 1;
    return ((bin % 16 + 16 + 1) << power) - 1;
  }
  uint64_t total() const {
    uint64_t sum = 0;
    for (uint64_t n : bins) sum += n;
    return sum;
  }
  uint64_t quantile(double q) const {
    auto rank = static_cast<uint64_t>(q * static_cast<double>(total()));
    uint64_t seen = 0;
    for (size_t i = 0; i < kBins; ++i) {
      seen += bins[i];
      if (seen > rank) return upper_edge(i);
    }
    return 0;
  }
  LatencyCounts operator-(const LatencyCounts& before) const {
    LatencyCounts out;
    for (size_t i = 0; i < kBins; ++i) out.bins[i] = bins[i] - before.bins[i];
    return out;
  }
};

class LatencyHistogram {
 public:
  void add(uint64_t us) {
    bins_[LatencyCounts::bin_of(us)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(us, std::memory_order_relaxed);
  }
  LatencyCounts counts() const {
    LatencyCounts out;
    for (size_t i = 0; i < LatencyCounts::kBins; ++i)
      out.bins[i] = bins_[i].load(std::memory_order_relaxed);
    return out;
  }
  uint64_t sum_us() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<uint64_t>, LatencyCounts::kBins> bins_{};
  std::atomic<uint64_t> sum_{0};
};

}  // namespace paywarden
