// The few files of a bundle on disk: read with a limit, written as a whole directory or not at all.
// Inside the folder only.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace paywarden {

Result<std::string> read_file(const std::string& path, size_t bytes_max);

// Writes the files (name, content) into a new directory beside `directory`, syncs them and it, and
// renames it into place. With `replace` a directory that stands there is exchanged in one step and
// then removed; without, it is an error. A file, and a directory with other files than these, is
// never replaced.
Status write_directory(const std::string& directory,
                       const std::vector<std::pair<std::string, std::string_view>>& files,
                       bool replace);

// Whether `directory` can be written over: it is not there, is empty, or has several of the files
// `names` and no others: one alone may be someone's own.
Status check_replaceable(const std::string& directory, std::span<const std::string_view> names);

}  // namespace paywarden
