// PosixFiles: the port of files.h on Linux system calls.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/files.h"

namespace paywarden {
namespace {

tl::unexpected<Error> failed(const std::string& verb, const std::string& path) {
  return tl::unexpected<Error>(file_error(errno, verb, path));
}

// Calls again what a signal has interrupted.
template <typename Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

Descriptor open_descriptor(const std::string& path, int flags) {
  return Descriptor(uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0600); }));
}

class PosixFile : public File {
 public:
  PosixFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<size_t> write_some(uint64_t offset, std::string_view bytes) override {
    auto at = static_cast<off_t>(offset);
    ssize_t n = uninterrupted([&] { return ::pwrite(fd_.get(), bytes.data(), bytes.size(), at); });
    if (n < 0) return failed("write", path_);
    if (n == 0) return fail("cannot write: nothing was taken", path_);
    return static_cast<size_t>(n);
  }
  Result<size_t> read_some(uint64_t offset, char* out, size_t count) override {
    auto at = static_cast<off_t>(offset);
    ssize_t n = uninterrupted([&] { return ::pread(fd_.get(), out, count, at); });
    if (n < 0) return failed("read", path_);
    return static_cast<size_t>(n);
  }
  Status sync_data() override {
    if (::fdatasync(fd_.get()) != 0) return failed("make durable", path_);  // never tried again
    return {};
  }
  Result<uint64_t> size() override {
    struct stat facts;
    if (::fstat(fd_.get(), &facts) != 0) return failed("read the size", path_);
    return static_cast<uint64_t>(facts.st_size);
  }
  Status truncate(uint64_t size) override {
    if (uninterrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0)
      return failed("truncate", path_);
    return {};
  }

 private:
  Descriptor fd_;
  std::string path_;
};

class PosixLock : public FileLock {
 public:
  explicit PosixLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::read:
      return O_RDONLY;
    case OpenMode::change:
      return O_RDWR;
    case OpenMode::create:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

std::string owner_of(const Descriptor& lock) {
  char text[32] = {};
  ssize_t n = ::pread(lock.get(), text, sizeof text - 1, 0);
  std::string pid(text, n > 0 ? static_cast<size_t>(n) : 0);
  while (!pid.empty() && (pid.back() < '0' || pid.back() > '9')) pid.pop_back();
  return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

Result<std::unique_ptr<File>> PosixFiles::open(const std::string& path, OpenMode mode) {
  Descriptor fd = open_descriptor(path, flags_of(mode));
  if (!fd.ok()) return failed(mode == OpenMode::create ? "create" : "open", path);
  return std::make_unique<PosixFile>(std::move(fd), path);
}

Status PosixFiles::sync_directory(const std::string& directory) {
  Descriptor fd = open_descriptor(directory, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return failed("open the directory", directory);
  if (::fsync(fd.get()) != 0) return failed("make the directory durable", directory);
  return {};
}

Status PosixFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename to " + to, from);
  return {};
}

Status PosixFiles::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return failed("remove", path);
  return {};
}

Result<std::vector<std::string>> PosixFiles::list(const std::string& directory) {
  DIR* stream = ::opendir(directory.c_str());
  if (!stream) return failed("list the directory", directory);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  int error_number = errno;
  ::closedir(stream);
  if (error_number != 0)
    return tl::unexpected<Error>(file_error(error_number, "list the directory", directory));
  std::sort(names.begin(), names.end());
  return names;
}

Result<bool> PosixFiles::exists(const std::string& path) {
  struct stat facts;
  if (::stat(path.c_str(), &facts) == 0) return true;
  if (errno == ENOENT) return false;
  return failed("look for", path);
}

Status PosixFiles::make_directory(const std::string& path) {
  TRY_ASSIGN(bool there, exists(path));
  if (there) return {};
  std::string parent = directory_of(path);
  TRY(make_directory(parent));
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return failed("make the directory", path);
  return sync_directory(parent);
}

Result<std::unique_ptr<FileLock>> PosixFiles::lock(const std::string& path) {
  Descriptor fd = open_descriptor(path, O_RDWR | O_CREAT);
  if (!fd.ok()) return failed("open the lock", path);
  if (uninterrupted([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno != EWOULDBLOCK) return failed("lock", path);
    return fail("in use by " + owner_of(fd), path,
                "stop that process, or give this one a directory of its own");
  }
  std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return failed("write the lock", path);
  return std::make_unique<PosixLock>(std::move(fd));
}

Result<uint64_t> PosixFiles::free_bytes(const std::string& directory) {
  struct statvfs facts;
  if (::statvfs(directory.c_str(), &facts) != 0) return failed("ask for free space", directory);
  return static_cast<uint64_t>(facts.f_bavail) * facts.f_frsize;
}

}  // namespace paywarden
