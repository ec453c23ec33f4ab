// Reading alerts, and the words given on them.
#include <charconv>

#include "notify/database.h"
#include "notify/store.h"
#include "notify/store_rows.h"

namespace paywarden {
namespace {

using soci::into;
using soci::use;

std::vector<AlertSummary> fetch_summaries(soci::statement& statement, const AlertRow& row) {
  std::vector<AlertSummary> found;
  statement.execute();
  while (statement.fetch()) found.push_back(row.summary());
  return found;
}

std::vector<AlertSummary> select_page(soci::session& sql, const AlertQuery& query, int limit) {
  AlertRow row;
  long long before = query.before > 0 ? query.before : INT64_MAX;
  std::string select = std::string("SELECT ") + kAlertColumns + " FROM alert WHERE id < :before";
  std::string state;
  if (query.state) {
    state = name_of(*query.state);
    select += " AND state = :state";
  }
  select += " ORDER BY id DESC LIMIT " + std::to_string(limit);
  auto prepared = (sql.prepare << select, use(before));
  if (query.state) prepared, use(state);
  soci::statement statement(into_row(prepared, row));
  return fetch_summaries(statement, row);
}

AlertCounts select_counts(soci::session& sql) {
  AlertCounts counts;
  std::string state;
  long long alerts = 0;
  soci::statement statement =
      (sql.prepare << "SELECT state, alerts FROM alert_count", into(state), into(alerts));
  statement.execute();
  while (statement.fetch()) {
    auto known = alert_state_of(state);
    if (known == AlertState::open) counts.open = alerts;
    if (known == AlertState::confirmed) counts.confirmed = alerts;
    if (known == AlertState::dismissed) counts.dismissed = alerts;
  }
  return counts;
}

bool select_alert(soci::session& sql, long long id, AlertRow& row) {
  auto prepared =
      (sql.prepare << std::string("SELECT ") + kAlertColumns + " FROM alert WHERE id = :id",
       use(id));
  soci::statement statement(into_row(prepared, row));
  statement.execute();
  return statement.fetch();
}

std::vector<AlertPayment> select_payments(soci::session& sql, long long alert_id) {
  std::vector<AlertPayment> found;
  AlertPayment p;
  long long sequence = 0, event_time = 0, amount = 0;
  int outcome = 0;
  std::string currency;
  soci::statement statement =
      (sql.prepare
           << "SELECT sequence, payment_id, event_time, amount_minor, currency, merchant, "
              "category, outcome, "
              "score, fields, decision FROM alert_payment WHERE alert_id = :id ORDER BY sequence",
       use(alert_id), into(sequence), into(p.payment_id), into(event_time), into(amount),
       into(currency), into(p.merchant), into(p.category), into(outcome), into(p.score),
       into(p.fields), into(p.decision));
  statement.execute();
  while (statement.fetch()) {
    p.sequence = static_cast<uint64_t>(sequence);
    p.event_time = EventTime(event_time);
    p.amount_minor = amount;
    p.currency = currency_of(currency);
    p.outcome = outcome_of(outcome);
    found.push_back(p);
  }
  return found;
}

struct VerdictRow {
  long long number = 0, at = 0;
  int labels_stored = 0;
  std::string verdict, user, note;

