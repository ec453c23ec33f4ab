// Asks for the cache line at an address some time before it is needed.
#pragma once

namespace paywarden {

inline void prefetch_line(const void* address) {
  __builtin_prefetch(address);
  // Without this g++ 12 takes a const function that only prefetches for one without effect, and
  // drops its calls.
  asm volatile("");
}

}  // namespace paywarden
