#include "objects/folder_store.h"

#include <algorithm>
#include <filesystem>

namespace paywarden {
namespace {

constexpr std::string_view kUnfinished = ".new";  // as replace_whole() names it
constexpr size_t kPartBytesMax = 255;             // NAME_MAX of the usual file systems
constexpr size_t kNameBytesMax = 1024;            // of a key in S3

}  // namespace

Status check_object_name(const std::string& name) {
  auto bad = [&](const char* why) {
    return fail(std::string("an object's name ") + why, name, "report it as a bug");
  };
  if (name.empty() || name.size() > kNameBytesMax) return bad("has 1 to 1024 bytes");
  for (size_t begin = 0; begin <= name.size();) {
    size_t end = std::min(name.find('/', begin), name.size());
    std::string_view part = std::string_view(name).substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..")
      return bad("has an empty part, or '.' or '..'");
    if (part.size() > kPartBytesMax) return bad("has a part of more than 255 bytes");
    begin = end + 1;
  }
  return {};
}

Result<std::unique_ptr<FolderStore>> FolderStore::open(Files& files, std::string directory) {
  TRY(files.make_directory(directory));
  return std::unique_ptr<FolderStore>(new FolderStore(files, std::move(directory)));
}

Status FolderStore::put(const std::string& name, std::string_view bytes) {
  TRY(check_object_name(name));
  TRY(files_.make_directory(directory_of(path_of(name))));
  return replace_whole(files_, path_of(name), bytes);
}

Result<std::string> FolderStore::get(const std::string& name) {
  TRY(check_object_name(name));
  return read_whole(files_, path_of(name));
}

Status FolderStore::remove(const std::string& name) {
  TRY(check_object_name(name));
  TRY_ASSIGN(bool there, files_.exists(path_of(name)));
  if (!there) return {};
  TRY(files_.remove(path_of(name)));
  return files_.sync_directory(directory_of(path_of(name)));
}

// Only people and tests list a folder: the port for files need not know how to walk one.
Result<std::vector<std::string>> FolderStore::list(const std::string& prefix) {
  namespace fs = std::filesystem;
  std::vector<std::string> names;
  std::error_code error;
  fs::recursive_directory_iterator at(directory_, error), end;
  for (; !error && at != end; at.increment(error)) {
    if (!at->is_regular_file(error)) continue;
    std::string name = at->path().lexically_relative(directory_).string();
    if (name.starts_with(prefix) && !name.ends_with(kUnfinished)) names.push_back(std::move(name));
  }
  if (error) return tl::unexpected(file_error(error.value(), "list", directory_));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace paywarden
