#include "notify/store_rows.h"

namespace paywarden {

using soci::into;

AlertSummary AlertRow::summary() const {
  AlertSummary s;
  s.id = id;
  s.state = alert_state_of(state).value_or(AlertState::open);
  s.kind = alert_kind_of(kind).value_or(AlertKind::system);
  s.card = card;
  s.outcome = outcome_of(severity);
  s.score = score;
  s.payments = payments;
  s.amount_minor = amount_minor;
  s.currency = currency_of(currency);
  s.merchant = merchant;
  s.opened = EventTime(opened);
  s.updated = EventTime(updated);
  s.title = title;
  return s;
}

soci::details::prepare_temp_type& into_row(soci::details::prepare_temp_type& prepared,
                                           AlertRow& r) {
  return prepared, into(r.id), into(r.kind), into(r.state), into(r.subject), into(r.card),
         into(r.severity), into(r.score), into(r.payments), into(r.amount_minor), into(r.currency),
         into(r.merchant), into(r.title), into(r.detail), into(r.opened), into(r.updated),
         into(r.event_time_first), into(r.event_time_last);
}

Currency currency_of(const std::string& code) {
  return Currency::parse(code).value_or(Currency());
}

Outcome outcome_of(int severity) {
  return severity <= 0 ? Outcome::approve : severity == 1 ? Outcome::review : Outcome::decline;
}

}  // namespace paywarden
