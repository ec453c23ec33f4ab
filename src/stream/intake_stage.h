// The first stage where there are several: raw records, keyed by anything, to PAN-free payments keyed for the first stage that
// counts. Without state.
//
// A label is routed by its payment, to every stage: it must carry it ({"label": {..., "payment": {...}}}). Labels may have a
// topic of their own, whose records are what stands behind "label".
#pragma once

#include "base/operator_log.h"
#include "intake/payment_parser.h"
#include "stream/raw_records.h"
#include "stream/stage.h"
#include "stream/stage_plan.h"
#include "stream/stage_record.h"

namespace paywarden {

enum class IntakeOf : uint8_t { payments_and_labels, labels };

class IntakeStage : public Stage {
 public:
  IntakeStage(const Schema& schema, const Tokeniser& tokeniser, const ParserOptions& options,
              const StagePlan& plan, uint64_t feature_hash, StageFigures& figures,
              IntakeOf what = IntakeOf::payments_and_labels);
  bool has_state() const override { return false; }
  Status process(PartitionState& state, std::span<const InputRecord> records,
                 Outcomes* out) override;

 private:
  void take(const InputRecord& record);
  void forward_label(const InputRecord& record, std::string_view json);
  void forward(size_t stage, int64_t offset, const std::string& value);

  const Schema& schema_;
  const StagePlan& plan_;
  const uint64_t feature_hash_;
  StageFigures& figures_;
  const IntakeOf what_;
  PaymentParser parser_;
  Payment payment_;
  std::string bytes_, value_;
  int32_t partition_ = 0;
  Outcomes* out_ = nullptr;
};

}  // namespace paywarden
