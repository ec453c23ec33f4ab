#include "base/simulated_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace paywarden {
namespace {

constexpr size_t kSector = SimulatedFiles::kSectorBytes;

tl::unexpected<Error> failed(int error_number, const std::string& verb, const std::string& path) {
  return tl::unexpected<Error>(file_error(error_number, verb, path));
}

// Copies what `from` holds of one sector into `to`, as far as `to` reaches.
void copy_sector(const std::string& from, std::string& to, uint64_t sector) {
  size_t begin = sector * kSector, end = std::min({begin + kSector, from.size(), to.size()});
  if (begin < end) std::memcpy(to.data() + begin, from.data() + begin, end - begin);
}

}  // namespace

class SimulatedFiles::OpenFile : public File {
 public:
  OpenFile(SimulatedFiles& disk, ContentPtr content, std::string path)
      : disk_(disk), content_(std::move(content)), path_(std::move(path)), epoch_(disk.epoch_) {}

  Result<size_t> write_some(uint64_t offset, std::string_view bytes) override {
    std::lock_guard lock(disk_.mutex_);
    TRY(usable("write"));
    return disk_.write(*content_, path_, offset, bytes);
  }
  Result<size_t> read_some(uint64_t offset, char* out, size_t count) override {
    std::lock_guard lock(disk_.mutex_);
    TRY(usable("read"));
    const std::string& seen = content_->seen;
    if (offset >= seen.size()) return size_t{0};
    size_t n = std::min<size_t>(count, seen.size() - offset);
    std::memcpy(out, seen.data() + offset, n);
    return n;
  }
  Status sync_data() override {
    std::lock_guard lock(disk_.mutex_);
    TRY(usable("make durable"));
    return disk_.sync(*content_, path_);
  }
  Result<uint64_t> size() override {
    std::lock_guard lock(disk_.mutex_);
    TRY(usable("read the size"));
    return content_->seen.size();
  }
  Status truncate(uint64_t size) override {
    std::lock_guard lock(disk_.mutex_);
    TRY(usable("truncate"));
    uint64_t end = std::max<uint64_t>(size, content_->seen.size());
    for (uint64_t s = size / kSector; s * kSector < end; ++s) content_->unwritten.insert(s);
    content_->seen.resize(size, '\0');
    return {};
  }

 private:
  Status usable(const char* verb) {
    if (epoch_ != disk_.epoch_) return failed(EIO, verb, path_);
    return disk_.spend_call(verb, path_);
  }
  SimulatedFiles& disk_;
  ContentPtr content_;
  std::string path_;
  uint64_t epoch_;
};

class SimulatedFiles::HeldLock : public FileLock {
 public:
  HeldLock(SimulatedFiles& disk, std::string path)
      : disk_(disk), path_(std::move(path)), epoch_(disk.epoch_) {}
  ~HeldLock() override {
    std::lock_guard lock(disk_.mutex_);
    if (epoch_ == disk_.epoch_) disk_.locks_.erase(path_);
  }

 private:
  SimulatedFiles& disk_;
  std::string path_;
  uint64_t epoch_;
};

void SimulatedFiles::cut_power_after(uint64_t calls) {
  std::lock_guard lock(mutex_);
  calls_left_ = calls;
}

bool SimulatedFiles::power_is_off() const {
  std::lock_guard lock(mutex_);
  return calls_left_ == 0;
}

void SimulatedFiles::restore_power() {
  std::lock_guard lock(mutex_);
  for (const NameChange& change : unsynced_names_)
    if (random_.chance(0.5)) apply(change, durable_names_);
  unsynced_names_.clear();
  names_ = durable_names_;
  std::set<Content*> lost;  // each once, whatever number of names it has
  for (auto& [name, content] : names_)
    if (lost.insert(content.get()).second) lose_power(*content);
  locks_.clear();
  ++epoch_;
  calls_left_ = std::numeric_limits<uint64_t>::max();
}

void SimulatedFiles::lose_power(Content& content) {
  size_t old_size = content.durable.size(), new_size = content.seen.size();
  size_t low = std::min(old_size, new_size), high = std::max(old_size, new_size);
  size_t size = low + random_.below(high - low + 1);
  if (random_.chance(0.6)) size = random_.chance(0.7) ? new_size : old_size;
  std::string left = content.durable;
  left.resize(size, '\0');
  if (random_.chance(0.3))  // what the disk held there before
    for (size_t i = old_size; i < size; ++i) left[i] = static_cast<char>(random_.next());
  double kept = random_.chance(0.25) ? 1.0 : random_.unit();
  for (uint64_t sector : content.unwritten)
    if (random_.chance(kept)) copy_sector(content.seen, left, sector);
  content.seen = content.durable = left;
  content.unwritten.clear();
}

void SimulatedFiles::fail_syncs(int count) {
  std::lock_guard lock(mutex_);
  syncs_to_fail_ = count;
}

void SimulatedFiles::fill_disk_after(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  bytes_left_ = bytes;
}

void SimulatedFiles::write_short(bool on) {
  std::lock_guard lock(mutex_);
  short_writes_ = on;
}

