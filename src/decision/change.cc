#include "decision/change.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/byte_io.h"
#include "decision/card_numbers.h"

namespace paywarden {
namespace {

constexpr uint8_t kVersion = 1;
// By number, from 1.
constexpr std::array<std::string_view, 11> kNames = {
    "model",     "thresholds", "rules",       "list_add",      "list_remove", "list_replace",
    "list_drop", "mode",       "guard_reset", "guard_engaged", "rates"};

bool holds_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Status check_text(std::string_view member, std::string_view text, size_t bytes_max) {
  std::string what = "the change's " + std::string(member) + " ";
  if (text.size() > bytes_max)
    return fail(what + "has more than " + std::to_string(bytes_max) + " bytes", {}, "shorten it");
  if (holds_control(text)) return fail(what + "holds a control character", {}, "remove it");
  if (find_card_number(text))
    return fail(what + "holds what looks like a card number", {}, "leave it out");
  return {};
}

std::string_view bytes_of(const Sha256& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

}  // namespace

std::string_view name_of(ChangeKind kind) {
  return kNames[static_cast<size_t>(kind) - 1];
}

std::optional<ChangeKind> change_kind_of(std::string_view name) {
  auto it = std::find(kNames.begin(), kNames.end(), name);
  if (it == kNames.end()) return std::nullopt;
  return static_cast<ChangeKind>(it - kNames.begin() + 1);
}

Status check_change(const Change& change, const ChangeLimits& limits) {
  TRY(check_text("name", change.name, limits.name_bytes_max));
  TRY(check_text("author", change.author, limits.author_bytes_max));
  TRY(check_text("reason", change.reason, limits.reason_bytes_max));
  if (change.content.size() > limits.content_bytes_max)
    return fail(
        "the change's content has more than " + std::to_string(limits.content_bytes_max) + " bytes",
        {}, "split it");
  return {};
}

void encode_change(const Change& change, std::string& out) {
  ByteWriter w(out);
  w.u8(kVersion);
  w.u8(static_cast<uint8_t>(change.kind));
  w.i64(change.event_time.ms());
  w.text(change.name);
  w.text(change.author);
  w.text(change.reason);
  w.raw(change.content_hash().data(), sizeof(Sha256));
  w.text(change.content);
}

Result<Change> decode_change(std::string_view bytes) {
  ByteReader r(bytes);
  uint8_t version = r.u8(), kind = r.u8();
  if (version != kVersion || kind < 1 || kind > kNames.size())
    return fail("a change of format " + std::to_string(version) + ", kind " + std::to_string(kind) +
                    " is not known",
                {}, "read it with the version that wrote it");
  Change change;
  change.kind = static_cast<ChangeKind>(kind);
  change.event_time = EventTime(r.i64());
  change.name = r.text();
  change.author = r.text();
  change.reason = r.text();
  std::string_view hash = r.raw(sizeof(Sha256));
  change.content = r.text();
  if (!r.ok() || !r.at_end()) return fail("a change is cut off or followed by other bytes");
  if (hash != bytes_of(change.content_hash()))
    return fail("a change's content does not match its hash");
  return change;
}

}  // namespace paywarden
