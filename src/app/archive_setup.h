// The object store that the configuration names.
//
//   ArchiveStores stores(config.archive, files, clock);
//   TRY_ASSIGN(auto store, stores.open());     // null: no archive
#pragma once

#include <memory>

#include "app/config.h"
#include "base/clock.h"
#include "base/files.h"
#include "objects/object_store.h"

namespace paywarden {

// Its configuration, files and clock must outlive the stores. Each store is one thread's.
class ArchiveStores {
 public:
  ArchiveStores(const ArchiveConfig& config, Files& files, Clock& clock)
      : config_(config), files_(files), clock_(clock) {}
  Result<std::unique_ptr<ObjectStore>> open();

 private:
  Result<std::unique_ptr<ObjectStore>> open_s3();
  const ArchiveConfig& config_;
  Files& files_;
  Clock& clock_;
};

}  // namespace paywarden
