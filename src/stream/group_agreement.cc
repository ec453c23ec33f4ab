#include "stream/group_agreement.h"

#include <algorithm>
#include <thread>

#include "kafka/reader.h"
#include "kafka/sender.h"

namespace paywarden {
namespace {

constexpr std::chrono::milliseconds kTryAgainAfter{100};

Duration left_until(std::chrono::steady_clock::time_point end) {
  auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  return milliseconds(std::max<int64_t>(left.count(), 0));
}

// A topic that was just made has no leader for a moment, and the client remembers that there was none.
Result<std::pair<int64_t, int64_t>> range_of(KafkaReader& reader, const std::string& topic,
                                             Duration timeout) {
  auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout.ms());
  while (true) {
    auto range = reader.range(topic, 0, left_until(end));
    if (range || !range.error().passes || left_until(end) == Duration()) return range;
    std::this_thread::sleep_for(kTryAgainAfter);
  }
}

// To the end, or not at all: who has heard a part would say what others have said otherwise.
Result<SaidByGroups> read_all(KafkaReader& reader, const std::string& topic, Duration timeout) {
  SaidByGroups said;
  auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout.ms());
  TRY_ASSIGN(auto range, range_of(reader, topic, timeout));
  if (range.first == range.second) return said;
  TRY(reader.go_to(topic, 0, range.first));
  auto at_end = [&] {
    auto found = reader.ends().find(0);
    return found != reader.ends().end() && found->second >= range.second;
  };
  while (!at_end()) {
    if (reader.position_absent() || left_until(end) == Duration())
      return tl::unexpected(reader.client().error("'" + topic + "' cannot be read to its end",
                                                  RD_KAFKA_RESP_ERR__TIMED_OUT));
    TRY_ASSIGN(auto record, reader.next(left_until(end)));
    if (record) said.hear(record->key(), record->value());
  }
  return said;
}

Status say(const KafkaClientOptions& client, const std::string& topic,
           const std::map<std::string, std::string>& records, Duration timeout, OperatorLog& log) {
  Status failed;
  TRY_ASSIGN(auto sender, RecordSender::create(client, {.timeout = timeout}, log,
                                               [&](uint64_t, const Error& error) {
                                                 failed = tl::unexpected(error);
                                               }));
  for (const auto& [key, value] : records)
    if (!sender->send({topic, key, value, {}, {}, {}, 0}, 0))
      return fail("a record is not taken", topic);
  sender->finish(timeout + seconds(1));
  sender->serve();
  return failed;
}

}  // namespace

void SaidByGroups::hear(std::string_view key, std::string_view value) {
  auto found = said_.find(key);
  if (value.empty()) {
    if (found != said_.end()) said_.erase(found);
  } else if (found == said_.end()) {
    said_.emplace(key, std::pair(value, value));
  } else {
    found->second.second = value;
  }
}

const std::string& SaidByGroups::first(const std::string& key) const {
  static const std::string kNothing;
  auto found = said_.find(key);
  return found == said_.end() ? kNothing : found->second.first;
}

const std::string& SaidByGroups::last(const std::string& key) const {
  static const std::string kNothing;
  auto found = said_.find(key);
  return found == said_.end() ? kNothing : found->second.second;
}

Result<std::map<std::string, std::string>> to_say(const SaidByGroups& said,
                                                  const GroupAgreement& agreement,
                                                  const std::string& topic) {
  std::map<std::string, std::string> out;
  for (const std::string& name : agreement.writes) {
    std::string key = "topic:" + name;
    const std::string& owner = said.first(key);
    if (!owner.empty() && owner != agreement.group)
      return fail("the topic '" + name + "' is written by the group '" + owner + "': with '" +
                      agreement.group + "' beside it all would be decided twice",
                  "kafka.group",
                  "give this group topics of its own, or take '" + key + "' in '" + topic +
                      "' back if that group is gone ('Two groups' in docs/KAFKA.md)");
    if (said.last(key) != agreement.group) out[key] = agreement.group;
  }
  std::string key = "card_key:" + agreement.group;
  const std::string& known = said.first(key);
  if (!known.empty() && known != agreement.card_key)
    return fail("the card key is not the one of the group '" + agreement.group +
                    "': the same card would be another one here",
                "intake.card_key_file",
                "give all instances of the group the same key file, and keep it");
  if (said.last(key) != agreement.card_key) out[key] = agreement.card_key;
  key = "center:" + agreement.group;
  if (!agreement.center_on.empty() && said.last(key) != agreement.center_on)
    out[key] = agreement.center_on;
  return out;
}

Result<Agreed> agree(const KafkaClientOptions& client, const std::string& topic,
                     const GroupAgreement& agreement, TopicOptions options, Duration timeout,
                     OperatorLog& log) {
  TRY_ASSIGN(auto reader,
             KafkaReader::create(client, agreement.group + "-groups", log, {.tell_ends = true}));
  TopicWanted wanted{topic, 1, Duration(), true};
  TRY_ASSIGN(auto found, ensure_topics(reader->client(), {wanted}, options, timeout));
  if (found[topic].made)
    log.write(LogLevel::info, "topic_made", {{"topic", topic}, {"partitions", "1"}});
  TRY_ASSIGN(auto said, read_all(*reader, topic, timeout));
  Agreed agreed;
  const std::string& center = said.last("center:" + agreement.group);
  if (!agreement.center_on.empty() && !center.empty() && center != agreement.center_on)
    agreed.center_was_on = center;
  TRY_ASSIGN(auto records, to_say(said, agreement, topic));
  if (records.empty()) return agreed;
  TRY(say(client, topic, records, timeout, log));
  // Who said something else at the same time is heard now: the first one stays, and the other takes itself back.
  TRY_ASSIGN(said, read_all(*reader, topic, timeout));
  auto again = to_say(said, agreement, topic);
  if (again) return agreed;
  for (auto& [key, value] : records) value = said.first(key);
  TRY(say(client, topic, records, timeout, log));
  return tl::unexpected(again.error());
}

}  // namespace paywarden
