// What the machine gives at this moment, to read other figures by: a virtual machine's core, memory and caches are shared with others,
// and one program's cost differs twofold by that alone. Prints, as medians of processor time:
//
//   clock             dependent additions take one cycle each, whatever another thread of the core does
//   share of a core   how near four chains of additions come to the time of one: 1 on a core of its own, 0.6 and less where the core's
//                     other thread is busy
//   a load from 64 MiB, each the address of the next: from memory, unless the last-level cache is larger and nobody else fills it
//   2 MiB touched first   a huge page where the kernel gives one: what the system, and the host below it, take to clear it
//   copying           64 MiB, read and written
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <vector>

#include "base/check.h"
#include "base/cpu_time.h"
#include "base/random.h"
#include "base/system_memory.h"

namespace paywarden {
namespace {

bool tiny() {
  return std::getenv("PAYWARDEN_BENCH_TINY") != nullptr;
}

template <typename Work>
double median_ns(Work&& work) {
  std::vector<double> times;
  for (int i = 0; i < (tiny() ? 1 : 9); ++i) {
    const double start = thread_cpu_ns();
    work();
    times.push_back(thread_cpu_ns() - start);
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2),
                   times.end());
  return times[times.size() / 2];
}

// Keeps a value in a register, unknown to the compiler.
void hide(uint64_t& value) {
  asm volatile("" : "+r"(value));
}

// `Chains` sums, each of whose additions waits for the one before: a step takes one cycle of a core that has as many adders, as
// processors of today do to four.
template <size_t Chains>
double step_ns(size_t steps) {
  uint64_t sums[Chains] = {};
  double took = median_ns([&] {
    for (size_t i = 0; i < steps; i += 8)
#pragma GCC unroll 8
      for (int k = 0; k < 8; ++k)
#pragma GCC unroll 4
        for (uint64_t& sum : sums) {
          sum += i;
          hide(sum);
        }
  });
  return took / static_cast<double>(steps);
}

double load_ns(SystemMemory& memory, size_t loads) {
  constexpr size_t kLine = 64;
  const size_t lines = memory.size() / kLine;
  std::vector<uint32_t> order(lines);
  std::iota(order.begin(), order.end(), 0);
  Random random(1);
  for (size_t i = lines - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
  for (size_t i = 0; i < lines; ++i)
    std::memcpy(memory.data() + order[i] * kLine, &order[(i + 1) % lines], sizeof(uint32_t));
  uint32_t at = order[0];
  double took = median_ns([&] {
    for (size_t i = 0; i < loads; ++i)
      std::memcpy(&at, memory.data() + at * kLine, sizeof(uint32_t));
  });
  CHECK(at < lines, "a load left the circle");
  return took / static_cast<double>(loads);
}

double first_touch_ns(size_t pages) {
  constexpr size_t kPage = size_t{2} << 20, kSmallPage = 4096;
  double took = median_ns([&] {
    SystemMemory fresh(pages * kPage);
    for (size_t i = 0; i < fresh.size(); i += kSmallPage) fresh.data()[i] = 1;
  });
  return took / static_cast<double>(pages);
}

double copy_ns(SystemMemory& from) {
  SystemMemory to(from.size());
  std::memset(to.data(), 1, to.size());
  double took = median_ns([&] { std::memcpy(to.data(), from.data(), from.size()); });
  CHECK(std::memcmp(to.data(), from.data(), from.size()) == 0, "a copy differs");
  return took;
}

void print() {
  const size_t steps = tiny() ? 1'000 : 20'000'000;
  SystemMemory memory(size_t{tiny() ? 1u : 64u} << 20);
  const double cycle = step_ns<1>(steps);
  const double share = cycle / step_ns<4>(steps);
  const double load = load_ns(memory, tiny() ? 1'000 : 200'000);
  const double touch = first_touch_ns(tiny() ? 1 : 32);
  const double copy = copy_ns(memory);
  std::printf(
      "the machine now: clock %.1f GHz, share of a core %.2f, a load from 64 MiB %.0f ns, 2 MiB "
      "touched first %.2f ms, copying %.1f GB/s\n",
      1 / cycle, std::min(share, 1.0), load, touch / 1e6,
      static_cast<double>(memory.size()) / copy);
}

}  // namespace
}  // namespace paywarden

int main() {
  paywarden::print();
}
