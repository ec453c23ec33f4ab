// Finding a file of the page by the path that a browser asks for.
#include "center/page_assets.h"

#include <algorithm>

namespace paywarden {

const PageAsset* find_page_asset(std::string_view path) {
  if (path == "/") path = "/index.html";
  if (path == "/docs" || path == "/docs/") path = "/docs.html";
  auto assets = page_assets();
  auto found = std::find_if(assets.begin(), assets.end(),
                            [&](const PageAsset& asset) { return asset.path == path; });
  return found == assets.end() ? nullptr : &*found;
}

}  // namespace paywarden
