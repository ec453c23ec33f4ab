#include "app/archive_setup.h"

#include <cstdlib>

#include "objects/folder_store.h"

namespace paywarden {

Result<std::unique_ptr<ObjectStore>> ArchiveStores::open() {
  switch (config_.kind) {
    case ArchiveKind::none:
      return std::unique_ptr<ObjectStore>();
    case ArchiveKind::folder:
      return FolderStore::open(files_, config_.directory);
    case ArchiveKind::s3:
      return open_s3();
  }
  return std::unique_ptr<ObjectStore>();
}

Result<std::unique_ptr<ObjectStore>> ArchiveStores::open_s3() {
  auto environment = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  // The machine's own addresses: near, and never through a proxy.
  CurlCallerOptions near{.proxy_of_environment = false,
                         .connect_timeout = seconds(1),
                         .stall = seconds(2),
                         .timeout = seconds(5)};
  auto keys_http = std::make_shared<CurlCaller>(near);
  std::shared_ptr<AwsCredentialChain> keys(
      new AwsCredentialChain({environment, files_, *keys_http, clock_},
                             AwsCredentialOptions{.profile = config_.profile}),
      [keys_http](AwsCredentialChain* chain) { delete chain; });  // which uses it
  auto http = std::make_shared<CurlCaller>(CurlCallerOptions{.ca_file = config_.ca_file});
  TRY_ASSIGN(std::unique_ptr<ObjectStore> store, S3Store::create(config_.s3, {http, keys, clock_}));
  return store;
}

}  // namespace paywarden
