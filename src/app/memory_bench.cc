// Memory of the state that config/cards.toml needs with so many active cards (state_memory.h): bytes a card, a payment and a known id,
// and what the process takes. Ends with 1 where one is beyond the stated cost.
//
//   memory_bench                 2 million cards that paid 10 times each: 10 GB, some minutes
//   memory_bench 200000 30       other numbers of cards, and of payments a card
#include <fmt/format.h>

#include <cstdlib>

#include "app/state_memory.h"

namespace paywarden {
namespace {

constexpr double kMiB = 1 << 20;

Status run(StateFill fill) {
  TRY_ASSIGN(auto config, load_config(std::string(PAYWARDEN_SOURCE) + "/config/cards.toml"));
  TRY_ASSIGN(StateMemory m, fill_state(*config, fill));
  fmt::print("{} cards, {} payments each, {} values of keys\n", fill.cards, fill.payments_a_card,
             m.window_keys);
  fmt::print(
      "  windows    {:>8.0f} MiB, {:.0f} bytes a card (stated: at most {:.0f}), {:.0f} a payment\n",
      static_cast<double>(m.windows) / kMiB, m.bytes_a_card(),
      bytes_a_card_max(fill.payments_a_card), m.bytes_a_payment());
  fmt::print("  known ids  {:>8.0f} MiB, {:.0f} bytes each (stated: at most {:.0f}), {} of them\n",
             static_cast<double>(m.known_ids) / kMiB, m.bytes_an_id(), kKnownIdBytesMax, m.ids);
  fmt::print("  process    {:>8.0f} MiB more than before\n",
             static_cast<double>(m.resident) / kMiB);
  if (auto over = over_stated_cost(m))
    return fail(*over, "memory_bench",
                "docs/decisions/0002-window-state-layout.md states the cost");
  return {};
}

}  // namespace
}  // namespace paywarden

int main(int argc, char** argv) {
  paywarden::StateFill fill;
  if (std::getenv("PAYWARDEN_BENCH_TINY")) {
    fill.cards = 20'000;
  } else {
    if (argc > 1) fill.cards = std::strtoull(argv[1], nullptr, 10);
    if (argc > 2) fill.payments_a_card = static_cast<uint32_t>(std::strtoul(argv[2], nullptr, 10));
  }
  if (fill.cards == 0 || fill.payments_a_card == 0) {
    fmt::print(stderr, "memory_bench: give a number of cards and of payments a card\n");
    return 2;
  }
  auto done = paywarden::run(fill);
  if (done) return 0;
  fmt::print(stderr, "{}\n", done.error().line());
  return 1;
}
