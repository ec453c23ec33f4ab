// Engine: from files to a state, before any thread runs.
#include <bit>

#include "engine/engine.h"

namespace paywarden {
namespace {

struct Found {
  std::unique_ptr<Core> core;
  uint64_t sequence = 0;
};

// The newest snapshot that can be loaded and shows nothing beyond the log. One that does is of
// records that were never durable: it goes, before other records take their numbers.
Result<Found> load_newest(Log& log, Snapshots& snapshots, const Engine::CoreMaker& make_core,
                          const Core::ModelFinder& models, OperatorLog& operator_log) {
  TRY(snapshots.prepare());
  TRY_ASSIGN(auto sequences, snapshots.list());
  for (uint64_t sequence : sequences) {
    if (sequence > log.durable_end()) {
      TRY(snapshots.remove(sequence));
      continue;
    }
    if (sequence < log.first_sequence()) break;
    TRY_ASSIGN(auto core, make_core());
    if (auto loaded = snapshots.load(sequence, *core, models))
      return Found{std::move(core), sequence};
    else
      operator_log.write(LogLevel::warning, "snapshot_skipped", {{"error", loaded.error().line()}});
  }
  TRY_ASSIGN(auto core, make_core());
  return Found{std::move(core), 0};
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::recover(Log& log, Snapshots& snapshots,
                                                const CoreMaker& make_core,
                                                Core::ModelFinder models, EngineOptions options,
                                                OperatorLog& operator_log,
                                                const Progress& progress) {
  TRY_ASSIGN(Found found, load_newest(log, snapshots, make_core, models, operator_log));
  auto engine =
      std::unique_ptr<Engine>(new Engine(log, snapshots, std::move(models), options, operator_log));
  engine->core_ = std::move(found.core);
  engine->recovery_.snapshot_sequence = found.sequence;
  engine->core_->set_reasons(false);
  TRY(engine->replay(found.sequence ? found.sequence : log.first_sequence(), progress));
  engine->core_->set_reasons(true);
  engine->next_sequence_ = log.durable_end();
  return engine;
}

Status Engine::replay(uint64_t from, const Progress& progress) {
  uint64_t start = from, end = log_.durable_end();
  replayed_.resize(kMicroBatchMax);
  Status status;
  while (from < end && status) {
    TRY_ASSIGN(from, log_.read(from, [&](const RecordView& record) {
      status = replay_record(record);
      ++recovery_.records;
      if (progress && recovery_.records % 65536 == 0)
        progress(record.sequence - start, end - start);
      return status.has_value();
    }));
  }
  TRY(status);
  TRY(replay_batch());
  replayed_ = {};
  return {};
}

Status Engine::replay_record(const RecordView& record) {
  auto damaged = [&] {
    return fail("a record cannot be read", "log record " + std::to_string(record.sequence),
                "run: paywarden journal verify");
  };
  switch (record.kind) {
    case RecordKind::payment: {
      if (replayed_count_ == replayed_.size()) TRY(replay_batch());
      Replayed& r = replayed_[replayed_count_++];
      r.sequence = record.sequence;
      r.decided = false;
      if (!decode_payment(record.bytes, core_->fields(), r.payment)) return damaged();
      return {};
    }
    case RecordKind::decision: {
      Replayed& r = replayed_[replayed_count_ ? replayed_count_ - 1 : 0];
      std::string_view json;
      r.decided = decode_decision(record.bytes, r.head, json);
      if (!r.decided || replayed_count_ == 0 || r.head.payment_sequence != r.sequence)
        return damaged();
      return {};
    }
    case RecordKind::label: {
      TRY(replay_batch());
      LabelRecord label;
      Payment payment;
      if (!decode_label(record.bytes, label)) return damaged();
      bool known =
          !label.payment.empty() && decode_payment(label.payment, core_->fields(), payment);
      core_->label(label.label, known ? &payment : nullptr);
      return {};
    }
    case RecordKind::change: {
      TRY(replay_batch());
      TRY_ASSIGN(Change change, decode_change(record.bytes));
      TRY_ASSIGN(auto model, model_of(change));
      return core_->apply(change, model);
    }
    case RecordKind::answered:
      return {};
    case RecordKind::place:
      return fail(
          "the log is a copy of what was decided elsewhere",
          "log record " + std::to_string(record.sequence),
          "set log.kind = \"kafka\", or give log.kind = \"journal\" another data.directory");
  }
  return damaged();
}

// Decides again what was decided; the log's word stands where the two differ, and the difference is
// counted.
Status Engine::replay_batch() {
  std::vector<CoreItem> items(replayed_count_);
  std::vector<Decision> decisions(replayed_count_);
  for (size_t i = 0; i < replayed_count_; ++i) {
    Replayed& r = replayed_[i];
    core_->admit_fresh(r.payment, r.sequence);
    items[i] = {&r.payment, r.decided ? &decisions[i] : nullptr, GuardEvent::none};
  }
  core_->decide(items);
  for (size_t i = 0; i < replayed_count_; ++i) {
    if (!replayed_[i].decided) continue;
    const DecisionHead& head = replayed_[i].head;
    bool same = head.outcome == decisions[i].outcome &&
                std::bit_cast<uint32_t>(head.score) == std::bit_cast<uint32_t>(decisions[i].score);
    recovery_.mismatches += !same;
  }
  recovery_.payments += replayed_count_;
  snapshot_payments_ += replayed_count_;
  replayed_count_ = 0;
  return {};
}

}  // namespace paywarden
