#include "intake/http_get.h"

#include <curl/curl.h>

#include "base/check.h"

namespace paywarden {
namespace {

struct Body {
  std::string bytes;
  size_t bytes_max = 0;
  bool too_large = false;
};

size_t take(char* data, size_t size, size_t count, void* to) {
  Body& body = *static_cast<Body*>(to);
  size_t n = size * count;
  body.too_large = n > body.bytes_max - body.bytes.size();
  if (body.too_large) return 0;  // ends the transfer
  body.bytes.append(data, n);
  return n;
}

}  // namespace

struct CurlGet::Handle {
  CURL* curl = curl_easy_init();
  CURLM* multi = curl_multi_init();  // alone can be woken from another thread
  curl_slist* headers = nullptr;
  ~Handle() {
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    curl_multi_cleanup(multi);
  }
};

CurlGet::CurlGet(HttpGetOptions options)
    : options_(std::move(options)), handle_(std::make_unique<Handle>()) {
  CURL* curl = handle_->curl;
  CHECK(curl && handle_->multi, "libcurl gave no handle");
  for (const std::string& header : options_.headers)
    handle_->headers = curl_slist_append(handle_->headers, header.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, options_.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options_.connect_timeout.ms()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.ms()));
  curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING,
                   "");  // all that libcurl can undo; the limit is on what comes out
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, handle_->headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  if (!options_.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options_.ca_file.c_str());
}

CurlGet::~CurlGet() = default;

void CurlGet::cancel() {
  cancelled_ = true;
  curl_multi_wakeup(handle_->multi);
}

int CurlGet::perform() {
  CURLM* multi = handle_->multi;
  curl_multi_add_handle(multi, handle_->curl);
  int running = 1, left = 0;
  while (running && !cancelled_) {
    curl_multi_perform(multi, &running);
    if (running) curl_multi_poll(multi, nullptr, 0, 1'000, nullptr);
  }
  CURLMsg* message = running ? nullptr : curl_multi_info_read(multi, &left);
  CURLcode code = message ? message->data.result : CURLE_ABORTED_BY_CALLBACK;
  curl_multi_remove_handle(multi, handle_->curl);
  return code;
}

Result<HttpReply> CurlGet::get() {
  Body body;
  body.bytes_max = options_.body_bytes_max;
  curl_easy_setopt(handle_->curl, CURLOPT_WRITEDATA, &body);
  CURLcode code = static_cast<CURLcode>(perform());
  if (body.too_large)
    return fail("the answer is longer than " + std::to_string(options_.body_bytes_max) + " bytes",
                options_.url, "ask for fewer payments at once");
  if (code != CURLE_OK)
    return fail(curl_easy_strerror(code), options_.url, "check the address and the server");
  HttpReply reply;
  curl_easy_getinfo(handle_->curl, CURLINFO_RESPONSE_CODE, &reply.status);
  reply.body = std::move(body.bytes);
  return reply;
}

}  // namespace paywarden
