// The way back to whoever waits for what becomes of a record. A record names a partition of the replies topic and a ticket; the
// reply is written there in the transaction of the outcome.
//
//   std::string tag = reply_tag(3, "9f2c51-17");              // along with the record
//   auto [partition, ticket] = *parse_reply_tag(tag);         // by the stage that decides
//
// A reply's value is the decision as it is in the decisions topic, or {"what": ...}: "duplicate" and "conflict", with "partition" and
// "offset" of the earlier payment in the first stage's input; "reject", with "error"; "label", "label_waiting".
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace paywarden {

inline std::string reply_tag(int32_t partition, std::string_view ticket) {
  return std::to_string(partition).append(1, ':').append(ticket);
}

inline std::optional<std::pair<int32_t, std::string_view>> parse_reply_tag(std::string_view tag) {
  int32_t partition = 0;
  auto [end, error] = std::from_chars(tag.data(), tag.data() + tag.size(), partition);
  size_t digits = static_cast<size_t>(end - tag.data());
  if (error != std::errc() || partition < 0 || digits == tag.size() || tag[digits] != ':')
    return std::nullopt;
  return std::pair{partition, tag.substr(digits + 1)};
}

}  // namespace paywarden
