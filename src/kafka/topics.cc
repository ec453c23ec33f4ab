#include "kafka/topics.h"

#include <algorithm>

#include "base/spelling.h"
#include "kafka/admin_request.h"

namespace paywarden {
namespace {

Status make(const KafkaClient& client, const TopicWanted& wanted, TopicOptions options,
            Duration timeout) {
  char text[512] = "";
  std::string what = "the topic '" + wanted.name + "' cannot be made";
  Owned<rd_kafka_NewTopic_t> topic(rd_kafka_NewTopic_new(wanted.name.c_str(), wanted.partitions,
                                                         options.replication, text, sizeof text),
                                   rd_kafka_NewTopic_destroy);
  if (!topic) return tl::unexpected(client.error(what, RD_KAFKA_RESP_ERR__INVALID_ARG, text));
  if (wanted.compacted)
    rd_kafka_NewTopic_set_config(topic.get(), "cleanup.policy", "compact");
  else
    rd_kafka_NewTopic_set_config(topic.get(), "retention.ms",
                                 std::to_string(wanted.retention_min.ms()).c_str());
  AdminRequest request(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout);
  rd_kafka_NewTopic_t* topics[] = {topic.get()};
  rd_kafka_CreateTopics(client.handle(), topics, 1, request.options(), request.queue());
  TRY_ASSIGN(auto event, request.answer(what));
  size_t count = 0;
  auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    auto code = rd_kafka_topic_result_error(results[i]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
      continue;
    auto error = client.error(what, code);
    error.remedy = "make it by other means, or let the user make topics (an ACL at the broker)";
    return tl::unexpected(error);
  }
  return {};
}

// How long it remembers. A user that may not look at the settings learns nothing, and that is no error.
void look_at_settings(const KafkaClient& client, const std::string& name, Duration timeout,
                      TopicFound& out) {
  Owned<rd_kafka_ConfigResource_t> resource(
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str()),
      rd_kafka_ConfigResource_destroy);
  AdminRequest request(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout);
  rd_kafka_ConfigResource_t* resources[] = {resource.get()};
  rd_kafka_DescribeConfigs(client.handle(), resources, 1, request.options(), request.queue());
  auto event = request.answer("settings");
  if (!event) return;
  size_t count = 0, entries = 0;
  auto* results = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event->get()), &count);
  if (count != 1) return;
  auto* list = rd_kafka_ConfigResource_configs(results[0], &entries);
  for (size_t i = 0; i < entries; ++i) {
    std::string key = rd_kafka_ConfigEntry_name(list[i]);
    const char* value = rd_kafka_ConfigEntry_value(list[i]);
    if (!value) continue;
    if (key == "retention.ms" && std::atoll(value) >= 0)
      out.retention = milliseconds(std::atoll(value));
    if (key == "cleanup.policy")  // a list: "compact,delete"
      out.compacted = std::string_view(value).find("compact") != std::string_view::npos;
  }
}

// That this user may see, without the broker's own.
Result<std::vector<std::string>> topic_names(const KafkaClient& client, Duration timeout) {
  const rd_kafka_metadata_t* metadata = nullptr;
  auto code =
      rd_kafka_metadata(client.handle(), 1, nullptr, &metadata, static_cast<int>(timeout.ms()));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::unexpected(client.error("the topics cannot be listed", code));
  std::vector<std::string> names;
  for (int i = 0; i < metadata->topic_cnt; ++i)
    if (std::string name = metadata->topics[i].topic; !name.starts_with("__"))
      names.push_back(std::move(name));
  rd_kafka_metadata_destroy(metadata);
  return names;
}

// Of a topic that others fill.
tl::unexpected<Error> no_topic(const KafkaClient& client, const std::string& name,
                               Duration timeout) {
  std::string remedy = "make it where your payments come from";
  if (auto names = topic_names(client, timeout)) {
    std::vector<std::string_view> known(names->begin(), names->end());
    std::string_view near = nearest_word(name, known);
    if (!near.empty()) remedy = "did you mean '" + std::string(near) + "'?";
  }
  return fail("there is no topic '" + name + "'", "Kafka", remedy);
}

}  // namespace

Result<int32_t> partitions_of(const KafkaClient& client, const std::string& name,
                              Duration timeout) {
  Owned<rd_kafka_topic_t> topic(rd_kafka_topic_new(client.handle(), name.c_str(), nullptr),
                                rd_kafka_topic_destroy);
  const rd_kafka_metadata_t* metadata = nullptr;
  auto code =
      rd_kafka_metadata(client.handle(), 0, topic.get(), &metadata, static_cast<int>(timeout.ms()));
  std::string what = "the topic '" + name + "'";
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::unexpected(client.error(what, code));
  rd_kafka_resp_err_t about =
      metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  int32_t count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
  rd_kafka_metadata_destroy(metadata);
  if (about == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return 0;
  if (about == RD_KAFKA_RESP_ERR_NO_ERROR || about == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
    return count;
  return tl::unexpected(client.error(what, about));
}

Result<std::map<std::string, TopicFound>> ensure_topics(const KafkaClient& client,
                                                        const std::vector<TopicWanted>& wanted,
                                                        TopicOptions options, Duration timeout) {
  std::map<std::string, TopicFound> out;
  for (const TopicWanted& topic : wanted) {
    TopicFound& found = out[topic.name];
    TRY_ASSIGN(found.partitions, partitions_of(client, topic.name, timeout));
    if (found.partitions == 0) {
      if (topic.others_fill_it) return no_topic(client, topic.name, timeout);
      if (!options.create)
        return fail("there is no topic '" + topic.name + "'", "Kafka",
                    "make it, or set kafka.create_topics = true");
      TRY(make(client, topic, options, timeout));
      found.made = true;
      found.partitions = topic.partitions;
    }
    look_at_settings(client, topic.name, timeout, found);
  }
  return out;
}

}  // namespace paywarden
