// How far the archive reaches, and which object is on its way: what must be durable so that a crash at any moment leaves neither a gap nor
// an overlap (promise E8). The object's range, name and encoding are in the store before its upload begins; whoever finds a plan there
// makes the same object again.
//
//   FilePlanStore plans(files, "data/archive.json");
//   TRY_ASSIGN(std::optional<ArchiveState> state, plans.load());   // none: nothing was archived yet
//   TRY(plans.save(state));                                        // durable when it answers
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "archive/object_encoder.h"
#include "base/files.h"
#include "base/time.h"

namespace paywarden {

struct ObjectPlan {
  uint64_t start = 0, end = 0;  // positions in the log: [start, end)
  std::string name;
  ObjectEncoding encoding;
  std::string sha256;  // of the object, in hex: tells whether it was made again to the byte
};

struct ArchiveState {
  uint64_t next = 0;  // all before it is archived
  // How often the log was cut at a damage, so that positions were given again: part of the names from then on, which else would meet.
  uint32_t generation = 0;
  std::optional<ObjectPlan> plan;  // starts at `next`
};

std::string to_json(const ArchiveState& state);
Result<ArchiveState> parse_archive_state(std::string_view json);

// A port: a file beside the journal; beside Kafka the committed offset's metadata (at most 4,096 bytes by default, and a state has under
// 1,000 but for long topic names).
class ArchivePlanStore {
 public:
  virtual ~ArchivePlanStore() = default;
  virtual Result<std::optional<ArchiveState>> load() = 0;
  // After an error the old state or the new one is kept.
  virtual Status save(const ArchiveState& state) = 0;
};

class FilePlanStore : public ArchivePlanStore {
 public:
  FilePlanStore(Files& files, std::string path) : files_(files), path_(std::move(path)) {}
  Result<std::optional<ArchiveState>> load() override;
  Status save(const ArchiveState& state) override;

 private:
  Files& files_;
  const std::string path_;
};

struct ObjectNaming {
  std::string topic = "decisions";
  uint32_t partition = 0;
};
// As the sink connectors for Kafka name them (Confluent's S3 sink with its TimeBasedPartitioner), by the first payment's event time:
// "topics/decisions/year=2026/month=11/day=01/hour=10/decisions+0+0000000018.json.gz". Behind a cut of the log: "...+0000000018.g1.json.gz".
std::string object_name(const ObjectNaming& naming, uint64_t start, uint32_t generation,
                        EventTime first, const ObjectEncoding& encoding);

}  // namespace paywarden