  Verdict get() const {
    return {alert_state_of(verdict).value_or(AlertState::open), user, EventTime(at), note,
            labels_stored != 0};
  }
};

bool select_verdict(soci::session& sql, long long alert_id, VerdictRow& row) {
  sql << "SELECT number, verdict, user_name, at, note, labels_stored FROM verdict WHERE alert_id = "
         ":id "
         "ORDER BY number DESC LIMIT 1",
      use(alert_id), into(row.number), into(row.verdict), into(row.user), into(row.at),
      into(row.note), into(row.labels_stored);
  return sql.got_data();
}

void insert_verdict(soci::session& sql, const VerdictGiven& given, const VerdictRow& row) {
  long long id = given.alert_id;
  sql << "INSERT INTO verdict (alert_id, number, verdict, user_name, at, note, labels_stored) "
         "VALUES (:id, :number, :verdict, :user, :at, :note, :stored)",
      use(id), use(row.number), use(row.verdict), use(row.user), use(row.at), use(row.note),
      use(row.labels_stored);
}

void move_state(soci::session& sql, long long id, const std::string& from, const std::string& to) {
  sql << "UPDATE alert SET state = :to WHERE id = :id", use(to), use(id);
  sql << "UPDATE alert_count SET alerts = alerts - 1 WHERE state = :from", use(from);
  sql << "UPDATE alert_count SET alerts = alerts + 1 WHERE state = :to", use(to);
}

std::vector<std::string> select_payment_ids(soci::session& sql, long long alert_id) {
  std::vector<std::string> ids;
  std::string id;
  soci::statement statement =
      (sql.prepare << "SELECT payment_id FROM alert_payment WHERE alert_id = :id ORDER BY sequence",
       use(alert_id), into(id));
  statement.execute();
  while (statement.fetch()) ids.push_back(id);
  return ids;
}

// The verdict's row after `given`: the one that stands, or a new one behind it.
VerdictRow put_verdict(soci::session& sql, const VerdictGiven& given, const AlertRow& alert) {
  VerdictRow row;
  bool found = select_verdict(sql, alert.id, row);
  std::string verdict(name_of(given.verdict));
  if (found && row.verdict == verdict && row.user == given.user && row.note == given.note)
    return row;
  bool labelled_alike = found && row.verdict == verdict && row.labels_stored != 0;
  row = {.number = row.number + 1,
         .at = given.at.ms(),
         .verdict = verdict,
         .user = given.user,
         .note = given.note};
  row.labels_stored = alert.kind != "card" || labelled_alike;
  insert_verdict(sql, given, row);
  if (alert.state != verdict) move_state(sql, alert.id, alert.state, verdict);
  return row;
}

}  // namespace

Store::Store(StoreOptions options, std::unique_ptr<Database> database)
    : options_(std::move(options)), database_(std::move(database)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options) {
  TRY_ASSIGN(auto database, Database::open(options));
  return std::unique_ptr<Store>(new Store(options, std::move(database)));
}

Status Store::open_recent() {
  if (recent_) return {};
  TRY_ASSIGN(recent_,
             RecentPayments::open(files_, {.directory = directory_of(options_.path) + "/recent"}));
  return {};
}

Result<AlertPage> Store::alerts(const AlertQuery& query) const {
  AlertPage page;
  TRY(database_->read([&](soci::session& sql) -> Status {
    page.alerts = select_page(sql, query, query.limit + 1);
    page.counts = select_counts(sql);
    return {};
  }));
  if (static_cast<int>(page.alerts.size()) > query.limit) {
    page.alerts.pop_back();
    page.next = page.alerts.back().id;
  }
  return page;
}

Result<std::vector<AlertSummary>> Store::summaries(std::span<const int64_t> ids) const {
  std::vector<AlertSummary> found;
  TRY(database_->read([&](soci::session& sql) -> Status {
    for (int64_t id : ids) {
      AlertRow row;
      if (select_alert(sql, id, row)) found.push_back(row.summary());
    }
    return {};
  }));
  return found;
}

Result<std::optional<Alert>> Store::alert(int64_t id) const {
  std::optional<Alert> found;
  std::string subject;
  TRY(database_->read([&](soci::session& sql) -> Status {
    AlertRow row;
    if (!select_alert(sql, id, row)) return {};
    found.emplace();
    found->summary = row.summary();
    found->detail = row.detail;
    found->payments = select_payments(sql, id);
    if (row.kind == "card") subject = row.subject;
    VerdictRow verdict;
    if (select_verdict(sql, id, verdict)) found->verdict = verdict.get();
    return {};
  }));
  // Its subject is its card's token. What the card did is derived from the log: where it cannot be read, the alert is shown
  // without it.
  if (auto card = CardToken::parse(subject); card && recent_)
    if (auto recent = recent_->of(*card)) found->recent = std::move(*recent);
  return found;
}

Result<AlertCounts> Store::counts() const {
  AlertCounts counts;
  TRY(database_->read([&](soci::session& sql) -> Status {
    counts = select_counts(sql);
    return {};
  }));
  return counts;
}

Result<std::optional<UnlabelledVerdict>> Store::give_verdict(const VerdictGiven& given) {
  std::optional<UnlabelledVerdict> result;
  TRY(database_->write([&](soci::session& sql) -> Status {
    AlertRow alert;
    if (!select_alert(sql, given.alert_id, alert)) return {};
    VerdictRow row = put_verdict(sql, given, alert);
    result = UnlabelledVerdict{given.alert_id, row.number, row.get(), {}};
    if (!row.labels_stored) result->payment_ids = select_payment_ids(sql, given.alert_id);
    return {};
  }));
  return result;
}

Status Store::labels_stored(int64_t alert_id, int64_t number) {
  return database_->write([&](soci::session& sql) -> Status {
    long long id = alert_id, upto = number;
    sql << "UPDATE verdict SET labels_stored = 1 WHERE alert_id = :id AND number <= :n", use(id),
        use(upto);
    return {};
  });
}

Result<std::optional<UnlabelledVerdict>> Store::unlabelled_of(int64_t alert_id) const {
  std::optional<UnlabelledVerdict> found;
  TRY(database_->read([&](soci::session& sql) -> Status {
    VerdictRow row;
    if (!select_verdict(sql, alert_id, row) || row.labels_stored) return {};
    found = UnlabelledVerdict{alert_id, row.number, row.get(), select_payment_ids(sql, alert_id)};
    return {};
  }));
  return found;
}

Result<std::vector<UnlabelledVerdict>> Store::unlabelled(int limit) const {
  std::vector<UnlabelledVerdict> found;
  TRY(database_->read([&](soci::session& sql) -> Status {
    std::vector<long long> ids;
    long long id = 0, most = limit;
    soci::statement statement = (sql.prepare << "SELECT DISTINCT alert_id FROM verdict WHERE "
                                                "labels_stored = 0 ORDER BY alert_id LIMIT :most",
                                 use(most), into(id));
    statement.execute();
    while (statement.fetch()) ids.push_back(id);
    for (long long alert_id : ids) {
      VerdictRow row;
      if (!select_verdict(sql, alert_id, row) || row.labels_stored) continue;
      found.push_back({alert_id, row.number, row.get(), select_payment_ids(sql, alert_id)});
    }
    return {};
  }));
  return found;
}

}  // namespace paywarden
