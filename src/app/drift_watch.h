// Drift on the running program: keeps the counts beside the log, raises the alarm, and shows figures.
//
//   DriftWatch drift(files, config, log);
//   drift.load(journal.durable_end());        // before engine.watch_drift(drift.book())
//   drift.look(center, now);                  // every few seconds, by one thread: log and notification center
//   drift.save();                             // every minute, and behind the engine's end; look() does so at news
//   drift.add_figures(families);              // any thread
#pragma once

#include <string>

#include "app/config.h"
#include "app/families.h"
#include "base/files.h"
#include "base/operator_log.h"
#include "drift/drift_book.h"
#include "notify/alerting_options.h"

namespace paywarden {

class NotificationCenter;

class DriftWatch {
 public:
  DriftWatch(Files& files, const Config& config, OperatorLog& log);

  DriftBook& book() { return book_; }
  void load(uint64_t log_end);
  void look(NotificationCenter& center, EventTime now);
  void save();
  void add_figures(Families& out) const;

 private:
  Files& files_;
  const DriftLevels levels_;
  const std::string path_;
  OperatorLog& log_;
  DriftBook book_;
  bool said_unknown_ = false;  // of the model in use
};

// The alert of a day that reached the alarm level.
SystemEvent drift_event(const DriftNews& news, double level, EventTime now);

}  // namespace paywarden
