#include "forest/bundle_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace paywarden {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> system_failure(std::string_view doing, const std::string& path) {
  int code = errno;
  return fail(fmt::format("{}: {}", doing, std::strerror(code)), path,
              code == ENOSPC ? "free some space" : "check the path and its permissions");
}

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

Status write_file(const std::string& path, std::string_view bytes) {
  File file(path, O_WRONLY | O_CREAT | O_EXCL);
  if (!file.is_open()) return system_failure("cannot create the file", path);
  if (!write_all(file.fd(), bytes)) return system_failure("cannot write", path);
  if (::fsync(file.fd()) != 0) return system_failure("cannot sync to disk", path);
  return {};
}

Status sync_directory(const std::string& path) {
  File directory(path, O_RDONLY | O_DIRECTORY);
  if (!directory.is_open() || ::fsync(directory.fd()) != 0)
    return system_failure("cannot sync the directory", path);
  return {};
}

// Goes away with everything in it, unless it has been renamed. After an exchange it holds what
// stood there before.
class NewDirectory {
 public:
  explicit NewDirectory(const std::string& beside) : path_(beside + ".new-XXXXXX") {
    exists_ = ::mkdtemp(path_.data()) != nullptr;
  }
  NewDirectory(const NewDirectory&) = delete;
  NewDirectory& operator=(const NewDirectory&) = delete;
  ~NewDirectory() {
    std::error_code ignored;
    if (exists_) fs::remove_all(path_, ignored);
  }

  bool exists() const { return exists_; }
  const std::string& path() const { return path_; }

  Status move_to(const std::string& target, bool replace) {
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0) {
      exists_ = false;
      return {};
    }
    if (errno != EEXIST) return system_failure("cannot rename the finished directory", target);
    if (!replace)
      return fail("a directory stands here already", target,
                  "choose another name, or say that it is to be replaced");
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) != 0)
      return system_failure("cannot exchange the directories", target);
    return {};
  }

 private:
  std::string path_;
  bool exists_;
};

}  // namespace

Result<std::string> read_file(const std::string& path, size_t bytes_max) {
  File file(path, O_RDONLY);
  struct stat about {};
  if (!file.is_open() || ::fstat(file.fd(), &about) != 0)
    return system_failure("cannot read the file", path);
  if (!S_ISREG(about.st_mode)) return fail("this is no regular file", path);
  if (static_cast<size_t>(about.st_size) > bytes_max)
    return fail(fmt::format("the file has {} bytes, more than {}", about.st_size, bytes_max), path);
  std::string bytes(static_cast<size_t>(about.st_size), '\0');
  size_t at = 0;
  while (at < bytes.size()) {
    ssize_t got = ::read(file.fd(), bytes.data() + at, bytes.size() - at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure("cannot read the file", path);
    if (got == 0) break;
    at += static_cast<size_t>(got);
  }
  bytes.resize(at);
  return bytes;
}

Status check_replaceable(const std::string& directory, std::span<const std::string_view> names) {
  std::error_code error;
  fs::file_status there = fs::status(directory, error);
  if (there.type() == fs::file_type::not_found) return {};
  if (error) return fail("cannot look at what stands here: " + error.message(), directory);
  constexpr const char* kRemedy = "choose another name; nothing was written";
  if (!fs::is_directory(there))
    return fail("a file stands here, which would be lost", directory, kRemedy);
  fs::directory_iterator entries(directory, error);
  if (error) return fail("cannot list the directory: " + error.message(), directory);
  size_t known = 0;
  std::string some;
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    some = entries->path().filename().string();
    if (std::find(names.begin(), names.end(), some) == names.end()) {
      known = names.size() + 1;
      break;
    }
    ++known;
  }
  if (error) return fail("cannot list the directory: " + error.message(), directory);
  if (known == 0 || (known > 1 && known <= names.size())) return {};
  return fail("a directory stands here that is no bundle: '" + some + "' would be lost", directory,
              kRemedy);
}

Status write_directory(const std::string& directory,
                       const std::vector<std::pair<std::string, std::string_view>>& files,
                       bool replace) {
  fs::path target = fs::path(directory).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();  // "a/b/" is "a/b"
  std::error_code ignored;                                    // what cannot be made is told below
  if (target.has_parent_path()) fs::create_directories(target.parent_path(), ignored);
  NewDirectory fresh(target.string());
  if (!fresh.exists())
    return system_failure("cannot create a directory here", target.parent_path().string());
  for (const auto& [name, bytes] : files) TRY(write_file(fresh.path() + "/" + name, bytes));
  if (::chmod(fresh.path().c_str(), 0755) != 0)
    return system_failure("cannot set permissions", fresh.path());
  TRY(sync_directory(fresh.path()));
  std::vector<std::string_view> names;
  for (const auto& [name, bytes] : files) names.push_back(name);
  if (replace) TRY(check_replaceable(target.string(), names));
  TRY(fresh.move_to(target.string(), replace));
  return sync_directory(target.has_parent_path() ? target.parent_path().string() : ".");
}

}  // namespace paywarden
