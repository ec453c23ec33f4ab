#include "payment/decision_json.h"

#include <simdjson.h>

#include <optional>

namespace paywarden {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

std::optional<Outcome> outcome_of(std::string_view name) {
  for (Outcome outcome : {Outcome::approve, Outcome::review, Outcome::decline})
    if (name_of(outcome) == name) return outcome;
  return std::nullopt;
}

bool read_texts(const object& decision, std::string_view name, std::vector<std::string>& out) {
  array texts;
  if (decision[name].get(texts)) return false;
  for (element text : texts) {
    std::string_view value;
    if (text.get(value)) return false;
    out.emplace_back(value);
  }
  return true;
}

// Absent: false, as it is written. Nothing: it is something else than a flag.
std::optional<bool> flag(const object& decision, std::string_view name) {
  bool value = false;
  auto error = decision[name].get(value);
  if (error == simdjson::NO_SUCH_FIELD) return false;
  return error ? std::nullopt : std::optional(value);
}

}  // namespace

struct DecisionJson::Parser {
  simdjson::dom::parser dom;
};

DecisionJson::DecisionJson() : parser_(std::make_unique<Parser>()) {}
DecisionJson::~DecisionJson() = default;

namespace {

bool read_head(const object& decision, DecisionHead& head, std::string_view& payment_id) {
  std::string_view outcome;
  double score = 0;
  if (decision["payment_id"].get(payment_id) || payment_id.empty()) return false;
  if (decision["outcome"].get(outcome) || !outcome_of(outcome)) return false;
  if (decision["score"].get(score) || !(score >= 0 && score <= 1)) return false;
  auto late = flag(decision, "late"), guarded = flag(decision, "guarded");
  if (!late || !guarded) return false;
  head.outcome = *outcome_of(outcome);
  head.score = static_cast<float>(score);
  head.flags = 0;
  if (*late) head.flags |= DecisionHead::kLate;
  if (*guarded) head.flags |= DecisionHead::kGuarded;
  if (!decision["would_be"].error()) head.flags |= DecisionHead::kObserved;
  return true;
}

}  // namespace

bool DecisionJson::read(std::string_view json, DecisionHead& head, std::string_view& payment_id) {
  object decision;
  return !parser_->dom.parse(json.data(), json.size()).get(decision) &&
         read_head(decision, head, payment_id);
}

bool DecisionJson::read(std::string_view json, Decision& out) {
  object decision;
  DecisionHead head;
  std::string_view payment_id, model, would_be;
  out.reset();
  if (parser_->dom.parse(json.data(), json.size()).get(decision)) return false;
  if (!read_head(decision, head, payment_id) || !read_texts(decision, "rules", out.rules))
    return false;
  if (decision["model"].get(model)) return false;
  out.payment_id = payment_id;
  out.outcome = out.would_be = head.outcome;
  out.score = head.score;
  out.model = model;
  out.late = head.flags & DecisionHead::kLate;
  out.guarded = head.flags & DecisionHead::kGuarded;
  out.observed = head.flags & DecisionHead::kObserved;
  if (!out.observed) return true;
  if (decision["would_be"].get(would_be) || !outcome_of(would_be)) return false;
  out.would_be = *outcome_of(would_be);
  return true;
}

Outcome outcome_meant(const DecisionHead& head, std::string_view json) {
  if (!(head.flags & DecisionHead::kObserved)) return head.outcome;
  // Decisions are written with would_be last: no parsing for the many. No text inside can end so:
  // its quotes are escaped.
  for (Outcome known : {Outcome::approve, Outcome::review, Outcome::decline})
    if (json.ends_with(R"("would_be":")" + std::string(name_of(known)) + "\"}")) return known;
  simdjson::dom::parser parser;
  object decision;
  std::string_view would_be;
  if (parser.parse(json.data(), json.size()).get(decision) || decision["would_be"].get(would_be))
    return head.outcome;
  return outcome_of(would_be).value_or(head.outcome);
}

}  // namespace paywarden
