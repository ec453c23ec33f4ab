// The decided payments of one partition of a decisions topic; a position is an offset. And the archive's place in it, kept as the offset
// that a consumer group has committed, with the plan as its metadata.
//
//   TRY_ASSIGN(auto source, KafkaSource::open(options, "paywarden.decisions", 0, operator_log));
//   KafkaPlanStore plans(consumer, 0);
//
// Offsets have gaps where transactions ended. One thread reads; first() and end() may be asked by any.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "archive/archive_source.h"
#include "archive/plan.h"
#include "kafka/consumer.h"

namespace paywarden {

class KafkaSource : public ArchiveSource {
 public:
  static Result<std::unique_ptr<KafkaSource>> open(const KafkaClientOptions& options,
                                                   const std::string& topic, int32_t partition,
                                                   OperatorLog& log);
  uint64_t first() const override { return first_; }
  uint64_t end() const override { return end_; }
  bool wait_for(uint64_t position, Duration timeout) const override;
  Result<uint64_t> read(uint64_t from, uint64_t to, const DecidedVisitor& visit) const override;

 private:
  KafkaSource(std::string topic, int32_t partition)
      : topic_(std::move(topic)), partition_(partition) {}
  Status go_to(uint64_t position) const;
  Status look_ahead(Duration timeout) const;
  Result<bool> show(const DecidedVisitor& visit) const;

  const std::string topic_;
  const int32_t partition_;
  std::unique_ptr<KafkaClient> client_;
  uint64_t first_ = 0;
  mutable std::atomic<uint64_t> end_{0};
  mutable std::optional<uint64_t> position_;     // behind what was shown last; nothing: not reading
  mutable std::optional<ConsumedRecord> ahead_;  // read, and not shown yet
};

class KafkaPlanStore : public ArchivePlanStore {
 public:
  KafkaPlanStore(const GroupConsumer& consumer, int32_t partition)
      : consumer_(consumer), partition_(partition) {}
  Result<std::optional<ArchiveState>> load() override;
  Status save(const ArchiveState& state) override;

 private:
  const GroupConsumer& consumer_;
  const int32_t partition_;
};

}  // namespace paywarden