uint64_t SimulatedFiles::calls() const {
  std::lock_guard lock(mutex_);
  return calls_;
}

void SimulatedFiles::flip(const std::string& path, uint64_t offset, uint8_t mask) {
  std::lock_guard lock(mutex_);
  Content& content = *names_.at(path);
  CHECK(offset < content.seen.size(), "flip beyond the end of the file");
  for (std::string* bytes : {&content.seen, &content.durable})
    if (offset < bytes->size()) (*bytes)[offset] = static_cast<char>((*bytes)[offset] ^ mask);
}

Status SimulatedFiles::spend_call(const std::string& verb, const std::string& path) {
  ++calls_;
  if (calls_left_ == 0) return failed(EIO, verb, path);
  --calls_left_;
  return {};
}

Result<size_t> SimulatedFiles::write(Content& content, const std::string& path, uint64_t offset,
                                     std::string_view bytes) {
  if (short_writes_) bytes = bytes.substr(0, 1 + random_.below(bytes.size()));
  bytes = bytes.substr(0, bytes_left_);
  if (bytes.empty()) return failed(bytes_left_ == 0 ? ENOSPC : EIO, "write", path);
  bytes_left_ -= bytes.size();
  std::string& seen = content.seen;
  if (seen.size() < offset + bytes.size()) seen.resize(offset + bytes.size(), '\0');
  std::memcpy(seen.data() + offset, bytes.data(), bytes.size());
  for (uint64_t s = offset / kSector; s * kSector < offset + bytes.size(); ++s)
    content.unwritten.insert(s);
  return bytes.size();
}

Status SimulatedFiles::sync(Content& content, const std::string& path) {
  if (syncs_to_fail_ > 0) {
    --syncs_to_fail_;
    content.unwritten.clear();
    return failed(EIO, "make durable", path);
  }
  content.durable.resize(content.seen.size(), '\0');
  for (uint64_t sector : content.unwritten) copy_sector(content.seen, content.durable, sector);
  content.unwritten.clear();
  return {};
}

void SimulatedFiles::apply(const NameChange& change, Names& names) {
  if (!change.removed.empty()) names.erase(change.removed);
  if (!change.added.empty()) names[change.added] = change.content;
}

void SimulatedFiles::change_names(NameChange change) {
  apply(change, names_);
  unsynced_names_.push_back(std::move(change));
}

Result<std::unique_ptr<File>> SimulatedFiles::open(const std::string& path, OpenMode mode) {
  std::lock_guard lock(mutex_);
  TRY(spend_call("open", path));
  auto found = names_.find(path);
  if (mode == OpenMode::create) {
    if (found != names_.end()) return failed(EEXIST, "create", path);
    auto content = std::make_shared<Content>();
    change_names({"", path, content});
    return std::make_unique<OpenFile>(*this, content, path);
  }
  if (found == names_.end()) return failed(ENOENT, "open", path);
  return std::make_unique<OpenFile>(*this, found->second, path);
}

Status SimulatedFiles::sync_directory(const std::string& directory) {
  std::lock_guard lock(mutex_);
  TRY(spend_call("make the directory durable", directory));
  std::erase_if(unsynced_names_, [&](const NameChange& change) {
    const std::string& name = change.added.empty() ? change.removed : change.added;
    if (directory_of(name) != directory) return false;
    apply(change, durable_names_);
    return true;
  });
  return {};
}

Status SimulatedFiles::rename(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  TRY(spend_call("rename to " + to, from));
  auto found = names_.find(from);
  if (found == names_.end()) return failed(ENOENT, "rename to " + to, from);
  change_names({from, to, found->second});
  return {};
}

Status SimulatedFiles::remove(const std::string& path) {
  std::lock_guard lock(mutex_);
  TRY(spend_call("remove", path));
  if (!names_.contains(path)) return failed(ENOENT, "remove", path);
  change_names({path, "", nullptr});
  return {};
}

Result<std::vector<std::string>> SimulatedFiles::list(const std::string& directory) {
  std::lock_guard lock(mutex_);
  TRY(spend_call("list the directory", directory));
  std::vector<std::string> names;
  for (const auto& [path, content] : names_)
    if (directory_of(path) == directory) names.push_back(path.substr(path.find_last_of('/') + 1));
  return names;
}

Result<bool> SimulatedFiles::exists(const std::string& path) {
  std::lock_guard lock(mutex_);
  TRY(spend_call("look for", path));
  return names_.contains(path);
}

Status SimulatedFiles::make_directory(const std::string& path) {
  std::lock_guard lock(mutex_);
  return spend_call("make the directory", path);
}

Result<std::unique_ptr<FileLock>> SimulatedFiles::lock(const std::string& path) {
  std::lock_guard lock(mutex_);
  TRY(spend_call("lock", path));
  if (!locks_.insert(path).second)
    return fail("in use by another process", path,
                "stop that process, or give this one a directory of its own");
  return std::make_unique<HeldLock>(*this, path);
}

Result<uint64_t> SimulatedFiles::free_bytes(const std::string& directory) {
  std::lock_guard lock(mutex_);
  TRY(spend_call("ask for free space", directory));
  return bytes_left_;
}

}  // namespace paywarden
