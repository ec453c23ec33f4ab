// One libcurl handle with the settings that every channel shares: no signals, no proxy, no
// redirects, time limits, an end on demand. Only for .cc files of this folder.
//
//   CurlTransfer transfer(limits, cancelled);
//   transfer.set(CURLOPT_URL, url.c_str());
//   CURLcode code = transfer.perform();   // transfer.error(code) in words
#pragma once

#include <curl/curl.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "base/check.h"
#include "base/time.h"

namespace paywarden {

struct TransferLimits {
  Duration connect_timeout = seconds(5);
  Duration timeout = seconds(20);
};

class CurlTransfer {
 public:
  CurlTransfer(const TransferLimits& limits, const std::atomic<bool>& cancelled);

  template <typename T>
  void set(CURLoption option, T value) {
    CHECK(curl_easy_setopt(handle_.get(), option, value) == CURLE_OK, "libcurl lacks an option");
  }
  CURLcode perform() { return curl_easy_perform(handle_.get()); }
  std::string error(CURLcode code) const;
  long response_code() const;
  Duration retry_after() const;  // of an HTTP answer; 0: none

 private:
  struct Free {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };
  std::unique_ptr<CURL, Free> handle_;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

// A list of strings as libcurl wants it.
class CurlList {
 public:
  CurlList() = default;
  ~CurlList() { curl_slist_free_all(list_); }
  CurlList(const CurlList&) = delete;
  CurlList& operator=(const CurlList&) = delete;
  void add(const std::string& text) { list_ = curl_slist_append(list_, text.c_str()); }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

}  // namespace paywarden
