// The page's files, built from web/ and embedded in the program (see cmake/Page.cmake).
//
//   if (const PageAsset* asset = find_page_asset(target_path)) {
//     // ETag: asset->etag; If-None-Match equal to it -> 304
//     // Accept-Encoding has gzip and !asset->gzip.empty() -> Content-Encoding: gzip, body
//     asset->gzip
//   }
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
  std::string_view
      cache_control;  // "no-cache", or for ever where the name holds a hash of the content
  std::string_view bytes;
  std::string_view gzip;  // empty where it would not be smaller
};

std::span<const PageAsset> page_assets();

// By the path of a request's target, without its query: "/" is the page, "/docs" the API's page;
// nullptr for what is no file of the page.
const PageAsset* find_page_asset(std::string_view path);

// For every answer that carries a file of the page. Nothing from elsewhere, no inline script or
// style, no frame.
inline constexpr std::string_view page_security_policy =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src "
    "'none'";

}  // namespace paywarden
