#include "kafka/positions.h"

#include <gtest/gtest.h>

#include "kafka/mock_broker.h"
#include "kafka/reader.h"

namespace paywarden {
namespace {

// A stop waits for such calls: one without an end keeps the program for as long as its broker is away.
TEST(Positions, ABrokerThatIsAwayIsWaitedForAsLongAsIsSaid) {
  SilentLog log;
  MockBroker broker({{"payments", 1}});
  auto reader = KafkaReader::create(broker.client(), "test", log);
  ASSERT_TRUE(reader) << reader.error().line();
  auto range = offsets_range((*reader)->client(), "payments", 0, seconds(10));
  ASSERT_TRUE(range) << range.error().line();
  EXPECT_EQ(*range, (std::pair<int64_t, int64_t>(0, 0)));
  broker.set_down();
  auto failed = offsets_range((*reader)->client(), "payments", 0, milliseconds(300));
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().passes);
  EXPECT_NE(failed.error().line().find("the offsets of 'payments' cannot be read"),
            std::string::npos)
      << failed.error().line();
}

}  // namespace
}  // namespace paywarden
