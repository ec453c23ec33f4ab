// The decision on one payment, and its JSON form, which is what the caller is answered, the journal
// keeps and the archive holds: one text, made once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "payment/payment.h"

namespace paywarden {

enum class Outcome : uint8_t { approve, review, decline };  // in order of severity
std::string_view name_of(Outcome outcome);

struct Reason {
  std::string feature;
  double value = 0;         // NaN: missing
  double usual = 0;         // the median among genuine payments in training; NaN: unknown
  double contribution = 0;  // SHAP value: what it added to the score's log-odds
  std::string text{};       // the same as a sentence; empty: none was made
};

// What another model says of the payment, without effect (model.shadow).
struct ShadowDecision {
  std::string model;  // empty: there is none
  float score = 0;
  Outcome outcome =
      Outcome::approve;  // as if it had scored: its thresholds, the same rules, no guard
};

struct Decision {
  std::string payment_id;
  EventTime event_time;
  MaskedCard card;
  float score = 0;  // probability of fraud, 0..1
  Outcome outcome = Outcome::approve;
  std::vector<Reason> reasons;     // strongest first; for review and decline
  std::vector<std::string> rules;  // names of those that fired, in the order of the rules file
  std::string model;               // name of the bundle that scored
  bool late = false;               // older than the state reaches back in full
  std::vector<std::string> approximate;  // features whose key has outgrown its exact limit
  bool guarded = false;  // the decline guard turned the model's decline into a review
  bool observed =
      false;  // mode = "observe": answered approve; `would_be` is what it would have been
  Outcome would_be = Outcome::approve;
  ShadowDecision shadow;

  void reset();
};

// Appends one JSON object, no line end. Optional members (late, approximate, guarded, shadow, would_be)
// stand only where so, would_be last.
void append_json(const Decision& decision, std::string& out);

}  // namespace paywarden
