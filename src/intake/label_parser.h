// From bytes to a label, or why not.
//
//   TRY_ASSIGN(Label label, parse_label(R"({"payment_id":"p1","is_fraud":true})", "analyst:maria", now));
//
// Members: payment_id and is_fraud; source and event_time (RFC 3339) where they differ from the defaults. An error's `where`
// is the member. Card numbers in a source are masked, an id that holds one is refused.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "payment/label.h"

namespace paywarden {

// `payment_json`: takes the member "payment" (an object, as text); without it that member is refused.
Result<Label> parse_label(std::string_view json, const std::string& default_source, EventTime now,
                          std::string* payment_json = nullptr);

}  // namespace paywarden
