#include "stream/decide_stage.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "base/json_writer.h"
#include "intake/label_parser.h"
#include "payment/records.h"
#include "stream/raw_records.h"

namespace paywarden {

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
    if (auto taken = take(record); !taken) {
      decide();
      return taken;
    }
    state.next = record.offset + 1;
    if (out)
      out->took(state.partition, record.offset);
    else
      figures_.replayed.fetch_add(1, std::memory_order_relaxed);
    note_hash(state.next);
  }
  decide();
  return {};
}

Status DecideStage::take(const InputRecord& record) {
  if (pending_count_ == pending_.size()) decide();
  return options_.plan ? take_carried(record) : take_raw(record);
}

Status DecideStage::take_raw(const InputRecord& record) {
  Pending& pending = pending_[pending_count_];
  if (is_stage_record(record.value) && decode_stage_record(record.value, record_) && read_sent()) {
    if (record_.kind == StageRecord::Kind::label) return take_sent_label(record);
    pending.reply = record_.reply;
    queue(record);
    return {};
  }
  if (auto label = label_in(record.value)) return take_label(record, *label);
  pending.reply = {};
  if (auto no = parser_.parse_json(record.value, record.timestamp, pending.payment))
    reject(record, *no);
  else
    queue(record);
  return {};
}

// The payment, or label, of record_.
bool DecideStage::read_sent() {
  if (record_.kind == StageRecord::Kind::label) return decode_label(record_.bytes, sent_label_);
  return decode_payment(record_.bytes, schema_.fields, pending_[pending_count_].payment);
}

Status DecideStage::take_carried(const InputRecord& record) {
  Pending& pending = pending_[pending_count_];
  if (!decode_stage_record(record.value, record_))
    return fail("a record is none that a stage writes",
                fmt::format("partition {} offset {}", state_->partition, record.offset),
                "let nothing else write to the topics of stages");
  if (record_.feature_hash != options_.feature_hash)
    return fail("a record was made with other features than the configuration has",
                fmt::format("partition {} offset {}", state_->partition, record.offset),
                "give all instances the same configuration; before features change, let the stages "
                "run empty");
  if (!read_sent())
    return fail("a payment or label cannot be read",
                fmt::format("partition {} offset {}", state_->partition, record.offset));
  if (record_.kind == StageRecord::Kind::label) return take_sent_label(record);
  std::swap(pending.carried, record_.carried);
  pending.reply = record_.reply;
  queue(record);
  return {};
}

void DecideStage::queue(const InputRecord& record) {
  Pending& pending = pending_[pending_count_];
  const Payment& payment = pending.payment;
  if (!state_->core->has_rate(payment.currency))
    return reject(record, no_rate_of(payment.currency.code(), payment.id()), pending.reply);
  pending.offset = record.offset;
  if (options_.is_first()) {
    pending.identity = identity_of(payment, schema_.fields);
    state_->core->prefetch(pending.identity);
  }
  ++pending_count_;
}

// Tells repeats apart, in order, with all memory asked for beforehand. Known ids are the first stage's: it has a card's
// payments together.
void DecideStage::admit() {
  size_t fresh = 0;
  for (size_t i = 0; i < pending_count_; ++i) {
    Pending& pending = pending_[i];
    uint64_t earlier = 0;
    auto sighting = options_.is_first()
                        ? state_->core->admit(pending.payment, pending.identity,
                                              static_cast<uint64_t>(pending.offset), earlier)
                        : Sighting::fresh;
    if (sighting == Sighting::fresh) {
      if (fresh != i) std::swap(pending_[fresh], pending);
      ++fresh;
      continue;
    }
    bool repeat = sighting == Sighting::repeat;
    if (out_)
      (repeat ? figures_.repeats : figures_.conflicts).fetch_add(1, std::memory_order_relaxed);
    other(pending.offset, repeat ? "duplicate" : "conflict", pending.payment.id(), pending.reply,
          earlier);
  }
  state_->payments_since_snapshot += fresh;
  pending_count_ = fresh;
}

void DecideStage::decide() {
  admit();
  if (pending_count_ == 0) return;
  bool last = options_.is_last();
  for (size_t i = 0; i < pending_count_; ++i) {
    decisions_[i].reset();
    items_[i] = {&pending_[i].payment, last ? &decisions_[i] : nullptr, GuardEvent::none,
                 options_.plan ? &pending_[i].carried : nullptr};
  }
  state_->core->decide({items_.data(), pending_count_});
  for (size_t i = 0; out_ && i < pending_count_; ++i) {
    if (last)
      publish(pending_[i], decisions_[i]);
    else
      hand_on(pending_[i]);
    if (items_[i].guard == GuardEvent::engaged)
      log_.write(LogLevel::warning, "decline_guard_engaged",
                 {{"partition", std::to_string(state_->partition)},
                  {"offset", std::to_string(pending_[i].offset)}});
  }
  pending_count_ = 0;
}

