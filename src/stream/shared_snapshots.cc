#include "stream/shared_snapshots.h"

#include <fmt/format.h>

#include <charconv>

#include "base/background.h"

namespace paywarden {
namespace {

constexpr std::string_view kEnding = ".pws";
constexpr size_t kDigits = 20;

// From "snapshots/g/payments-0/00000000000000003000.pws"; 0: no snapshot's name.
uint64_t sequence_in(std::string_view name) {
  if (!name.ends_with(kEnding) || name.size() < kDigits + kEnding.size()) return 0;
  name.remove_suffix(kEnding.size());
  name.remove_prefix(name.size() - kDigits);
  uint64_t sequence = 0;
  auto read = std::from_chars(name.data(), name.data() + name.size(), sequence);
  return read.ptr == name.data() + name.size() ? sequence : 0;
}

}  // namespace

SharedSnapshots::SharedSnapshots(std::unique_ptr<ObjectStore> writing,
                                 std::unique_ptr<ObjectStore> reading, Files& files,
                                 std::string group, OperatorLog& log)
    : writing_(std::move(writing)),
      reading_(std::move(reading)),
      files_(files),
      group_(std::move(group)),
      log_(log),
      thread_([this] { run(); }) {}

SharedSnapshots::~SharedSnapshots() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::string SharedSnapshots::folder_of(const std::string& partition) const {
  return "snapshots/" + group_ + "/" + partition + "/";
}

void SharedSnapshots::offer(const std::string& partition, const std::string& path,
                            uint64_t sequence, size_t keep) {
  {
    std::lock_guard lock(mutex_);
    offers_[partition] = {path, sequence, keep};
  }
  wake_.notify_all();
}

// What was offered before the stop is still copied.
void SharedSnapshots::run() {
  work_in_background();
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !offers_.empty(); });
    if (offers_.empty()) return;
    auto [partition, offer] = *offers_.begin();
    offers_.erase(offers_.begin());
    lock.unlock();
    if (auto done = copy(partition, offer); !done)
      log_.write(LogLevel::warning, "snapshot_not_shared",
                 {{"partition", partition}, {"error", done.error().line()}});
    lock.lock();
  }
}

Status SharedSnapshots::copy(const std::string& partition, const Offer& offer) {
  TRY_ASSIGN(std::string bytes, read_whole(files_, offer.path));
  TRY(writing_->put(fmt::format("{}{:020}{}", folder_of(partition), offer.sequence, kEnding),
                    bytes));
  TRY_ASSIGN(auto names, writing_->list(folder_of(partition)));
  for (size_t i = 0; i + offer.keep < names.size(); ++i) TRY(writing_->remove(names[i]));
  return {};
}

Result<uint64_t> SharedSnapshots::fetch(const std::string& partition, uint64_t committed,
                                        uint64_t newest_local,
                                        const std::function<std::string(uint64_t)>& path_of) {
  TRY_ASSIGN(auto names, reading_->list(folder_of(partition)));
  std::string best;
  uint64_t newest = newest_local;
  for (const std::string& name : names) {
    uint64_t sequence = sequence_in(name);
    if (sequence <= newest || sequence > committed) continue;
    best = name;
    newest = sequence;
  }
  if (best.empty()) return uint64_t{0};
  TRY_ASSIGN(std::string bytes, reading_->get(best));
  TRY(replace_whole(files_, path_of(newest), bytes));
  return newest;
}

}  // namespace paywarden
