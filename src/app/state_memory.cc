#include "app/state_memory.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <vector>

#include "app/setup.h"
#include "base/hash.h"

namespace paywarden {
namespace {

constexpr uint64_t kCategories = 14, kUsualCategories = 3, kCardsAMerchant = 20;
constexpr Duration kSpan = hours(670);  // 27.9 days: the ids known are about to be let go

size_t resident_bytes() {
  unsigned long whole = 0, resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (!file) return 0;
  int read = std::fscanf(file, "%lu %lu", &whole, &resident);
  std::fclose(file);
  return read == 2 ? resident * static_cast<size_t>(sysconf(_SC_PAGESIZE)) : 0;
}

// Payment by payment, in order of time.
class EvenPayments {
 public:
  EvenPayments(const FieldTable& fields, StateFill fill) : fields_(fields), fill_(fill) {
    while (std::gcd(stride_, fill.cards) != 1) stride_ += 2;
  }

  void next(Payment& p) {
    uint64_t round = made_ / fill_.cards, turn = made_ % fill_.cards;
    uint64_t card = (turn * stride_ + round * 7919) % fill_.cards;
    uint64_t chance = hash_combine(made_, 11);
    p.reset(fields_.size());
    auto part = static_cast<double>(made_) / static_cast<double>(fill_.payments());
    p.event_time =
        EventTime(1'577'836'800'000 + static_cast<int64_t>(part * static_cast<double>(kSpan.ms())));
    uint64_t token[2] = {hash_combine(1, card), hash_combine(2, card)};
    std::memcpy(p.card.bytes.data(), token, sizeof token);
    p.currency = *Currency::parse("USD");
    p.amount_minor = 100 + static_cast<int64_t>(chance % 50'000);
    bool usual = chance / 64 % 10 < 7;
    uint64_t category = usual ? hash_combine(card, chance / 1024 % kUsualCategories) % kCategories
                              : chance / 4096 % kCategories;
    text(p, field::payment_id, "payment-{:012x}", made_);
    text(p, field::category, "category_{}", category);
    text(p, field::merchant, "merchant_{:x}",
         hash_combine(chance, 3) % (fill_.cards / kCardsAMerchant + 1));
    for (FieldIndex f :
         {field::latitude, field::longitude, field::merchant_latitude, field::merchant_longitude})
      p.set_number(f, 40 + static_cast<double>(chance >> 40) / 1e7);
    ++made_;
  }

 private:
  template <typename N>
  static void text(Payment& p, FieldIndex f, fmt::format_string<N&> format, N n) {
    char out[40];
    auto end = fmt::format_to(out, format, n);
    p.set_text(f, {out, static_cast<size_t>(end - out)});
  }

  const FieldTable& fields_;
  const StateFill fill_;
  uint64_t stride_ = 1'000'003;
  uint64_t made_ = 0;
};

// The chunk that each of the three keys' pools has begun; of 2 million cards nothing, of a test's some hundred bytes each.
constexpr double kChunksBegun = 3 * (2 << 20);
// Memory that the process has and the state does not count: the allocator's, rows of features, the policy.
constexpr size_t kBesideTheState = size_t{64} << 20;
constexpr double kResidentShareMax = 1.1;

}  // namespace

std::optional<std::string> over_stated_cost(const StateMemory& m) {
  double card_max = bytes_a_card_max(m.filled.payments_a_card);
  double windows_max = card_max * static_cast<double>(m.filled.cards) + kChunksBegun;
  if (static_cast<double>(m.windows) > windows_max)
    return fmt::format("{:.0f} bytes of window state a card, stated are at most {:.0f}",
                       m.bytes_a_card(), card_max);
  if (m.bytes_an_id() > kKnownIdBytesMax)
    return fmt::format("{:.1f} bytes a known id, stated are at most {:.0f}", m.bytes_an_id(),
                       kKnownIdBytesMax);
  double resident_max = kResidentShareMax * static_cast<double>(m.bytes()) + kBesideTheState;
  if (static_cast<double>(m.resident) > resident_max)
    return fmt::format("the process grew by {} bytes, its state is {}", m.resident, m.bytes());
  return std::nullopt;
}

Result<StateMemory> fill_state(const Config& config, StateFill fill) {
  StateMemory memory{.filled = fill};
  size_t before = resident_bytes();
  TRY_ASSIGN(auto core, configured_core(config, nullptr));
  EvenPayments payments(config.schema.fields, fill);
  std::vector<Payment> batch(kMicroBatchMax);
  std::vector<CoreItem> items(kMicroBatchMax);
  uint64_t sequence = 0;
  for (uint64_t left = fill.payments(); left > 0;) {
    size_t count = std::min<uint64_t>(left, batch.size());
    for (size_t i = 0; i < count; ++i) {
      payments.next(batch[i]);
      core->admit_fresh(batch[i], ++sequence);
      items[i] = {&batch[i], nullptr};
    }
    core->decide({items.data(), count});
    left -= count;
  }
  memory.windows = core->windows().bytes();
  memory.window_keys = core->windows().keys();
  memory.known_ids = core->seen().bytes();
  memory.ids = core->seen().size();
  size_t after = resident_bytes();
  memory.resident = before && after > before ? after - before : 0;
  return memory;
}

}  // namespace paywarden
