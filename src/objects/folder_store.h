// Archive objects as files of a folder: a mounted disk, or the place from which something else carries them on.
//
//   TRY_ASSIGN(auto store, FolderStore::open(files, "/srv/archive"));
//
// A file appears under its name only when its bytes are durable: it is written as NAME.new, synced and renamed, and the folder is
// synced. A NAME.new that a crash left is written over by the next put() of that name.
#pragma once

#include <memory>

#include "base/files.h"
#include "objects/object_store.h"

namespace paywarden {

class FolderStore : public ObjectStore {
 public:
  // Makes the folder where it is absent.
  static Result<std::unique_ptr<FolderStore>> open(Files& files, std::string directory);

  Status put(const std::string& name, std::string_view bytes) override;
  Result<std::string> get(const std::string& name) override;
  Result<std::vector<std::string>> list(const std::string& prefix) override;
  Status remove(const std::string& name) override;

 private:
  FolderStore(Files& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}
  std::string path_of(const std::string& name) const { return directory_ + "/" + name; }

  Files& files_;
  const std::string directory_;
};

}  // namespace paywarden
