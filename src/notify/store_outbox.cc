// The outbox's rows and the store's settings.
#include "notify/database.h"
#include "notify/store.h"

namespace paywarden {
namespace {

using soci::into;
using soci::use;

constexpr const char* kColumns =
    "SELECT id, alert_id, channel, message_id, state, attempts, last_error, queued, next_attempt, "
    "payload FROM outbox ";

struct DeliveryRow {
  long long id = 0, alert_id = 0, queued = 0, next_attempt = 0;
  int attempts = 0;
  std::string channel, message_id, state, last_error, payload;

  Delivery get() const {
    return {id,
            alert_id,
            channel,
            message_id,
            delivery_state_of(state).value_or(DeliveryState::dead),
            attempts,
            last_error,
            EventTime(queued),
            EventTime(next_attempt),
            payload};
  }
};

std::vector<Delivery> fetch(soci::details::prepare_temp_type& prepared) {
  DeliveryRow r;
  prepared, into(r.id), into(r.alert_id), into(r.channel), into(r.message_id), into(r.state),
      into(r.attempts), into(r.last_error), into(r.queued), into(r.next_attempt), into(r.payload);
  soci::statement statement(prepared);
  statement.execute();
  std::vector<Delivery> found;
  while (statement.fetch()) found.push_back(r.get());
  return found;
}

}  // namespace

Result<std::vector<Delivery>> Store::due(const std::string& channel, EventTime now,
                                         int limit) const {
  std::vector<Delivery> found;
  long long at = now.ms(), most = limit;
  TRY(database_->read([&](soci::session& sql) -> Status {
    auto prepared =
        (sql.prepare
             << std::string(kColumns) +
                    "WHERE state = 'waiting' AND channel = :channel AND next_attempt <= :now "
                    "ORDER BY next_attempt, id LIMIT :most",
         use(channel), use(at), use(most));
    found = fetch(prepared);
    return {};
  }));
  return found;
}

Result<std::vector<Delivery>> Store::deliveries(std::optional<DeliveryState> state,
                                                int limit) const {
  std::vector<Delivery> found;
  long long most = limit;
  std::string wanted(state ? name_of(*state) : "");
  TRY(database_->read([&](soci::session& sql) -> Status {
    auto prepared =
        (sql.prepare << std::string(kColumns) +
                            "WHERE state = :state OR :all = '' ORDER BY id DESC LIMIT :most",
         use(wanted), use(wanted), use(most));
    found = fetch(prepared);
    return {};
  }));
  return found;
}

Status Store::delivered(int64_t id) {
  return database_->write([&](soci::session& sql) -> Status {
    long long row = id;
    sql << "UPDATE outbox SET state = 'delivered', attempts = attempts + 1, last_error = '' "
           "WHERE id = :id AND state = 'waiting'",
        use(row);
    return {};
  });
}

Status Store::postpone(int64_t id, EventTime next_attempt, const std::string& error) {
  return database_->write([&](soci::session& sql) -> Status {
    long long row = id, at = next_attempt.ms();
    sql << "UPDATE outbox SET attempts = attempts + 1, last_error = :error, next_attempt = :at "
           "WHERE id = :id AND state = 'waiting'",
        use(error), use(at), use(row);
    return {};
  });
}

Status Store::bury(int64_t id, const std::string& error) {
  return database_->write([&](soci::session& sql) -> Status {
    long long row = id;
    sql << "UPDATE outbox SET state = 'dead', attempts = attempts + 1, last_error = :error "
           "WHERE id = :id AND state = 'waiting'",
        use(error), use(row);
    return {};
  });
}

Result<bool> Store::retry(int64_t id, EventTime now) {
  bool found = false;
  TRY(database_->write([&](soci::session& sql) -> Status {
    long long row = id, at = now.ms();
    soci::statement update = (sql.prepare << "UPDATE outbox SET state = 'waiting', attempts = 0, "
                                             "queued = :now, next_attempt = :at "
                                             "WHERE id = :id AND state = 'dead'",
                              use(at), use(at), use(row));
    update.execute(true);
    found = update.get_affected_rows() > 0;
    return {};
  }));
  return found;
}

Status Store::forget_delivered(EventTime queued_before) {
  return database_->write([&](soci::session& sql) -> Status {
    long long before = queued_before.ms();
    sql << "DELETE FROM outbox WHERE state = 'delivered' AND queued < :before", use(before);
    return {};
  });
}

Result<std::optional<std::string>> Store::setting(const std::string& name) const {
  std::optional<std::string> found;
  TRY(database_->read([&](soci::session& sql) -> Status {
    std::string value;
    sql << "SELECT value FROM setting WHERE name = :name", use(name), into(value);
    if (sql.got_data()) found = value;
    return {};
  }));
  return found;
}

Status Store::set_setting(const std::string& name, const std::string& value) {
  return database_->write([&](soci::session& sql) -> Status {
    sql << "DELETE FROM setting WHERE name = :name", use(name);
    sql << "INSERT INTO setting (name, value) VALUES (:name, :value)", use(name), use(value);
    return {};
  });
}

}  // namespace paywarden
