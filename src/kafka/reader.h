// Reads topics by offset, without a group: single records, or on from a place. Sees what is committed alone.
//
//   TRY_ASSIGN(auto reader, KafkaReader::create(options, "paywarden-reader", log));
//   TRY_ASSIGN(auto record, reader->record("payments", 0, 17, seconds(10)));        // nothing: it is not there any more
//   TRY_ASSIGN(int64_t from, reader->first_since("payments", 0, time, seconds(10)));
//   TRY(reader->scan("payments", 0, from, seconds(10), [&](const ConsumedRecord& r) { ...; return true; }));
//
// One thread; calls wait for the brokers.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "kafka/consumer.h"
#include "kafka/positions.h"

namespace paywarden {

struct KafkaReaderOptions {
  Duration fetch_wait =
      milliseconds(10);    // of a broker, for records; also until it looks elsewhere
  bool tell_ends = false;  // for ends()
};

class KafkaReader {
 public:
  // `name`: as a group's, for brokers that let users read with certain groups alone; nothing is committed.
  static Result<std::unique_ptr<KafkaReader>> create(const KafkaClientOptions& options,
                                                     const std::string& name, OperatorLog& log,
                                                     KafkaReaderOptions reader = {});
  Result<std::optional<ConsumedRecord>> record(const std::string& topic, int32_t partition,
                                               int64_t offset, Duration timeout);
  // The offset of the first record with this timestamp or a later one; the topic's end, where there is none.
  Result<int64_t> first_since(const std::string& topic, int32_t partition, EventTime time,
                              Duration timeout);
  // Visits what is visible from `from` on, until the end as it was at the call, the visitor's false, or the time is over: all
  // of these are success.
  using Visit = std::function<bool(const ConsumedRecord&)>;
  Status scan(const std::string& topic, int32_t partition, int64_t from, Duration timeout,
              const Visit& visit);
  Result<int32_t> partitions(const std::string& topic, Duration timeout);
  // The first offset, and the one after the last visible record.
  Result<std::pair<int64_t, int64_t>> range(const std::string& topic, int32_t partition,
                                            Duration timeout);
  // For reading on and on: go_to() or read_from() once, then next().
  Status go_to(const std::string& topic, int32_t partition, int64_t offset) {
    return read_from(topic, {{partition, offset}});
  }
  Status read_from(const std::string& topic, const Positions& positions);
  // Nothing within the time: nothing came.
  Result<std::optional<ConsumedRecord>> next(Duration timeout);
  // Since go_to() or read_from() a place was not there: nothing more comes of its partition.
  bool position_absent() const { return position_absent_; }
  // What the group that this reader is named after has committed; absent: nothing yet.
  Result<Positions> committed(const std::string& topic, const std::vector<int32_t>& partitions,
                              Duration timeout) const;
  const KafkaClient& client() const { return *client_; }
  // Partitions that were read to their end, and what stands there: behind a transaction's marker too, which is never shown.
  const Positions& ends() const { return ends_; }
  // The offset after the last record, as the last fetch saw it; 0: there was none.
  int64_t seen_end(const std::string& topic, int32_t partition) const;

 private:
  std::unique_ptr<KafkaClient> client_;
  bool position_absent_ = false;
  Positions ends_;
};

}  // namespace paywarden
