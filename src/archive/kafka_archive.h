// The archive of a decisions topic: an archiver for each partition that the group gives to this instance.
//
//   KafkaArchive archive({open_store, clock, operator_log}, options);
//   TRY(archive.start());
//   archive.stop();
//
// The place of each partition and the plan of the object on its way are the group's committed offset and its metadata. Another
// instance that takes a partition over makes the same object again, under the same name; one that has lost it can keep no place.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "archive/archiver.h"
#include "archive/kafka_source.h"

namespace paywarden {

struct KafkaArchiveOptions {
  KafkaClientOptions client;
  std::string group;  // of the archive
  std::string topic;
  ArchiverOptions archiver;     // its naming is set for each partition
  Duration retry = seconds(1);  // after a partition could not be begun
};

struct KafkaArchivePorts {
  std::function<Result<std::unique_ptr<ObjectStore>>()> open_store;  // one for each partition
  Clock& clock;
  OperatorLog& operator_log;
};

class KafkaArchive : private GroupConsumer::Member {
 public:
  KafkaArchive(KafkaArchivePorts ports, KafkaArchiveOptions options);
  ~KafkaArchive() override { stop(); }
  Status start();
  void stop();

  // Over the partitions; any thread.
  struct Figures {
    uint64_t objects = 0, records = 0, bytes = 0, failures = 0, lag = 0;
  };
  Figures figures() const;

 private:
  struct Part {
    std::unique_ptr<KafkaSource> source;
    std::unique_ptr<ObjectStore> store;
    std::unique_ptr<KafkaPlanStore> plans;
    std::unique_ptr<Archiver> archiver;
  };
  void revoked(bool lost) override;
  void assigned(std::vector<int32_t> partitions) override;
  void run();
  Status join();
  void join_anew();
  void begin_assigned();
  Status begin(int32_t partition);

  const KafkaArchivePorts ports_;
  const KafkaArchiveOptions options_;
  std::unique_ptr<GroupConsumer> consumer_;
  std::vector<int32_t> to_begin_;
  mutable std::mutex mutex_;  // the next two
  std::map<int32_t, Part> parts_;
  Figures ended_;  // of partitions that are gone
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace paywarden
