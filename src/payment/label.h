// A label: someone's word on whether a payment was fraud. An event like a payment; the last word
// wins.
#pragma once

#include <string>

#include "base/time.h"

namespace paywarden {

struct Label {
  std::string payment_id;
  bool is_fraud = false;
  std::string source;    // "analyst:maria", "chargeback", "file:..."; at most 128 bytes
  EventTime event_time;  // when the word was given
};

}  // namespace paywarden
