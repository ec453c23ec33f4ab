// Places in a topic's partitions, and what the brokers say of them: what all that read have in common.
//
//   Positions committed = *committed_offsets(client, "payments", {0, 1}, seconds(10));
//   TRY(read_from(client, "payments", {{0, 17}, {1, 4}}));         // these partitions from there on, and no other
//   auto [first, end] = *offsets_range(client, "payments", 0, seconds(10));
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kafka/client.h"

namespace paywarden {

using Positions = std::map<int32_t, int64_t>;  // partition -> offset of the record that comes next

using PartitionList =
    std::unique_ptr<rd_kafka_topic_partition_list_t, void (*)(rd_kafka_topic_partition_list_t*)>;
PartitionList new_partition_list();

// Of the client's own group, after transactions under way have ended (KIP-447); absent: nothing yet.
Result<Positions> committed_offsets(const KafkaClient& client, const std::string& topic,
                                    const std::vector<int32_t>& partitions, Duration timeout);
// The first offset that is still there, and the one after the last that is visible.
Result<std::pair<int64_t, int64_t>> offsets_range(const KafkaClient& client,
                                                  const std::string& topic, int32_t partition,
                                                  Duration timeout);
Status read_from(const KafkaClient& client, const std::string& topic, const Positions& positions);

}  // namespace paywarden
