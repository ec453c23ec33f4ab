#include "decision/decline_guard.h"

namespace paywarden {
namespace {

constexpr uint32_t kWindowMax = 1'000'000;  // payments; a bit each in memory and in every snapshot

}  // namespace

Status check_guard(const GuardOptions& options) {
  if (options.window < 1 || options.window > kWindowMax)
    return fail("the decline guard's window is not within 1 and 1000000 payments", {}, "take 1000");
  if (options.seen_min < 1 || options.seen_min > options.window)
    return fail("the decline guard's seen_min is not within 1 and its window", {},
                "take a tenth of the window");
  if (!(options.share_max >= 0 && options.share_max <= 1))
    return fail("the decline guard's share_max is not within 0 and 1", {}, "take 0.2");
  return {};
}

DeclineGuard::DeclineGuard(const GuardOptions& options)
    : options_(options), declined_(options.window) {}

bool DeclineGuard::record(bool model_declines) {
  if (count_ == options_.window)
    declines_ -= declined_[next_];
  else
    ++count_;
  declined_[next_] = model_declines;
  declines_ += model_declines;
  if (++next_ == options_.window) next_ = 0;
  bool beyond = count_ >= options_.seen_min && declines_ > options_.share_max * count_;
  bool engages = beyond && !engaged_;
  engaged_ = engaged_ || engages;
  return engages;
}

void DeclineGuard::reset() {
  *this = DeclineGuard(options_);
}

// engaged u8 | count varint | the payments from the oldest on, eight a byte, low bits first.
void DeclineGuard::encode(ByteWriter& out) const {
  out.u8(engaged_);
  out.varint(count_);
  uint32_t at = count_ == options_.window ? next_ : 0;
  for (uint32_t i = 0; i < count_;) {
    uint8_t byte = 0;
    for (int bit = 0; bit < 8 && i < count_; ++bit, ++i) {
      byte = static_cast<uint8_t>(byte | declined_[at] << bit);
      if (++at == options_.window) at = 0;
    }
    out.u8(byte);
  }
}

bool DeclineGuard::restore(ByteReader& in) {
  DeclineGuard read(options_);
  uint8_t engaged = in.u8();
  uint64_t count = in.varint();
  if (!in.ok() || engaged > 1 || count > kWindowMax) return false;
  uint8_t byte = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (i % 8 == 0) byte = in.u8();
    read.record(byte >> (i % 8) & 1);
  }
  read.engaged_ = engaged && options_.share_max < 1;  // switched off, it does not hold either
  if (in.ok()) *this = std::move(read);
  return in.ok();
}

}  // namespace paywarden
