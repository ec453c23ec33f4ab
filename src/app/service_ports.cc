#include "app/service_ports.h"

namespace paywarden {
namespace {

// Calls `done` when all labels of a verdict have been answered.
struct Together {
  std::mutex mutex;
  size_t open = 0;
  Status status;
  std::function<void(Status)> done;

  void one(Status result) {
    std::function<void(Status)> finish;
    {
      std::lock_guard lock(mutex);
      if (!result) status = result;
      if (--open == 0) finish = std::move(done);
    }
    if (finish) finish(status);
  }
};

class LabelReply : public ReplyTo {
 public:
  explicit LabelReply(std::shared_ptr<Together> together) : together_(std::move(together)) {}
  ~LabelReply() override {
    if (!answered_) together_->one(fail("the engine stopped before the label was kept"));
  }
  bool answer(const Answer& answer) override {
    answered_ = true;
    bool kept =
        answer.kind == Answer::Kind::label_applied || answer.kind == Answer::Kind::label_waiting;
    together_->one(kept ? Status()
                        : fail(answer.error ? answer.error->line() : "the label was not kept"));
    return true;
  }

 private:
  std::shared_ptr<Together> together_;
  bool answered_ = false;
};

}  // namespace

void Service::Labels::label(std::vector<Label> labels, std::function<void(Status)> done) {
  auto together = std::make_shared<Together>();
  together->open = labels.size() + 1;  // one for this call
  together->done = std::move(done);
  // A work that is not taken is destroyed with its reply, which then answers.
  for (Label& label : labels)
    engine_.submit(Work::of(std::move(label), std::make_unique<LabelReply>(together)));
  together->one({});
}

StatsNow Service::Figures::now() {
  StatsNow out;
  out.time = clock_.now();
  auto asked = std::chrono::steady_clock::now();
  double seconds = std::chrono::duration<double>(asked - asked_).count();
  asked_ = asked;
  LatencyCounts latency = latency_.counts(), recent = latency - latency_before_;
  latency_before_ = latency;
  out.latency_us_p50 = static_cast<int64_t>(recent.quantile(0.5));
  out.latency_us_p99 = static_cast<int64_t>(recent.quantile(0.99));
  out.latency_us_p999 = static_cast<int64_t>(recent.quantile(0.999));
  std::array<int64_t, 3> since{};
  for (size_t i = 0; i < 3; ++i) {
    uint64_t n = engine_.figures().outcomes[i].load();
    since[i] = static_cast<int64_t>(n - outcomes_before_[i]);
    outcomes_before_[i] = n;
  }
  out.approve = since[0];
  out.review = since[1];
  out.decline = since[2];
  out.per_second = static_cast<double>(since[0] + since[1] + since[2]) / std::max(seconds, 0.001);
  if (seconds > 60) out.per_second = 0;  // the first look: since nobody knows when
  out.queued = static_cast<int64_t>(engine_.queued());
  return out;
}

std::array<uint64_t, 50> Service::Figures::scores() const {
  std::array<uint64_t, 50> out{};
  for (size_t i = 0; i < out.size(); ++i) out[i] = engine_.figures().scores[i].load();
  return out;
}

StatusReport Service::Figures::report() const {
  StatusReport report;
  report.mode = std::string(name_of(engine_.mode()));
  report.model = engine_.model_name();
  report.guard = engine_.figures().guard_engaged;
  report.journal_sequence = journal_.durable_end() - 1;
  report.journal_bytes = journal_.figures().bytes;
  report.version = PAYWARDEN_VERSION;
  return report;
}

}  // namespace paywarden
