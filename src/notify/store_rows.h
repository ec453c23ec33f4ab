// Rows of the store's tables as structs and back; shared by the files that speak SQL. Only for .cc
// files.
#pragma once

#include <soci/soci.h>

#include <string>

#include "notify/alert.h"

namespace paywarden {

// Columns of `alert` in the order that AlertRow binds.
inline constexpr const char* kAlertColumns =
    "id, kind, state, subject, card, severity, score, payments, amount_minor, currency, merchant, "
    "title, detail, "
    "opened, updated, event_time_first, event_time_last";

struct AlertRow {
  long long id = 0, payments = 0, amount_minor = 0, opened = 0, updated = 0;
  long long event_time_first = 0, event_time_last = 0;
  int severity = 1;
  double score = 0;
  std::string kind, state, subject, card, currency, merchant, title, detail;

  AlertSummary summary() const;
};

// Binds `row` to a prepared "SELECT kAlertColumns ...".
soci::details::prepare_temp_type& into_row(soci::details::prepare_temp_type& prepared,
                                           AlertRow& row);

Currency currency_of(const std::string& code);  // the store holds only valid codes
Outcome outcome_of(int severity);
inline int severity_of(Outcome outcome) {
  return static_cast<int>(outcome);
}

}  // namespace paywarden
