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

SharedSnapshots::SharedSnapshots(OpenStore open, Files& files, std::string group, OperatorLog& log,
                                 SharedSnapshotsOptions options)
    : open_(std::move(open)),
      files_(files),
      group_(std::move(group)),
      log_(log),
      options_(options),
      thread_([this] { run(); }) {}

SharedSnapshots::~SharedSnapshots() {
  finish(options_.finish_most);
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    offers_.clear();
    if (writing_) writing_->cancel();
  }
  wake_.notify_all();
  thread_.join();
}

void SharedSnapshots::finish(Duration most) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, std::chrono::milliseconds(most.ms()),
                 [this] { return offers_.empty() && !copying_; });
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

void SharedSnapshots::run() {
  work_in_background();
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !offers_.empty(); });
    if (stopping_) return;
    auto [partition, offer] = *offers_.begin();
    offers_.erase(offers_.begin());
    auto opened = writing_ ? Result<std::unique_ptr<ObjectStore>>(std::move(writing_)) : open_();
    Status done;
    if (opened)
      writing_ = std::move(*opened);
    else
      done = tl::unexpected(opened.error());
    copying_ = true;
    lock.unlock();
    if (done) done = copy(partition, offer);
    if (!done)
      log_.write(LogLevel::warning, "snapshot_not_shared",
                 {{"partition", partition}, {"error", done.error().line()}});
    lock.lock();
    copying_ = false;
    wake_.notify_all();
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

// The store's own patience is made for an archive, which has time.
template <typename Call>
auto SharedSnapshots::within(Duration most, Call call) {
  std::mutex mutex;
  std::condition_variable over;
  bool done = false;
  std::thread watch([&] {
    std::unique_lock lock(mutex);
    auto ended = [&] { return done; };
    if (!over.wait_for(lock, std::chrono::milliseconds(most.ms()), ended)) reading_->cancel();
  });
  auto result = call(*reading_);
  {
    std::lock_guard lock(mutex);
    done = true;
  }
  over.notify_all();
  watch.join();
  if (!result) {
    reading_.reset();  // it may be cancelled for good
    left_out_until_ =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.leave_out.ms());
  }
  return result;
}

Result<uint64_t> SharedSnapshots::fetch(const std::string& partition, uint64_t committed,
                                        uint64_t newest_local,
                                        const std::function<std::string(uint64_t)>& path_of) {
  if (std::chrono::steady_clock::now() < left_out_until_)
    return fail("the store did not answer a moment ago, and is left out for now", partition);
  if (!reading_) {
    TRY_ASSIGN(reading_, open_());
  }
  TRY_ASSIGN(auto names, within(options_.list_most, [&](ObjectStore& store) {
               return store.list(folder_of(partition));
             }));
  std::string best;
  uint64_t newest = newest_local;
  for (const std::string& name : names) {
    uint64_t sequence = sequence_in(name);
    if (sequence <= newest || sequence > committed) continue;
    best = name;
    newest = sequence;
  }
  if (best.empty()) return uint64_t{0};
  TRY_ASSIGN(std::string bytes,
             within(options_.get_most, [&](ObjectStore& store) { return store.get(best); }));
  TRY(replace_whole(files_, path_of(newest), bytes));
  return newest;
}

}  // namespace paywarden
