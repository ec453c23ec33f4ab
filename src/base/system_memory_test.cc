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

TEST(SystemMemory, ReleasesTheWholePagesOfARange) {
  constexpr size_t kPage = 65'536;  // a multiple of any page that Linux has
  SystemMemory memory(8 * kPage);
  std::memset(memory.data(), 1, memory.size());
  memory.release(kPage + 1,
                 3 * kPage - 1);  // less than two pages of this size, some of the system's
  EXPECT_TRUE(all_are(memory.data(), kPage + 1, 1));
  EXPECT_TRUE(all_are(memory.data() + 3 * kPage - 1, 5 * kPage + 1, 1));
  memory.release(4 * kPage, 6 * kPage);
  EXPECT_TRUE(all_are(memory.data() + 4 * kPage, 2 * kPage, 0));
  EXPECT_TRUE(all_are(memory.data() + 6 * kPage, 2 * kPage, 1));
  memory.release(7 * kPage + 5, 7 * kPage + 9);
  EXPECT_EQ(memory.data()[7 * kPage + 6], 1) << "not a whole page";
}

}  // namespace
}  // namespace paywarden