void DecideStage::publish(Pending& pending, const Decision& decision) {
  auto write = [&](std::string& out) { append_json(decision, out); };
  std::string key = pending.payment.card.hex();
  bytes_.clear();
  encode_payment(pending.payment, schema_.fields, bytes_);
  std::string payment = base64(bytes_);
  out_->add(OutcomeTopic::decisions, key, state_->partition, pending.offset, write, payment)
      .timestamp = pending.payment.receipt_time;
  if (decision.outcome != Outcome::approve)
    out_->add(OutcomeTopic::alerts, key, state_->partition, pending.offset, write, payment);
  out_->add_reply(pending.reply, state_->partition, write);
  figures_.outcomes[static_cast<size_t>(decision.outcome)].fetch_add(1, std::memory_order_relaxed);
  figures_.shadow.add(decision);
}

void DecideStage::hand_on(Pending& pending) {
  size_t next = options_.stage + 1;
  bytes_.clear();
  encode_payment(pending.payment, schema_.fields, bytes_);
  out_->add(
      forward_to(next), stage_key(pending.payment, options_.plan->stages[next].key),
      state_->partition, pending.offset, [&](std::string& out) {
        encode_stage_payment({options_.feature_hash, pending.reply}, bytes_, pending.carried, out);
      });
  figures_.forwarded.fetch_add(1, std::memory_order_relaxed);
}

void DecideStage::reject(const InputRecord& record, const Rejection& no, std::string_view reply) {
  if (!out_) return;
  figures_.rejects.fetch_add(1, std::memory_order_relaxed);
  add_reject(*out_, state_->partition, record, no);
  out_->add_reply(reply, state_->partition, [&](std::string& text) {
    JsonWriter(text)
        .open_object()
        .key("what")
        .string("reject")
        .key("error")
        .string(no.line())
        .close_object();
  });
}

// `earlier`: where the first payment of this id stands in the input.
void DecideStage::other(int64_t offset, std::string_view what, std::string_view payment_id,
                        std::string_view reply, std::optional<uint64_t> earlier) {
  if (!out_) return;
  add_other(*out_, state_->partition, offset, what, payment_id);
  out_->add_reply(reply, state_->partition, [&](std::string& text) {
    JsonWriter json(text);
    json.open_object().key("what").string(what);
    if (earlier)
      json.key("partition")
          .integer(state_->partition)
          .key("offset")
          .integer(static_cast<int64_t>(*earlier));
    json.close_object();
  });
}

// A label counts from its place in the partition: what stands before it is decided first.
Status DecideStage::take_label(const InputRecord& record, std::string_view json) {
  decide();
  std::string payment_json;
  auto label = parse_label(json, "kafka", record.timestamp, &payment_json);
  if (!label) {
    reject(record, rejection_of(label.error(), {}));
    return {};
  }
  if (payment_json.empty()) return apply_by_id(record, *label, {});
  Payment& payment = pending_[0].payment;
  if (auto no = parser_.parse_json(payment_json, record.timestamp, payment))
    reject(record, *no);
  else
    apply_label(record, *label, payment.id() == label->payment_id, {});
  return {};
}

// The label in sent_label_.
Status DecideStage::take_sent_label(const InputRecord& record) {
  decide();
  const Label& label = sent_label_.label;
  if (sent_label_.payment.empty() && !options_.plan)
    return apply_by_id(record, label, record_.reply);
  Payment& payment = pending_[0].payment;
  bool known = decode_payment(sent_label_.payment, schema_.fields, payment) &&
               payment.id() == label.payment_id;
  apply_label(record, label, known, record_.reply);
  return {};
}

// Its payment is looked for in the input.
Status DecideStage::apply_by_id(const InputRecord& record, const Label& label,
                                std::string_view reply) {
  std::string value;
  if (auto earlier = state_->core->sequence_of(label.payment_id)) {
    TRY_ASSIGN(value, find_payment_(state_->partition, static_cast<int64_t>(*earlier)));
  }
  Payment& payment = pending_[0].payment;
  bool known = false;
  if (is_stage_record(value)) {
    StageRecord earlier;
    known = decode_stage_record(value, earlier) &&
            decode_payment(earlier.bytes, schema_.fields, payment);
  } else if (!value.empty()) {
    if (auto no = parser_.parse_json(value, record.timestamp, payment)) {
      reject(record, *no, reply);
      return {};
    }
    known = true;
  }
  apply_label(record, label, known && payment.id() == label.payment_id, reply);
  return {};
}

// `known`: its payment stands in pending_[0].
void DecideStage::apply_label(const InputRecord& record, const Label& label, bool known,
                              std::string_view reply) {
  known = known && state_->core->has_rate(pending_[0].payment.currency);
  LabelFate fate = state_->core->label(label, known ? &pending_[0].payment : nullptr);
  bool applied = fate == LabelFate::applied;
  if (out_)
    (applied ? figures_.labels : figures_.labels_waiting).fetch_add(1, std::memory_order_relaxed);
  other(record.offset, applied ? "label" : "label_waiting", label.payment_id, reply);
}

void DecideStage::note_hash(int64_t next) {
  if (options_.hash_every == 0 || next % options_.hash_every != 0) return;
  decide();
  log_.write(LogLevel::info, "state",
             {{"stage", options_.plan ? options_.plan->stages[options_.stage].spec.name : "decide"},
              {"partition", std::to_string(state_->partition)},
              {"next", std::to_string(next)},
              {"hash", fmt::format("{:016x}", state_->core->state_hash())},
              {"replay", out_ ? "no" : "yes"}});
}

}  // namespace paywarden
