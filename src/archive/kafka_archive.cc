#include "archive/kafka_archive.h"

#include <fmt/format.h>

namespace paywarden {
namespace {

constexpr Duration kPoll = milliseconds(200);  // how long a stop waits at most for this thread

void add(KafkaArchive::Figures& sum, const Archiver& archiver) {
  const ArchiveFigures& f = archiver.figures();
  sum.objects += f.objects;
  sum.records += f.records;
  sum.bytes += f.bytes;
  sum.failures += f.failures;
}

}  // namespace

KafkaArchive::KafkaArchive(KafkaArchivePorts ports, KafkaArchiveOptions options)
    : ports_(std::move(ports)), options_(std::move(options)) {}

Status KafkaArchive::start() {
  TRY(join());
  thread_ = std::thread([this] { run(); });
  return {};
}

Status KafkaArchive::join() {
  TRY_ASSIGN(consumer_, GroupConsumer::create(options_.client, {options_.group, options_.topic},
                                              *this, ports_.operator_log));
  return {};
}

void KafkaArchive::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void KafkaArchive::run() {
  while (!stopping_) {
    begin_assigned();
    consumer_->poll(kPoll);  // nothing is read here: it serves the group
    consumer_->problem();
    if (consumer_->spent()) join_anew();
  }
  consumer_->leave();
}

// As another member: the places that the former one sent, and that may still be on their way, are refused from now on.
void KafkaArchive::join_anew() {
  ports_.operator_log.write(LogLevel::info, "archive_joins_anew",
                            {{"why", "a place was sent twice, and may still arrive"}});
  consumer_->leave();  // revoked() ends the archivers
  for (Status joined = join(); !joined && !stopping_; joined = join()) {
    ports_.operator_log.write(LogLevel::error, "archive_failed",
                              {{"error", joined.error().line()}});
    std::this_thread::sleep_for(std::chrono::milliseconds(options_.retry.ms()));
  }
}

void KafkaArchive::begin_assigned() {
  while (!to_begin_.empty() && !stopping_) {
    int32_t partition = to_begin_.back();
    if (auto begun = begin(partition); !begun) {
      ports_.operator_log.write(
          LogLevel::error, "archive_failed",
          {{"partition", std::to_string(partition)}, {"error", begun.error().line()}});
      consumer_->poll(options_.retry);
      return;
    }
    to_begin_.pop_back();
  }
}

Status KafkaArchive::begin(int32_t partition) {
  Part part;
  TRY_ASSIGN(part.source,
             KafkaSource::open(options_.client, options_.topic, partition, ports_.operator_log));
  TRY_ASSIGN(part.store, ports_.open_store());
  part.plans = std::make_unique<KafkaPlanStore>(*consumer_, partition);
  ArchiverOptions options = options_.archiver;
  options.naming = {options_.topic, static_cast<uint32_t>(partition)};
  part.archiver = std::make_unique<Archiver>(
      ArchivePorts{*part.source, *part.store, *part.plans, ports_.clock, ports_.operator_log},
      std::move(options));
  TRY(part.archiver->start(part.source->end()));
  std::lock_guard lock(mutex_);
  parts_[partition] = std::move(part);
  return {};
}

void KafkaArchive::assigned(std::vector<int32_t> partitions) {
  ports_.operator_log.write(
      LogLevel::info, "partitions_assigned",
      {{"stage", "archive"}, {"partitions", fmt::format("{}", fmt::join(partitions, " "))}});
  to_begin_ = std::move(partitions);
}

// An archiver ends before the group goes on: what it has not kept by then is another instance's.
void KafkaArchive::revoked(bool) {
  to_begin_.clear();
  std::map<int32_t, Part> parts;
  {
    std::lock_guard lock(mutex_);
    parts.swap(parts_);
  }
  for (auto& [partition, part] : parts) part.archiver->stop();
  std::lock_guard lock(mutex_);
  for (auto& [partition, part] : parts) add(ended_, *part.archiver);
}

KafkaArchive::Figures KafkaArchive::figures() const {
  std::lock_guard lock(mutex_);
  Figures sum = ended_;
  for (const auto& [partition, part] : parts_) {
    add(sum, *part.archiver);
    sum.lag += part.archiver->lag();
  }
  return sum;
}

}  // namespace paywarden
