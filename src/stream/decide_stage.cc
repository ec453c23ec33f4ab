#include "stream/decide_stage.h"

#include <fmt/format.h>

#include "base/json_writer.h"

namespace paywarden {
namespace {

// The object behind {"label": ... }, or nothing. Decided by the first member, so that payments are not read twice.
std::optional<std::string_view> label_in(std::string_view json) {
  constexpr std::string_view kSpaces = " \t\r\n";
  auto skip = [&](std::string_view what) {
    size_t at = json.find_first_not_of(kSpaces);
    if (at == std::string_view::npos || !json.substr(at).starts_with(what)) return false;
    json.remove_prefix(at + what.size());
    return true;
  };
  if (!skip("{") || !skip("\"label\"") || !skip(":")) return std::nullopt;
  size_t end = json.find_last_not_of(kSpaces);
  if (end == std::string_view::npos || json[end] != '}')
    return json;  // no JSON: the parser says so
  return json.substr(0, end);
}

Rejection rejection_of(const Error& error, std::string_view id) {
  return {RejectReason::not_json, error.where, std::string(id), error.what, {}};
}

}  // namespace

DecideStage::DecideStage(const Schema& schema, const Tokeniser& tokeniser, DecideOptions options,
                         FindPayment find_payment, StageFigures& figures, OperatorLog& log)
    : schema_(schema),
      options_(options),
      find_payment_(std::move(find_payment)),
      figures_(figures),
      log_(log),
      parser_(schema, tokeniser, options.parser),
      pending_(kMicroBatchMax),
      decisions_(kMicroBatchMax),
      items_(kMicroBatchMax) {}

Status DecideStage::process(PartitionState& state, std::span<const InputRecord> records,
                            Outcomes* out) {
  state_ = &state;
  out_ = out;
  state.core->set_reasons(out != nullptr);
  for (const InputRecord& record : records) {
    TRY(take(record));
    state.next = record.offset + 1;
    if (out)
      out->input.try_emplace(state.partition, record.offset, 0).first->second.second = state.next;
    else
      figures_.replayed.fetch_add(1, std::memory_order_relaxed);
    note_hash(state.next);
  }
  decide();
  return {};
}

Status DecideStage::take(const InputRecord& record) {
  if (auto label = label_in(record.value)) return take_label(record, *label);
  take_payment(record);
  return {};
}

void DecideStage::take_payment(const InputRecord& record) {
  if (pending_count_ == pending_.size()) decide();
  Pending& pending = pending_[pending_count_];
  if (auto no = parser_.parse_json(record.value, record.timestamp, pending.payment))
    return reject(record, *no);
  const Payment& payment = pending.payment;
  if (!state_->core->has_rate(payment.currency))
    return reject(record,
                  {RejectReason::not_currency, "currency", std::string(payment.currency.code()),
                   "has no exchange rate", std::string(payment.id())});
  uint64_t earlier = 0;
  switch (state_->core->admit(payment, static_cast<uint64_t>(record.offset), earlier)) {
    case Sighting::fresh:
      pending.offset = record.offset;
      ++pending_count_;
      ++state_->payments_since_snapshot;
      return;
    case Sighting::repeat:
      if (out_) figures_.repeats.fetch_add(1, std::memory_order_relaxed);
      return other(record.offset, "duplicate", payment.id());
    case Sighting::conflict:
      if (out_) figures_.conflicts.fetch_add(1, std::memory_order_relaxed);
      return other(record.offset, "conflict", payment.id());
  }
}

void DecideStage::decide() {
  if (pending_count_ == 0) return;
  for (size_t i = 0; i < pending_count_; ++i) {
    decisions_[i].reset();
    items_[i] = {&pending_[i].payment, &decisions_[i], GuardEvent::none};
  }
  state_->core->decide({items_.data(), pending_count_});
  for (size_t i = 0; out_ && i < pending_count_; ++i) {
    publish(pending_[i], decisions_[i]);
    if (items_[i].guard == GuardEvent::engaged)
      log_.write(LogLevel::warning, "decline_guard_engaged",
                 {{"partition", std::to_string(state_->partition)},
                  {"offset", std::to_string(pending_[i].offset)}});
  }
  pending_count_ = 0;
}

void DecideStage::publish(const Pending& pending, const Decision& decision) {
  auto write = [&](std::string& out) { append_json(decision, out); };
  std::string key = pending.payment.card.hex();
  out_->add(OutcomeTopic::decisions, key, state_->partition, pending.offset, write);
  if (decision.outcome != Outcome::approve)
    out_->add(OutcomeTopic::alerts, key, state_->partition, pending.offset, write);
  figures_.outcomes[static_cast<size_t>(decision.outcome)].fetch_add(1, std::memory_order_relaxed);
}

void DecideStage::reject(const InputRecord& record, const Rejection& no) {
  if (!out_) return;
  figures_.rejects.fetch_add(1, std::memory_order_relaxed);
  std::string source = fmt::format("kafka:{}:{}", state_->partition, record.offset);
  out_->add(OutcomeTopic::rejects, {}, state_->partition, record.offset, [&](std::string& out) {
    append_json({source, 0, no}, record.timestamp, out);
  });
}

void DecideStage::other(int64_t offset, std::string_view what, std::string_view payment_id) {
  if (!out_) return;
  out_->add(OutcomeTopic::others, {}, state_->partition, offset, [&](std::string& out) {
    JsonWriter(out)
        .open_object()
        .key("what")
        .string(what)
        .key("payment_id")
        .string(payment_id)
        .close_object();
  });
}

// A label counts from its place in the partition: what stands before it is decided first.
Status DecideStage::take_label(const InputRecord& record, std::string_view json) {
  decide();
  std::string payment;
  auto label = parse_label(json, "kafka", record.timestamp, &payment);
  if (!label) {
    reject(record, rejection_of(label.error(), {}));
    return {};
  }
  return apply_label(record, *label, payment);
}

Status DecideStage::apply_label(const InputRecord& record, const Label& label,
                                const std::string& given) {
  std::string json = given;
  auto earlier = state_->core->sequence_of(label.payment_id);
  if (json.empty() && earlier) {
    TRY_ASSIGN(json, find_payment_(state_->partition, static_cast<int64_t>(*earlier)));
  }
  Payment& payment = pending_[0].payment;
  bool known = false;
  if (!json.empty()) {
    if (auto no = parser_.parse_json(json, record.timestamp, payment)) {
      reject(record, *no);
      return {};
    }
    known = payment.id() == label.payment_id && state_->core->has_rate(payment.currency);
  }
  LabelFate fate = state_->core->label(label, known ? &payment : nullptr);
  bool applied = fate == LabelFate::applied;
  if (out_)
    (applied ? figures_.labels : figures_.labels_waiting).fetch_add(1, std::memory_order_relaxed);
  other(record.offset, applied ? "label" : "label_waiting", label.payment_id);
  return {};
}

void DecideStage::note_hash(int64_t next) {
  if (options_.hash_every == 0 || next % options_.hash_every != 0) return;
  decide();
  log_.write(LogLevel::info, "state",
             {{"partition", std::to_string(state_->partition)},
              {"next", std::to_string(next)},
              {"hash", fmt::format("{:016x}", state_->core->state_hash())},
              {"replay", out_ ? "no" : "yes"}});
}

}  // namespace paywarden
