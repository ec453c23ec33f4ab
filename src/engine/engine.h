// The one place where the stages meet: takes payments, labels and changes in order, keeps them with
// their decisions in the log, and answers when that is durable (promises E1, E3, E5, E6).
//
//   TRY_ASSIGN(auto engine, Engine::recover(log, snapshots, std::move(core), models, options,
//   operator_log)); engine->start(); engine->submit(Work::of(std::move(payment),
//   std::move(reply)));   // false: full or stopping, answer 503 engine->stop(); // takes no more,
//   answers all, writes a snapshot
//
// Threads: submit() and figures() by any; start() and stop() by the one that made it. Inside, an
// owner thread works on the state in micro-batches of whatever is queued, and a log thread makes
// groups durable and answers; a group is computed while the one before is synced. What one batch
// holds depends on timing, what is decided does not.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/bounded_queue.h"
#include "base/operator_log.h"
#include "decision/shadow_counts.h"
#include "drift/drift_book.h"
#include "engine/core.h"
#include "engine/group.h"
#include "engine/snapshot_child.h"
#include "engine/work.h"
#include "log/log.h"

namespace paywarden {

struct EngineOptions {
  size_t queue_max = 8192;  // works waiting: at 200,000 payments/s 40 ms; beyond it callers get 503
  size_t batch_max = 1024;  // works taken at once: bounds how long a label waits behind payments
  size_t groups_in_flight = 4;  // computed, not yet durable
  uint64_t snapshot_every =
      2'000'000;  // payments between snapshots: a start replays at most about 4 s of them
  size_t snapshots_kept = 2;  // the newest may be damaged by the same fault that made us restart
  bool snapshot_in_child =
      true;  // by fork(): the state stands still there while payments go on here
};

// Read by any thread; each number alone is exact, together they may be a payment apart.
struct EngineFigures {
  std::array<std::atomic<uint64_t>, 3> outcomes{};  // by Outcome
  std::array<std::atomic<uint64_t>, 50> scores{};   // decisions by score, in fiftieths
  ShadowCounts shadow;
  std::atomic<uint64_t> payments{0}, repeats{0}, conflicts{0}, recorded{0}, labels{0},
      labels_waiting{0}, changes{0};
  std::atomic<uint64_t> late{0}, groups{0}, log_bytes{0}, answered_by_default{0}, snapshots{0},
      snapshots_failed{0};
  std::atomic<uint64_t> state_bytes{0}, state_keys{0}, waiting_labels{0};
  std::atomic<int64_t> watermark_ms{0};
  std::atomic<bool> guard_engaged{false};
};

struct RecoveryFigures {
  uint64_t snapshot_sequence = 0;  // 0: none was used
  uint64_t records = 0, payments = 0;
  uint64_t mismatches = 0;  // decisions in the log that the core would decide otherwise today
};

class Engine : public PaymentIntake {
 public:
  // Rebuilds the state from the newest usable snapshot and the log behind it. `make_core` gives a
  // fresh core.
  using CoreMaker = std::function<Result<std::unique_ptr<Core>>()>;
  using Progress = std::function<void(uint64_t done, uint64_t total)>;
  static Result<std::unique_ptr<Engine>> recover(Log& log, Snapshots& snapshots,
                                                 const CoreMaker& make_core,
                                                 Core::ModelFinder models, EngineOptions options,
                                                 OperatorLog& operator_log,
                                                 const Progress& progress = {});
  ~Engine() override;

  void start();
  void stop();
  bool submit(Work&& work) override;
  // Waits for room in the queue: for files and other sources that can wait. False once stopping.
  bool submit_waiting(Work&& work);

  const EngineFigures& figures() const { return figures_; }
  const RecoveryFigures& recovery() const { return recovery_; }
  size_t queued() const override { return queue_.size() + labels_put_off_; }
  size_t queue_limit() const override { return queue_.limit(); }
  bool failed() const { return failed_.load(); }  // the log failed: the process must end
  // Called once when the log fails, on the log thread.
  void on_failure(std::function<void(const Error&)> fn) { on_failure_ = std::move(fn); }
  // Called for each decision once it is durable, on the log thread: from submit() to there, for
  // payments of every source. Before start().
  void on_decided(std::function<void(std::chrono::microseconds)> fn) {
    on_decided_ = std::move(fn);
  }
  // Counts in `book` what is decided and said from here on, and tells it of each model. Before start(); it outlives the engine.
  void watch_drift(DriftBook& book);
  // Before start() or after stop(): the state itself.
  const Core& core() const { return *core_; }
  Core& core() { return *core_; }
  uint64_t sequence() const { return next_sequence_; }
  // Known from recovery on, changed by the owner thread: copies for status pages.
  std::string model_name() const;
  // How far behind the newest payment the log is needed to rebuild the state.
  Duration state_reach() const;
  Mode mode() const { return mode_.load(); }

