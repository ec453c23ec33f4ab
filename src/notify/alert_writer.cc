// Growing and opening alerts, and the outbox rows that tell of them.
#include "notify/alert_writer.h"

#include <algorithm>

#include "base/digest.h"
#include "base/json_writer.h"
#include "notify/message.h"

namespace paywarden {
namespace {

using soci::into;
using soci::use;

long long max_id(soci::session& sql, const char* table) {
  long long id = 0;
  sql << std::string("SELECT COALESCE(MAX(id), 0) FROM ") + table, into(id);
  return id;
}

void append_value(JsonWriter& json, const Payment& p, FieldIndex f, FieldType type) {
  const FieldValue& value = p.value(f);
  switch (type) {
    case FieldType::text:
      json.string(p.text(f));
      break;
    case FieldType::integer:
      json.integer(value.integer);
      break;
    case FieldType::number:
      json.number(value.number);
      break;
    case FieldType::boolean:
      json.boolean(value.integer != 0);
      break;
    case FieldType::time:
      json.string(format_rfc3339(EventTime(value.integer)));
      break;
    case FieldType::amount:
      json.string(amount_text(value.integer, p.currency));
      break;
  }
}

EventTime seen_at(const Payment& payment) {
  return payment.receipt_time.ms() ? payment.receipt_time : payment.event_time;
}

AlertRow card_alert(const Suspicion& s) {
  AlertRow row;
  row.kind = name_of(AlertKind::card);
  row.subject = s.payment.card.hex();
  row.card = s.payment.card_masked.view();
  row.currency = s.payment.currency.code();
  row.severity = 0;
  row.opened = row.updated = seen_at(s.payment).ms();
  row.event_time_first = row.event_time_last = s.payment.event_time.ms();
  return row;
}

void grow(AlertRow& row, const Suspicion& s) {
  row.severity = std::max(row.severity, severity_of(s.outcome));
  row.score = std::max(row.score, static_cast<double>(s.score));
  ++row.payments;
  if (row.currency == s.payment.currency.code()) row.amount_minor += s.payment.amount_minor;
  row.merchant = s.payment.merchant();
  row.updated = std::max<long long>(row.updated, seen_at(s.payment).ms());
  row.event_time_first = std::min<long long>(row.event_time_first, s.payment.event_time.ms());
  row.event_time_last = std::max<long long>(row.event_time_last, s.payment.event_time.ms());
}

// The same for the same alert at the same severity through the same channel, whoever makes it.
std::string message_id(const std::string& instance, long long alert_id, int severity,
                       const std::string& channel) {
  return "msg_" + sha256_hex(instance + '/' + std::to_string(alert_id) + '/' +
                             std::to_string(severity) + '/' + channel)
                      .substr(0, 32);
}

bool wants(const ChannelRoute& route, const AlertRow& row) {
  if (row.kind != name_of(AlertKind::card) && !route.system_alerts) return false;
  return row.severity >= severity_of(route.outcome_min);
}

}  // namespace

std::string card_alert_title(const AlertRow& row, bool observed) {
  bool decline = row.severity >= severity_of(Outcome::decline);
  std::string title = observed ? (decline ? "Would decline: " : "Would review: ")
                               : (decline ? "Declined: " : "To review: ");
  if (row.payments > 1) title += std::to_string(row.payments) + " payments, ";
  title += amount_text(row.amount_minor, currency_of(row.currency)) + ' ' + row.currency;
  if (row.merchant.empty()) return title;
  return title + (row.payments > 1 ? ", last at " : " at ") + row.merchant;
}

std::string extra_fields_json(const Payment& payment, const FieldTable& fields) {
  std::string out;
  JsonWriter json(out);
  json.open_object();
  for (FieldIndex f = field::standard_count; f < payment.field_count(); ++f) {
    if (!payment.has(f)) continue;
    json.key(fields[f].name);
    append_value(json, payment, f, fields[f].type);
  }
  json.close_object();
  return out;
}

AlertWriter::AlertWriter(soci::session& sql, const AlertingOptions& options,
                         const std::string& instance)
    : sql_(sql), options_(options), instance_(instance) {}

void AlertWriter::suspicious(const Suspicion& suspicion) {
  Working& working = alert_for(suspicion);
  bool most_severe =
      severity_of(suspicion.outcome) > working.row.severity || working.decision.empty();
  grow(working.row, suspicion);
  working.is_touched = true;
  working.observed = suspicion.observed;
  if (most_severe) working.decision = suspicion.decision;
  add_payment(working.row.id, suspicion);
}

void AlertWriter::happened(const SystemEvent& event) {
  Working* working = &newest_open(event.subject);
  if (!working->row.id) {
    AlertRow row;
    row.subject = event.subject;
    row.severity = 0;
    row.currency = Currency().code();
    row.opened = event.at.ms();
    working = &start(row);
  }
  working->is_touched = true;
  AlertRow& row = working->row;
  row.kind = name_of(event.kind);
  row.severity = std::max(row.severity, severity_of(event.severity));
  row.title = event.title;
  row.detail = event.detail;
  row.updated = event.at.ms();
  row.event_time_first = row.event_time_last = event.at.ms();
}

void AlertWriter::prepare_find() {
  auto prepared = (sql_.prepare << std::string("SELECT ") + kAlertColumns +
                                       " FROM alert WHERE subject = :subject AND state = 'open' "
                                       "ORDER BY id DESC LIMIT 1",
                   use(find_subject_));
  find_open_ = std::make_unique<soci::statement>(into_row(prepared, find_row_));
}

// The newest open alert on `subject`; one with id 0 where there is none.
AlertWriter::Working& AlertWriter::newest_open(const std::string& subject) {
  auto known = newest_.find(subject);
  if (known != newest_.end()) return alerts_[known->second];
  if (!find_open_) prepare_find();
  find_subject_ = subject;
  Working working;
  if (find_open_->execute(true)) working.row = find_row_;
  working.severity_told = working.row.id ? working.row.severity : 0;
  newest_[subject] = alerts_.size();
  return alerts_.emplace_back(std::move(working));
}

AlertWriter::Working& AlertWriter::start(AlertRow row) {
  if (!alert_id_last_) alert_id_last_ = max_id(sql_, "alert");
  row.id = ++alert_id_last_;
  row.state = name_of(AlertState::open);
  newest_[row.subject] = alerts_.size();
  Working working;
  working.row = std::move(row);
  working.is_new = true;
  return alerts_.emplace_back(std::move(working));
}

AlertWriter::Working& AlertWriter::alert_for(const Suspicion& suspicion) {
  Working& open = newest_open(suspicion.payment.card.hex());
  if (open.row.id && takes(open.row, suspicion)) return open;
  return start(card_alert(suspicion));
}

bool AlertWriter::takes(const AlertRow& row, const Suspicion& s) const {
  EventTime at = s.payment.event_time;
  return row.payments < options_.alert_payments_max &&
         at >= EventTime(row.event_time_first) - options_.group_within &&
         at <= EventTime(row.event_time_last) + options_.group_within;
}

void AlertWriter::add_payment(int64_t alert_id, const Suspicion& s) {
  payments_.alert_id.push_back(alert_id);
  payments_.sequence.push_back(static_cast<long long>(s.sequence));
  payments_.event_time.push_back(s.payment.event_time.ms());
  payments_.amount_minor.push_back(s.payment.amount_minor);
  payments_.payment_id.emplace_back(s.payment.id());
  payments_.currency.emplace_back(s.payment.currency.code());
  payments_.merchant.emplace_back(s.payment.merchant());
  payments_.category.emplace_back(s.payment.text(field::category));
  payments_.fields.push_back(extra_fields_json(s.payment, s.fields));
  payments_.decision.emplace_back(s.decision);
  payments_.outcome.push_back(severity_of(s.outcome));
  payments_.score.push_back(s.score);
}

void AlertWriter::flush(EventTime now) {
  std::vector<Working*> touched;
  for (Working& working : alerts_)
    if (working.is_touched) touched.push_back(&working);
  for (Working* working : touched) {
    AlertRow& row = working->row;
    if (row.kind == name_of(AlertKind::card)) row.title = card_alert_title(row, working->observed);
    changed_.push_back(row.id);
  }
  write_alerts(touched);
  insert_payments();
  tell(touched, now);
}

// One prepared statement of each kind for all alerts of the batch.
void AlertWriter::write_alerts(const std::vector<Working*>& touched) {
  AlertRow r;
  soci::statement insert =
      (sql_.prepare
           << std::string("INSERT INTO alert (") + kAlertColumns +
                  ") VALUES (:id, :kind, :state, :subject, :card, :severity, :score, :payments, "
                  ":amount, "
                  ":currency, :merchant, :title, :detail, :opened, :updated, :first, :last)",
       use(r.id), use(r.kind), use(r.state), use(r.subject), use(r.card), use(r.severity),
       use(r.score), use(r.payments), use(r.amount_minor), use(r.currency), use(r.merchant),
       use(r.title), use(r.detail), use(r.opened), use(r.updated), use(r.event_time_first),
       use(r.event_time_last));
  soci::statement update =
      (sql_.prepare
           << "UPDATE alert SET severity = :severity, score = :score, payments = :payments, "
              "amount_minor = :amount, merchant = :merchant, title = :title, detail = :detail, "
              "updated = :updated, event_time_first = :first, event_time_last = :last WHERE id = "
              ":id",
       use(r.severity), use(r.score), use(r.payments), use(r.amount_minor), use(r.merchant),
       use(r.title), use(r.detail), use(r.updated), use(r.event_time_first), use(r.event_time_last),
       use(r.id));
  long long opened = 0;
  for (const Working* working : touched) {
    r = working->row;
    (working->is_new ? insert : update).execute(true);
    opened += working->is_new;
  }
  if (opened > 0)
    sql_ << "UPDATE alert_count SET alerts = alerts + :n WHERE state = 'open'", use(opened);
}

std::string AlertWriter::payload_of(const Working& working) const {
  const AlertRow& row = working.row;
  std::string url;
  if (!options_.page_url.empty()) url = options_.page_url + "/#/alerts/" + std::to_string(row.id);
  return message_json({working.severity_told ? MessageType::raised : MessageType::opened,
                       row.summary(), row.detail, working.decision, url});
}

// One outbox row for each channel that wants an alert at its new severity.
void AlertWriter::tell(const std::vector<Working*>& touched, EventTime now) {
  if (options_.channels.empty()) return;
  long long id = max_id(sql_, "outbox"), alert_id = 0, at = now.ms();
  int severity = 0;
  std::string channel, message, payload;
  soci::statement insert = (sql_.prepare << "INSERT INTO outbox (id, alert_id, severity, channel, "
                                            "message_id, state, attempts, last_error, "
                                            "queued, next_attempt, payload) VALUES (:id, :alert, "
                                            ":severity, :channel, :message, 'waiting', "
                                            "0, '', :queued, :next, :payload)",
                            use(id), use(alert_id), use(severity), use(channel), use(message),
                            use(at), use(at), use(payload));
  for (const Working* working : touched) {
    if (working->row.severity <= working->severity_told) continue;
    alert_id = working->row.id;
    severity = working->row.severity;
    payload = payload_of(*working);
    for (const ChannelRoute& route : options_.channels) {
      if (!wants(route, working->row)) continue;
      ++id;
      channel = route.name;
      message = message_id(instance_, alert_id, severity, channel);
      insert.execute(true);
    }
  }
}

void AlertWriter::insert_payments() {
  const PaymentRows& p = payments_;
  if (p.alert_id.empty()) return;
  sql_ << "INSERT INTO alert_payment (alert_id, sequence, payment_id, event_time, amount_minor, "
          "currency, merchant, "
          "category, outcome, score, fields, decision) VALUES (:alert, :sequence, :payment, :time, "
          ":amount, :currency, "
          ":merchant, :category, :outcome, :score, :fields, :decision) ON CONFLICT DO NOTHING",
      use(p.alert_id), use(p.sequence), use(p.payment_id), use(p.event_time), use(p.amount_minor),
      use(p.currency), use(p.merchant), use(p.category), use(p.outcome), use(p.score),
      use(p.fields), use(p.decision);
}

}  // namespace paywarden
