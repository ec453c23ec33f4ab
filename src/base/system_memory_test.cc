#include "base/system_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace paywarden {
namespace {

constexpr size_t kHuge = size_t{2} << 20;

bool all_are(const char* from, size_t count, char value) {
  return std::all_of(from, from + count, [value](char c) { return c == value; });
}

TEST(SystemMemory, IsZeroAndBeginsAtAHugePageOnceItFillsOne) {
  for (size_t bytes : {size_t{1}, size_t{5000}, kHuge - 1, kHuge, 3 * kHuge + 123}) {
    SystemMemory memory(bytes);
    ASSERT_GE(memory.size(), bytes);
    EXPECT_TRUE(all_are(memory.data(), memory.size(), 0)) << bytes;
    if (bytes >= kHuge) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.data()) % kHuge, 0u) << bytes;
    }
    std::memset(memory.data(), 1, memory.size());
  }
}

}  // namespace
}  // namespace paywarden
