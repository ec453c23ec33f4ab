// What becomes an alert, and whom it is told.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/time.h"
#include "notify/alert.h"

namespace paywarden {

// Which alerts a channel is told of. Its name is the one that the dispatcher knows it by.
struct ChannelRoute {
  std::string name;
  Outcome outcome_min = Outcome::review;  // decline: only what needs someone at once
  bool system_alerts = true;              // guard and system alerts too
};

struct AlertingOptions {
  Duration group_within =
      minutes(30);  // suspicious payments of a card so close together are one story
  int64_t alert_payments_max = 200;  // then a new alert is opened: an alert is to be read by a
                                     // person, and each of its payments becomes a label
  size_t undecided_max =
      100'000;  // payments that wait for their decision, in memory (about 500 bytes each)
  uint64_t cursor_records_max =
      20'000;  // the place in the log is noted with each change of an alert, else every so many records: a start reads
               // that many again, in milliseconds
  uint64_t recent_rebuild_records_max =
      2'000'000;  // records read again where the cards' recent payments were lost: a few seconds
  std::string page_url = {};  // "https://paywarden.bank.example": links in messages; empty: none
  std::vector<ChannelRoute> channels = {};
};

// Something that an engineer or analyst must know and that is no payment: the guard engaged, the
// disk is nearly full.
struct SystemEvent {
  AlertKind kind = AlertKind::system;  // guard or system
  std::string subject;  // fixed word; while its alert is open, further events are the same alert
  Outcome severity = Outcome::review;  // decline: someone must act at once
  std::string title;                   // one line
  std::string detail;                  // what happened and what to do
  EventTime at;
};

}  // namespace paywarden
