// The writing side of the journal; the reading side is in journal_read.cc.
#include "log/journal.h"

#include <fmt/format.h>

#include "base/check.h"

namespace paywarden {

Result<std::unique_ptr<Journal>> Journal::open(Files& files, OperatorLog& log,
                                               JournalOptions options) {
  TRY(files.make_directory(options.directory));
  TRY_ASSIGN(auto lock, files.lock(options.directory + "/journal.lock"));
  TRY_ASSIGN(Recovered recovered, recover(files, log, options.directory));
  return std::unique_ptr<Journal>(
      new Journal(files, log, std::move(options), std::move(lock), std::move(recovered)));
}

Journal::Journal(Files& files, OperatorLog& log, JournalOptions options,
                 std::unique_ptr<FileLock> lock, Recovered recovered)
    : files_(files),
      log_(log),
      options_(std::move(options)),
      lock_(std::move(lock)),
      recovery_(std::move(recovered.report)),
      durable_end_(recovered.active.end_sequence),
      active_(std::move(recovered.active)),
      sealed_(std::make_shared<const Catalogue>(std::move(recovered.sealed))) {
  CHECK(options_.group_bytes_max <= kGroupBodyBytesMax, "a group must be readable again");
  CHECK(options_.seals_pending_max > 0, "a full segment must find a place");
  if (options_.seal_in_background)
    sealer_ = std::jthread([this](const std::stop_token& stop) { seal_until_stopped(stop); });
}

Journal::~Journal() = default;

uint64_t Journal::first_sequence() const {
  std::lock_guard lock(mutex_);
  return sealed_->empty() ? active_.header.first_sequence : sealed_->front()->header.first_sequence;
}

bool Journal::wait_for(uint64_t sequence, Duration timeout) const {
  if (durable_end() > sequence) return true;
  std::unique_lock lock(mutex_);
  return grown_.wait_for(lock, std::chrono::milliseconds(timeout.ms()),
                         [&] { return durable_end() > sequence; });
}

JournalFigures Journal::figures() const {
  std::lock_guard lock(mutex_);
  JournalFigures figures{sealed_->size() + 1, active_.end_offset, groups_appended_};
  for (const SealedPtr& segment : *sealed_) figures.bytes += segment->bytes;
  return figures;
}

// --- append

Result<uint64_t> Journal::append(std::span<const RecordToWrite> records) {
  if (!usable())
    return fail("the journal takes no more records after a failure (" + poison_cause_.line() + ")",
                options_.directory, "start again: everything acknowledged is kept");
  TRY(check_limits(records));
  uint64_t held = active_.end_sequence - active_.header.first_sequence;
  bool full = active_.end_offset >= options_.segment_bytes ||
              held + records.size() > options_.segment_records_max;
  if (full && held > 0) {
    Status rotated = rotate();
    if (!rotated) return poison(std::move(rotated.error()));
  }
  return append_group(records);
}

Status Journal::check_limits(std::span<const RecordToWrite> records) const {
  if (records.empty()) return fail("a group needs a record", options_.directory);
  for (const RecordToWrite& record : records)
    if (record.bytes.size() > kRecordBytesMax)
      return fail(fmt::format("a record of {} bytes is over the limit of {}", record.bytes.size(),
                              kRecordBytesMax),
                  options_.directory, "split it");
  if (size_t bytes = group_bytes(records); bytes > options_.group_bytes_max)
    return fail(
        fmt::format("a group of {} bytes is over the limit of {}", bytes, options_.group_bytes_max),
        options_.directory, "append fewer records at a time");
  return {};
}

Result<uint64_t> Journal::append_group(std::span<const RecordToWrite> records) {
  uint64_t first = active_.end_sequence;
  std::string_view bytes = encoder_.encode(active_.header.salt, first, records);
  Status written = write_group(bytes);
  if (!written) return poison(std::move(written.error()));
  publish(records, bytes.size());
  return first;
}

Status Journal::write_group(std::string_view bytes) {
  TRY(active_.file->write_all(active_.end_offset, bytes));
  return active_.file->sync_data();
}

void Journal::publish(std::span<const RecordToWrite> records, size_t bytes) {
  {
    std::lock_guard lock(mutex_);
    active_.index->add_group(active_.end_sequence, active_.end_offset);
    for (const RecordToWrite& record : records)
      active_.index->add_key(record.lookup_key, active_.end_sequence++);
    active_.end_offset += bytes;
    durable_end_.store(active_.end_sequence, std::memory_order_release);
  }
  groups_appended_.fetch_add(1, std::memory_order_relaxed);
  grown_.notify_all();
}

tl::unexpected<Error> Journal::poison(Error cause) {
  poison_cause_ = cause;
  poisoned_.store(true, std::memory_order_release);
  log_.write(LogLevel::error, "journal_failed", {{"error", cause.line()}});
  return tl::unexpected<Error>(std::move(cause));
}

// The new segment is durable before the old one counts as closed; until then a crash finds the old
// one last.
Status Journal::rotate() {
  TRY_ASSIGN(ActiveSegment next, create_segment(files_, options_.directory, active_.end_sequence,
                                                {}, active_.index->keys().size()));
  auto sealed = std::make_shared<const SealedSegment>(SealedSegment{
      active_.path, active_.header, active_.end_sequence, active_.end_offset, active_.index});
  SealTask task{sealed, active_.end_offset, active_.index};
  {
    std::lock_guard lock(mutex_);
    auto catalogue = std::make_shared<Catalogue>(*sealed_);
    catalogue->push_back(sealed);
    sealed_ = std::move(catalogue);
    active_ = std::move(next);
  }
  queue_seal(std::move(task));
  return {};
}

// --- indexes of full segments

void Journal::queue_seal(SealTask task) {
  if (!options_.seal_in_background) return seal(task);
  std::unique_lock lock(mutex_);
  seals_changed_.wait(lock, [&] { return seals_pending_.size() < options_.seals_pending_max; });
  seals_pending_.push_back(std::move(task));
  seals_changed_.notify_all();
}

void Journal::seal(const SealTask& task) {
  auto index = save_index(files_, log_, *task.segment, task.end_offset, task.index);
  if (index != task.index) replace_index(task.segment, std::move(index));
}

// Ends when nothing is pending any more, so that the next start finds every index.
void Journal::seal_until_stopped(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (true) {
    seals_changed_.wait(lock, stop, [&] { return !seals_pending_.empty(); });
    if (seals_pending_.empty()) return;
    SealTask task = seals_pending_.front();
    lock.unlock();
    seal(task);
    lock.lock();
    seals_pending_.pop_front();  // only now: what is pending holds memory
    seals_changed_.notify_all();
  }
}

void Journal::replace_index(const SealedPtr& old, std::shared_ptr<const SegmentIndex> index) const {
  auto renewed = std::make_shared<SealedSegment>(*old);
  renewed->index = std::move(index);
  std::lock_guard lock(mutex_);
  auto catalogue = std::make_shared<Catalogue>(*sealed_);
  for (SealedPtr& segment : *catalogue)
    if (segment == old) segment = renewed;
  sealed_ = std::move(catalogue);
}

// --- retention

// Oldest first, each removal durable before the next: a crash leaves no gap.
Result<uint64_t> Journal::drop_before(uint64_t sequence) {
  std::lock_guard one_at_a_time(drop_mutex_);
  while (true) {
    std::string oldest;
    {
      std::lock_guard lock(mutex_);
      if (sealed_->empty() || sealed_->front()->end_sequence > sequence) break;
      oldest = sealed_->front()->path;
    }
    TRY_ASSIGN(bool there, files_.exists(oldest));
    if (there) TRY(files_.remove(oldest));
    TRY(files_.sync_directory(options_.directory));
    {
      std::lock_guard lock(mutex_);
      sealed_ = std::make_shared<const Catalogue>(sealed_->begin() + 1, sealed_->end());
    }
    TRY_ASSIGN(bool indexed, files_.exists(index_path(oldest)));
    if (indexed) TRY(files_.remove(index_path(oldest)));
  }
  return first_sequence();
}

}  // namespace paywarden
