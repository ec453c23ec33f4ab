// The cost that docs/decisions/0002-window-state-layout.md states, held on a fortieth of its 2 million cards: a card costs the same there.
#include "app/state_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paywarden {
namespace {

using ::testing::HasSubstr;

StateMemory filled(StateFill fill) {
  auto config = load_config("config/cards.toml");
  auto memory = config ? fill_state(**config, fill) : tl::unexpected(config.error());
  if (!memory) ADD_FAILURE() << memory.error().line();
  return memory.value_or(StateMemory{});
}

TEST(StateMemory, ACardWithTenPaymentsCostsWhatIsStated) {
  StateMemory memory = filled({.cards = 50'000, .payments_a_card = 10});
  memory.resident = 0;  // sanitizers and other tests have memory of their own
  EXPECT_EQ(over_stated_cost(memory).value_or(""), "");
  EXPECT_GT(memory.bytes_a_card(), 0.85 * kTenPaymentsBytesMax) << "state a lower cost";
  EXPECT_GT(memory.ids, memory.filled.payments() * 49 / 100);  // of the last 13.9 days of 27.9
  EXPECT_GT(memory.window_keys, 5 * memory.filled.cards);
}

TEST(StateMemory, TheLineIsAboveFewAndManyPayments) {
  for (uint32_t payments : {1u, 3u, 5u, 30u}) {
    StateMemory memory = filled({.cards = 15'000, .payments_a_card = payments});
    memory.resident = 0;
    EXPECT_EQ(over_stated_cost(memory).value_or(""), "") << payments;
  }
}

TEST(StateMemory, WhatIsBeyondItsLimitIsNamed) {
  StateMemory memory{.filled = {.cards = 1'000'000, .payments_a_card = 10}};
  memory.windows = 3'000'000'000;
  memory.known_ids = 760;
  memory.ids = 10;
  memory.resident = 3'300'000'000;
  EXPECT_EQ(over_stated_cost(memory), std::nullopt);
  memory.windows += 10'000'000;
  EXPECT_THAT(*over_stated_cost(memory), HasSubstr("3010 bytes of window state a card"));
  memory.windows = 3'000'000'000;
  memory.known_ids = 770;
  EXPECT_THAT(*over_stated_cost(memory), HasSubstr("77.0 bytes a known id"));
  memory.known_ids = 700;
  memory.resident = 3'400'000'000;
  EXPECT_THAT(*over_stated_cost(memory), HasSubstr("the process grew by"));
}

}  // namespace
}  // namespace paywarden
