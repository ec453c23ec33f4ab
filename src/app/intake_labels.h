// Verdicts of the notification center as labels (center/ports.h), given to whatever takes payments.
//
//   IntakeLabels labels(engine);
//   submit_labels(intake, std::move(works), done);     // for whoever has more to say of each label than its words
#pragma once

#include <functional>
#include <vector>

#include "center/ports.h"
#include "engine/work.h"

namespace paywarden {

// Calls `done` once, when all of them are answered: with success when all are kept. Replies of `works` are set here.
void submit_labels(PaymentIntake& intake, std::vector<Work> works,
                   std::function<void(Status)> done);

class IntakeLabels : public LabelSink {
 public:
  explicit IntakeLabels(PaymentIntake& intake) : intake_(intake) {}
  void label(std::vector<Label> labels, std::function<void(Status)> done) override;

 private:
  PaymentIntake& intake_;
};

}  // namespace paywarden
