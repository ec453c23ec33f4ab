// The page's files, built from web/ and embedded in the program (see cmake/Page.cmake).
//
//   for (const PageAsset& asset : page_assets())
//     router.add_static(asset.path, http::kOpenToAll, {std::string(asset.content_type),
//                       asset.bytes, asset.gzip, asset.immutable});
//   const PageAsset* page = find_page_asset("/");   // besides: "/" and "/docs" have no file name
//
// All views live as long as the program. Any thread.
#pragma once

#include <span>
#include <string_view>

namespace paywarden {

struct PageAsset {
  std::string_view path;          // "/index.html", "/assets/index-Br_qwe6O.js"
  std::string_view content_type;  // "text/html; charset=utf-8"
  std::string_view etag;          // with its quotes: "\"9f86d081884c7d659a2feaa0\""
  bool immutable = false;         // its name holds a hash of its content: may be kept for ever
  std::string_view bytes;
  std::string_view gzip;  // empty where it would not be smaller
};

// Sorted by path.
std::span<const PageAsset> page_assets();

// By the path of a request's target, without its query: "/" is the page, "/docs" the API's page;
// nullptr for what is no file of the page.
const PageAsset* find_page_asset(std::string_view path);

}  // namespace paywarden
