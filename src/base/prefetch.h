// Asks for the cache line at an address some time before it is needed.
#pragma once

#include <cstddef>

namespace paywarden {

inline void prefetch_line(const void* address) {
  __builtin_prefetch(address);
  // Without this g++ 12 takes a const function that only prefetches for one without effect, and
  // drops its calls.
  asm volatile("");
}

// Of memory that another thread wrote last, so that this one can write it.
inline void prefetch_line_to_write(const void* address) {
#ifdef __x86_64__
  // g++ emits it only where it is told that the processor has it; one that has not does nothing (0F 0D is a NOP there: AMD64 Architecture
  // Programmer's Manual, volume 3, PREFETCH).
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(address)));
#else
  __builtin_prefetch(address, 1);
#endif
}

// Every line that holds one of the bytes; `ask` is one of the above.
template <typename Ask>
void prefetch_range(const void* from, size_t bytes, Ask ask) {
  if (bytes == 0) return;
  const auto* at = static_cast<const char*>(from);
  for (size_t i = 0; i < bytes; i += 64) ask(at + i);
  ask(at + bytes - 1);
}

}  // namespace paywarden
