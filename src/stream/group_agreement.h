// What the instances of a group must have in common, and which group's a topic is: said once in a compacted topic, and checked by
// each instance at its start. Two groups that write the same topics would decide everything twice, and two card keys would make two
// cards of one.
//
//   GroupAgreement agreement{"paywarden", {"paywarden.decisions", "paywarden.by-card"}, key_fingerprint, {}};
//   TRY(agree(client_options, "paywarden.groups", agreement, topic_options, seconds(10), log));
//
// Records of the one partition: "topic:NAME" -> the group that writes it; "card_key:GROUP" -> the key's fingerprint;
// "center:GROUP" -> the instance with the notification center. The first value of a key counts, and for the center the last; an empty
// one takes back what was said. Waits for the brokers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kafka/topics.h"

namespace paywarden {

struct GroupAgreement {
  std::string group;
  std::vector<std::string> writes;  // topics
  std::string card_key;             // its fingerprint
  std::string center_on;  // this instance's name where it runs the center; empty: it does not
};

struct Agreed {
  std::optional<std::string> center_was_on;  // another instance
};

Result<Agreed> agree(const KafkaClientOptions& client, const std::string& topic,
                     const GroupAgreement& agreement, TopicOptions options, Duration timeout,
                     OperatorLog& log);

// What was said, as records in their order tell it; apart for the tests.
class SaidByGroups {
 public:
  void hear(std::string_view key, std::string_view value);
  const std::string& first(const std::string& key) const;  // empty: nothing
  const std::string& last(const std::string& key) const;

 private:
  std::map<std::string, std::pair<std::string, std::string>, std::less<>> said_;
};

// What an instance with this agreement would have to say first; or why it may not run.
Result<std::map<std::string, std::string>> to_say(const SaidByGroups& said,
                                                  const GroupAgreement& agreement,
                                                  const std::string& topic);

}  // namespace paywarden
