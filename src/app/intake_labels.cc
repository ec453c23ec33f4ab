#include "app/intake_labels.h"

#include <memory>
#include <mutex>

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
    if (!answered_)
      together_->one(fail("the label was not taken: too many wait, or the program stops"));
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

void submit_labels(PaymentIntake& intake, std::vector<Work> works,
                   std::function<void(Status)> done) {
  auto together = std::make_shared<Together>();
  together->open = works.size() + 1;  // one for this call
  together->done = std::move(done);
  // A work that is not taken is destroyed with its reply, which then answers.
  for (Work& work : works) {
    work.reply = std::make_unique<LabelReply>(together);
    Work taken = std::move(work);
    intake.submit(std::move(taken));
  }
  together->one({});
}

void IntakeLabels::label(std::vector<Label> labels, std::function<void(Status)> done) {
  std::vector<Work> works;
  for (Label& label : labels) works.push_back(Work::of(std::move(label), nullptr));
  submit_labels(intake_, std::move(works), std::move(done));
}

}  // namespace paywarden
