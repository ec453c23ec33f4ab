#include "stream/intake_stage.h"

#include <fmt/format.h>

#include "intake/label_parser.h"
#include "payment/records.h"

namespace paywarden {

IntakeStage::IntakeStage(const Schema& schema, const Tokeniser& tokeniser,
                         const ParserOptions& options, const StagePlan& plan, uint64_t feature_hash,
                         StageFigures& figures, IntakeOf what)
    : schema_(schema),
      plan_(plan),
      feature_hash_(feature_hash),
      figures_(figures),
      what_(what),
      parser_(schema, tokeniser, options) {}

Status IntakeStage::process(PartitionState& state, std::span<const InputRecord> records,
                            Outcomes* out) {
  if (!out) return {};  // nothing to restore
  out_ = out;
  partition_ = state.partition;
  for (const InputRecord& record : records) {
    take(record);
    state.next = record.offset + 1;
    out->took(partition_, record.offset);
  }
  return {};
}

void IntakeStage::take(const InputRecord& record) {
  if (what_ == IntakeOf::labels) return forward_label(record, record.value);
  if (auto label = label_in(record.value)) return forward_label(record, *label);
  if (auto no = parser_.parse_json(record.value, record.timestamp, payment_)) {
    figures_.rejects.fetch_add(1, std::memory_order_relaxed);
    return add_reject(*out_, partition_, record, *no);
  }
  bytes_.clear();
  encode_payment(payment_, schema_.fields, bytes_);
  value_.clear();
  encode_stage_payment({feature_hash_, {}}, bytes_, {}, value_);
  forward(0, record.offset, value_);
  figures_.forwarded.fetch_add(1, std::memory_order_relaxed);
}

void IntakeStage::forward_label(const InputRecord& record, std::string_view json) {
  std::string payment_json;
  auto label = parse_label(json, "kafka", record.timestamp, &payment_json);
  std::optional<Rejection> no;
  if (!label)
    no = rejection_of(label.error(), {});
  else if (payment_json.empty())
    no = rejection_of({"is missing: a label is routed by its payment", "payment", {}},
                      label->payment_id);
  else
    no = parser_.parse_json(payment_json, record.timestamp, payment_);
  if (!no && payment_.id() != label->payment_id)
    no = rejection_of({"is not the payment's", "payment_id", {}}, label->payment_id);
  if (no) {
    figures_.rejects.fetch_add(1, std::memory_order_relaxed);
    return add_reject(*out_, partition_, record, *no);
  }
  LabelRecord whole{*label, {}};
  encode_payment(payment_, schema_.fields, whole.payment);
  bytes_.clear();
  encode_label(whole, bytes_);
  value_.clear();
  encode_stage_label({feature_hash_, {}}, bytes_, value_);
  for (size_t stage = 0; stage < plan_.stages.size(); ++stage) forward(stage, kNoOutcome, value_);
  figures_.labels.fetch_add(1, std::memory_order_relaxed);
  add_other(*out_, partition_, record.offset, "label_forwarded", label->payment_id);
}

void IntakeStage::forward(size_t stage, int64_t offset, const std::string& value) {
  out_->add(forward_to(stage), stage_key(payment_, plan_.stages[stage].key), partition_, offset,
            [&](std::string& out) { out += value; });
}

}  // namespace paywarden
