// Engine: what it tells the drift book.
#include "engine/engine.h"
#include "payment/decision_json.h"

namespace paywarden {

void Engine::watch_drift(DriftBook& book) {
  drift_ = &book;
  tell_model();
}

void Engine::tell_model() {
  if (!drift_) return;
  const Model* model = core_->model();
  drift_->use(core_->model_hash(), model ? model->reference() : nullptr, core_->features().names());
}

// The items of the last micro-batch; history was not decided and does not count.
void Engine::count_drift(size_t count, uint64_t next_sequence) {
  drifting_.clear();
  for (size_t i = 0; i < count; ++i) {
    if (!items_[i].decision) continue;
    const Decision& d = *items_[i].decision;
    bool alerted = (d.observed ? d.would_be : d.outcome) != Outcome::approve;
    drifting_.push_back({d.event_time, d.score, alerted, items_[i].frauds, core_->features_of(i)});
  }
  drift_->decided(drifting_, next_sequence);
}

// Whether the payment was alerted says its decision, which stands behind it in the log: behind a payment of the history
// stands something else. Read for words of fraud alone, and for those taken back: they are rare.
void Engine::count_label(const Payment& payment, uint64_t sequence, int frauds) {
  auto record = log_.record(sequence + 1);
  DecisionHead head;
  std::string_view json;
  if (!record || record->kind != RecordKind::decision ||
      !decode_decision(record->bytes, head, json) || head.payment_sequence != sequence)
    return;
  bool alerted = outcome_meant(head, json) != Outcome::approve;
  drift_->labelled(payment.event_time, sequence, alerted, frauds);
}

}  // namespace paywarden