 private:
  Engine(Log& log, Snapshots& snapshots, Core::ModelFinder models, EngineOptions options,
         OperatorLog& operator_log);
  Status replay(uint64_t from, const Progress& progress);
  Status replay_record(const RecordView& record);
  Status replay_batch();
  Result<std::shared_ptr<const Model>> model_of(const Change& change) const;

  // The owner thread.
  void own();
  void look_ahead(std::span<Work> batch);
  void take(Work& work);
  void take_payment(Work& work);
  bool put_off(Work& work);
  void take_slow_labels(std::chrono::steady_clock::duration most);
  void take_label(Work& work);
  void take_change(Work& work);
  void decide_admitted();
  void encode_decided(size_t i, size_t admitted, uint64_t sequence);
  void count_drift(size_t count, uint64_t next_sequence);
  void count_label(const Payment& payment, uint64_t sequence, int frauds);
  void tell_model();
  void count(const Decision& decision);
  void add_record(RecordKind kind, uint64_t lookup_key, size_t from);
  void add_reply(Work& work, Answer::Kind kind, uint64_t sequence);
  void note_guard();
  void note_default_answers();
  void hand_over();
  bool wait_durable(uint64_t sequence, Duration most) const;
  struct FoundPayment {
    uint64_t sequence = 0;  // 0: unknown
    std::string bytes;
  };
  Result<FoundPayment> find_payment(const std::string& payment_id);
  void publish_figures();
  void maybe_snapshot();
  void reap_snapshot(bool wait);
  void write_snapshot();

  // The log thread.
  void keep();
  void append(std::vector<std::unique_ptr<OutgoingGroup>>& groups);
  void time_all(const OutgoingGroup& group) const;
  void answer_all(OutgoingGroup& group);
  void answer(OutgoingGroup& group, PendingReply& pending);
  void answer_earlier(PendingReply& pending);
  void fail_all(std::vector<std::unique_ptr<OutgoingGroup>>& groups, const Error& error);

  Log& log_;
  Snapshots& snapshots_;
  Core::ModelFinder models_;
  EngineOptions options_;
  OperatorLog& operator_log_;
  std::unique_ptr<Core> core_;
  std::function<void(const Error&)> on_failure_;
  std::function<void(std::chrono::microseconds)> on_decided_;
  DriftBook* drift_ = nullptr;

  BoundedQueue<Work> queue_;
  BoundedQueue<std::unique_ptr<OutgoingGroup>> groups_;
  BoundedQueue<std::unique_ptr<OutgoingGroup>> spare_groups_;
  std::thread owner_, keeper_;
  std::atomic<bool> failed_{false};
  std::atomic<size_t> labels_put_off_{0};
  std::atomic<Mode> mode_{Mode::decide};

  // Owner thread (before start: the maker's).
  uint64_t next_sequence_ = 1;
  std::deque<Work> slow_labels_;    // those whose payments must be looked for in the log
  uint64_t snapshot_payments_ = 0;  // since the last snapshot
  SnapshotChild snapshot_child_;
  int guards_to_note_ = 0;
  std::unique_ptr<OutgoingGroup> group_;
  std::vector<Work*> admitted_;
  std::vector<Decision> decisions_;
  std::vector<CoreItem> items_;
  std::vector<WatchedPayment> drifting_;
  struct Replayed {
    Payment payment;
    uint64_t sequence;
    DecisionHead head;
    bool decided = false;
  };
  std::vector<Replayed> replayed_;
  size_t replayed_count_ = 0;

  mutable std::mutex shared_;          // the next two
  std::vector<std::string> defaults_;  // payment ids whose caller got the default outcome
  std::string model_name_;

  EngineFigures figures_;
  RecoveryFigures recovery_;
};

}  // namespace paywarden
