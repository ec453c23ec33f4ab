#include "center/labelling.h"

#include <utility>

namespace paywarden {
namespace {

constexpr int kRepeatedMax = 100;  // alerts at a time: what is left follows at the next turn

std::vector<Label> labels_of(const UnlabelledVerdict& verdict) {
  std::vector<Label> labels;
  for (const std::string& id : verdict.payment_ids)
    labels.push_back({id, verdict.verdict.verdict == AlertState::confirmed,
                      "analyst:" + verdict.verdict.user, verdict.verdict.at});
  return labels;
}

}  // namespace

void Labelling::label(int64_t alert_id, Done done) {
  {
    std::lock_guard lock(mutex_);
    auto [at, is_first] = on_their_way_.try_emplace(alert_id);
    if (!is_first) {
      at->second.again = true;
      at->second.done_next.push_back(std::move(done));
      return;
    }
    at->second.done.push_back(std::move(done));
  }
  send(alert_id);
}

void Labelling::repeat() {
  auto left = store_.unlabelled(kRepeatedMax);
  if (!left)
    return log_.write(LogLevel::error, "labelling_failed", {{"error", left.error().line()}});
  for (const UnlabelledVerdict& verdict : *left) label(verdict.alert_id, [](bool) {});
}

void Labelling::send(int64_t alert_id) {
  auto verdict = store_.unlabelled_of(alert_id);
  if (!verdict) {
    log_.write(LogLevel::error, "labelling_failed", {{"error", verdict.error().line()}});
    return finish(alert_id, false);
  }
  if (!*verdict) return finish(alert_id, true);
  sink_.label(labels_of(**verdict), [this, alert_id, number = (*verdict)->number](Status status) {
    workers_.run([this, alert_id, number, status] { sent(alert_id, number, status); });
  });
}

void Labelling::sent(int64_t alert_id, int64_t number, const Status& status) {
  Status done = status;
  if (done) done = store_.labels_stored(alert_id, number);
  if (!done)
    log_.write(LogLevel::warning, "labels_not_stored",
               {{"alert", std::to_string(alert_id)}, {"error", done.error().line()}});
  finish(alert_id, done.has_value());
}

void Labelling::finish(int64_t alert_id, bool stored) {
  std::vector<Done> done;
  bool again = false;
  {
    std::lock_guard lock(mutex_);
    OnItsWay& way = on_their_way_.at(alert_id);
    done = std::exchange(way.done, std::move(way.done_next));
    way.done_next.clear();
    again = std::exchange(way.again, false);
    if (!again) on_their_way_.erase(alert_id);
  }
  for (const Done& one : done) one(stored);
  if (again) send(alert_id);
}

}  // namespace paywarden
