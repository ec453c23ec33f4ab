// Turns verdicts into labels in the log: each verdict's labels get there, in the order of the
// verdicts, through any crash.
//
//   Labelling labelling(store, sink, workers, log);
//   labelling.label(alert_id, [=](bool stored) { ... });   // false: not yet; it is tried again
//   labelling.repeat();                                    // now and then: what a crash or fault
//   left over
//
// One alert has at most one set of labels on its way; a verdict that comes meanwhile follows it, so
// that the last word is also the last in the log. Any thread.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "base/operator_log.h"
#include "center/ports.h"
#include "center/workers.h"
#include "notify/store.h"

namespace paywarden {

class Labelling {
 public:
  using Done = std::function<void(bool stored)>;
  Labelling(Store& store, LabelSink& sink, Workers& workers, OperatorLog& log)
      : store_(store), sink_(sink), workers_(workers), log_(log) {}

  void label(int64_t alert_id, Done done);
  void repeat();

 private:
  struct OnItsWay {
    std::vector<Done> done, done_next;  // of the labels on their way; of those that follow
    bool again = false;
  };
  void send(int64_t alert_id);
  void sent(int64_t alert_id, int64_t number, const Status& status);
  void finish(int64_t alert_id, bool stored);

  Store& store_;
  LabelSink& sink_;
  Workers& workers_;
  OperatorLog& log_;
  std::mutex mutex_;
  std::map<int64_t, OnItsWay> on_their_way_;  // by alert
};

}  // namespace paywarden
