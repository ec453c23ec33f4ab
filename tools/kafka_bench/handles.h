// What the parts share of librdkafka: a consumer of one partition from an offset on, and the end of a partition.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "parts.h"

namespace paywarden::kafka_bench {

using List =
    std::unique_ptr<rd_kafka_topic_partition_list_t, void (*)(rd_kafka_topic_partition_list_t*)>;
List list_of(const std::string& topic, int64_t offset = RD_KAFKA_OFFSET_INVALID);

// Reads partition 0 of a topic from `offset` on, what is committed alone.
Result<std::unique_ptr<KafkaClient>> read_partition(const Bench& bench, const std::string& topic,
                                                    int64_t offset, KafkaSettings settings);

// The first offset, and the one after the last.
Result<std::pair<int64_t, int64_t>> range_of(const KafkaClient& client, const std::string& topic);

// A producer whose records keep their order, and which waits at most `linger_ms` for company.
Result<std::unique_ptr<KafkaClient>> plain_producer(const Bench& bench,
                                                    const std::string& linger_ms);
// Waits while the queue is full. `timestamp_ms` 0: now.
Status put(const KafkaClient& client, const std::string& topic, std::string_view value,
           int64_t timestamp_ms);
Status flush(const KafkaClient& client);

}  // namespace paywarden::kafka_bench
