#include "app/topic_labels.h"

#include "app/find_decision.h"
#include "app/intake_labels.h"

namespace paywarden {
namespace {

// Of one thread: labels keep their order. As many verdicts wait as are given out again at a time, and some.
constexpr WorkersOptions kOneByOne{.threads = 1, .queued_max = 256};

}  // namespace

TopicLabels::TopicLabels(TopicLabelsPorts ports) : ports_(std::move(ports)), worker_(kOneByOne) {}

void TopicLabels::label(std::vector<Label> labels, std::function<void(Status)> done) {
  auto job = [this, labels = std::move(labels), done]() mutable {
    send(std::move(labels), std::move(done));
  };
  if (!worker_.try_run(std::move(job)))
    done(fail("the labels were not taken: too many wait, or the program stops"));
}

void TopicLabels::send(std::vector<Label> labels, std::function<void(Status)> done) {
  std::vector<Work> works;
  for (Label& label : labels) {
    auto found = find_payment(ports_.journal, ports_.fields, label.payment_id);
    if (!found) return done(tl::unexpected(found.error()));
    if (!*found && ports_.payment_needed) {
      say_lost(label);
      continue;
    }
    Work& work = works.emplace_back(Work::of(std::move(label), nullptr));
    if (!*found) continue;  // where its payment stands in the input it is found there
    work.payment = std::move((*found)->payment);
    work.label_has_payment = true;
  }
  submit_labels(ports_.intake, std::move(works), std::move(done));
}

void TopicLabels::say_lost(const Label& label) {
  lost_.fetch_add(1, std::memory_order_relaxed);
  const char* remedy =
      "send the label together with its payment, to POST /v1/labels or into the payments topic";
  ports_.log.write(LogLevel::error, "label_lost",
                   {{"payment_id", label.payment_id},
                    {"is_fraud", label.is_fraud ? "true" : "false"},
                    {"why", "its payment is older than what the notification center keeps"},
                    {"remedy", remedy}});
  ports_.notice({AlertKind::system, "label_lost", Outcome::review,
                 "A verdict came too late to become a label",
                 "Payment " + label.payment_id +
                     " is older than what the notification center keeps: the verdict stands here, "
                     "and the features do not learn of it. An engineer can " +
                     remedy + ".",
                 ports_.clock.now()});
}

}  // namespace paywarden
