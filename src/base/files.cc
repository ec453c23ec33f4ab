#include "base/files.h"

#include <cerrno>
#include <system_error>

namespace paywarden {
namespace {

const char* remedy_for(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return "free space on this disk (or raise the quota), then start again";
    case EACCES:
    case EPERM:
      return "give the user that runs paywarden the right to it";
    case EROFS:
      return "the file system is read-only: mount it for writing";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    case EIO:
      return "the disk failed: look at the kernel's log (dmesg) before starting again";
    default:
      return "";
  }
}

}  // namespace

Error file_error(int error_number, const std::string& verb, const std::string& path) {
  std::string cause =
      error_number == ENOSPC ? "the disk is full" : std::generic_category().message(error_number);
  return Error{"cannot " + verb + ": " + cause, path, remedy_for(error_number)};
}

Status File::write_all(uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    TRY_ASSIGN(size_t count, write_some(offset, bytes));
    offset += count;
    bytes.remove_prefix(count);
  }
  return {};
}

Result<size_t> File::read_up_to(uint64_t offset, char* out, size_t count) {
  size_t done = 0;
  while (done < count) {
    TRY_ASSIGN(size_t part, read_some(offset + done, out + done, count - done));
    if (part == 0) break;
    done += part;
  }
  return done;
}

Result<std::string> read_whole(Files& files, const std::string& path) {
  TRY_ASSIGN(auto file, files.open(path, OpenMode::read));
  TRY_ASSIGN(uint64_t size, file->size());
  std::string bytes(size, '\0');
  TRY_ASSIGN(size_t count, file->read_up_to(0, bytes.data(), bytes.size()));
  bytes.resize(count);
  return bytes;
}

Status replace_whole(Files& files, const std::string& path, std::string_view bytes) {
  std::string fresh = path + ".new";
  TRY_ASSIGN(bool left_over, files.exists(fresh));
  if (left_over) TRY(files.remove(fresh));
  TRY_ASSIGN(auto file, files.open(fresh, OpenMode::create));
  TRY(file->write_all(0, bytes));
  TRY(file->sync_data());
  TRY(files.rename(fresh, path));
  return files.sync_directory(directory_of(path));
}

std::string directory_of(const std::string& path) {
  size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace paywarden
