#include "notify/curl_transfer.h"

namespace paywarden {
namespace {

int stop_when_cancelled(void* cancelled, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(cancelled)->load() ? 1 : 0;
}

size_t discard(char*, size_t size, size_t count, void*) {
  return size * count;
}

CURL* new_handle() {
  static const CURLcode kReady = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(kReady == CURLE_OK, "libcurl does not start");
  CURL* handle = curl_easy_init();
  CHECK(handle, "libcurl has no memory");
  return handle;
}

}  // namespace

CurlTransfer::CurlTransfer(const TransferLimits& limits, const std::atomic<bool>& cancelled)
    : handle_(new_handle()) {
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROXY,
      "");  // none, whatever the environment says: addresses are checked when sockets open
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect_timeout.ms()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(limits.timeout.ms()));
  set(CURLOPT_ERRORBUFFER, error_.data());
  set(CURLOPT_WRITEFUNCTION, &discard);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &stop_when_cancelled);
  set(CURLOPT_XFERINFODATA, const_cast<void*>(static_cast<const void*>(&cancelled)));
}

std::string CurlTransfer::error(CURLcode code) const {
  return error_[0] ? std::string(error_.data()) : std::string(curl_easy_strerror(code));
}

long CurlTransfer::response_code() const {
  long code = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &code);
  return code;
}

Duration CurlTransfer::retry_after() const {
  curl_off_t wait = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RETRY_AFTER, &wait);
  return seconds(wait > 0 && wait < 1'000'000 ? wait : 0);
}

}  // namespace paywarden
