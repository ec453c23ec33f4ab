// The store's tables, version by version. Times are ms since the epoch (UTC), amounts minor units
// of their currency, severities 1 (review) and 2 (decline). No PAN anywhere: cards are tokens (hex)
// and masked texts.
#include "notify/schema.h"

#include <vector>

namespace paywarden {
namespace {

using Statements = std::vector<const char*>;

const Statements& version_1() {
  static const Statements kStatements = {
      "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
      // An alert. `subject`: the card's token, or what a guard or system alert is about. One
      // subject may have several open alerts (of different times); only the newest grows.
      "CREATE TABLE alert (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, "
      "subject TEXT NOT NULL, "
      "card TEXT NOT NULL, severity INTEGER NOT NULL, score DOUBLE PRECISION NOT NULL, payments "
      "BIGINT NOT NULL, "
      "amount_minor BIGINT NOT NULL, currency TEXT NOT NULL, merchant TEXT NOT NULL, title TEXT "
      "NOT NULL, "
      "detail TEXT NOT NULL, opened BIGINT NOT NULL, updated BIGINT NOT NULL, event_time_first "
      "BIGINT NOT NULL, "
      "event_time_last BIGINT NOT NULL)",
      "CREATE INDEX alert_by_state ON alert (state, id)",
      "CREATE INDEX alert_open_by_subject ON alert (subject, id) WHERE state = 'open'",
      "CREATE TABLE alert_count (state TEXT PRIMARY KEY, alerts BIGINT NOT NULL)",
      "INSERT INTO alert_count VALUES ('open', 0), ('confirmed', 0), ('dismissed', 0)",
      // The suspicious payments of an alert. `sequence`: the payment's place in the log.
      "CREATE TABLE alert_payment (alert_id BIGINT NOT NULL REFERENCES alert (id), sequence BIGINT "
      "NOT NULL, "
      "payment_id TEXT NOT NULL, event_time BIGINT NOT NULL, amount_minor BIGINT NOT NULL, "
      "currency TEXT NOT NULL, "
      "merchant TEXT NOT NULL, category TEXT NOT NULL, outcome INTEGER NOT NULL, score DOUBLE "
      "PRECISION NOT NULL, "
      "fields TEXT NOT NULL, decision TEXT NOT NULL, PRIMARY KEY (alert_id, sequence))",
      // What each card did lately, suspicious or not. `outcome` is -1 for backfilled payments,
      // which are not decided.
      "CREATE TABLE recent_payment (sequence INTEGER PRIMARY KEY, card TEXT NOT NULL, payment_id "
      "TEXT NOT NULL, "
      "event_time BIGINT NOT NULL, amount_minor BIGINT NOT NULL, currency TEXT NOT NULL, merchant "
      "TEXT NOT NULL, "
      "category TEXT NOT NULL, outcome INTEGER NOT NULL, score DOUBLE PRECISION NOT NULL)",
      "CREATE INDEX recent_payment_by_card ON recent_payment (card, sequence)",
      // One row for each message: an alert at a severity, through a channel. `payload` is the
      // message as it is sent, made once, so that a repeated delivery is the same bytes under the
      // same id.
      "CREATE TABLE outbox (id INTEGER PRIMARY KEY, alert_id BIGINT NOT NULL REFERENCES alert "
      "(id), "
      "severity INTEGER NOT NULL, channel TEXT NOT NULL, message_id TEXT NOT NULL UNIQUE, state "
      "TEXT NOT NULL, "
      "attempts INTEGER NOT NULL, last_error TEXT NOT NULL, queued BIGINT NOT NULL, next_attempt "
      "BIGINT NOT NULL, "
      "payload TEXT NOT NULL, UNIQUE (alert_id, channel, severity))",
      "CREATE INDEX outbox_due ON outbox (state, channel, next_attempt)",
      // Where a consumer of the log stands: records below `applied_to` are in the tables; reading
      // again starts at `resume_from`, the oldest payment whose decision had not come.
      "CREATE TABLE log_cursor (consumer TEXT PRIMARY KEY, applied_to BIGINT NOT NULL, resume_from "
      "BIGINT NOT NULL)",
      // Every word on an alert; the last one counts. `labels_stored` turns 1 once its labels are
      // durable in the log.
      "CREATE TABLE verdict (alert_id BIGINT NOT NULL REFERENCES alert (id), number BIGINT NOT "
      "NULL, "
      "verdict TEXT NOT NULL, user_name TEXT NOT NULL, at BIGINT NOT NULL, note TEXT NOT NULL, "
      "labels_stored INTEGER NOT NULL, PRIMARY KEY (alert_id, number))",
      "CREATE INDEX verdict_unlabelled ON verdict (alert_id) WHERE labels_stored = 0",
      "CREATE TABLE users (name TEXT PRIMARY KEY, role TEXT NOT NULL, password_hash TEXT NOT NULL, "
      "created BIGINT NOT NULL)",
      "CREATE TABLE sessions (token_sha256 TEXT PRIMARY KEY, user_name TEXT NOT NULL REFERENCES "
      "users (name), "
      "created BIGINT NOT NULL, used BIGINT NOT NULL)",
      "CREATE TABLE api_key (id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, "
      "secret_sha256 TEXT NOT NULL, created BIGINT NOT NULL, revoked BIGINT NOT NULL)",
  };
  return kStatements;
}

// Recent payments are files of their own (recent_payments.h).
const Statements& version_2() {
  static const Statements kStatements = {"DROP TABLE recent_payment"};
  return kStatements;
}

const std::vector<const Statements*>& versions() {
  static const std::vector<const Statements*> kVersions = {&version_1(), &version_2()};
  return kVersions;
}

int version_of(soci::session& sql) {
  sql << "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)";
  int version = 0;
  sql << "SELECT COALESCE(MAX(version), 0) FROM schema_version", soci::into(version);
  return version;
}

}  // namespace

Status migrate(soci::session& sql, const std::string& path) {
  auto version = static_cast<size_t>(version_of(sql));
  if (version > versions().size())
    return fail("the store has version " + std::to_string(version) + ", this program knows up to " +
                    std::to_string(versions().size()),
                path, "start the newer program, or restore the store of this one");
  for (; version < versions().size(); ++version) {
    for (const char* statement : *versions()[version]) sql << statement;
    int number = static_cast<int>(version) + 1;
    sql << "INSERT INTO schema_version VALUES (:v)", soci::use(number);
  }
  return {};
}

}  // namespace paywarden
