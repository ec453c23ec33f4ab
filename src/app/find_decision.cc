#include "app/find_decision.h"

#include "base/hash.h"
#include "payment/records.h"

namespace paywarden {
namespace {

constexpr size_t kLookedAtMax = 16;  // records whose ids have the same hash

http::Response unreadable(const std::string& why) {
  return http::problem(503, "The log cannot be read",
                       why + ". Whether this payment was decided, and how, is not known.");
}

std::string sequence_text(uint64_t sequence) {
  return "record " + std::to_string(sequence);
}

http::Response decision_behind(const Log& log, uint64_t payment_sequence) {
  auto record = log.record(payment_sequence + 1);
  if (!record) return unreadable(record.error().line());
  DecisionHead head;
  std::string_view json;
  bool is_it = record->kind == RecordKind::decision && decode_decision(record->bytes, head, json) &&
               head.payment_sequence == payment_sequence;
  if (!is_it)
    return unreadable(sequence_text(payment_sequence + 1) +
                      " is not the decision that should stand there");
  return http::Response::json(200, std::string(json));
}

}  // namespace

Result<std::optional<FoundPayment>> find_payment(const Log& log, const FieldTable& fields,
                                                 const std::string& payment_id) {
  TRY_ASSIGN(auto found, log.find(hash64(payment_id), kLookedAtMax));
  std::optional<Error> hidden;  // why a record could not be looked at
  FoundPayment it;
  for (uint64_t sequence : found) {
    auto record = log.record(sequence);
    bool dropped = !record && sequence < log.first_sequence();
    if (!record && !dropped) hidden = record.error();
    if (!record || record->kind != RecordKind::payment) continue;
    it.sequence = sequence;
    if (!decode_payment(record->bytes, fields, it.payment))
      hidden = Error{sequence_text(sequence) + " is no payment of this schema", {}, {}};
    else if (it.payment.id() == payment_id)
      return std::optional(std::move(it));
  }
  if (hidden) return tl::unexpected(*hidden);
  return std::optional<FoundPayment>();
}

http::Response find_decision(const Log& log, const FieldTable& fields,
                             const std::string& payment_id) {
  auto found = find_payment(log, fields, payment_id);
  if (!found) return unreadable(found.error().line());
  if (!*found)
    return http::problem(404, "No such payment", "No payment with this id is in the log.");
  if ((*found)->payment.backfilled)
    return http::problem(404, "No decision",
                         "This payment was backfilled as history and has no decision.");
  return decision_behind(log, (*found)->sequence);
}

}  // namespace paywarden
