#include "objects/http_caller.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace paywarden {
namespace {

constexpr long kStallBytesPerSecond = 1024;

struct Receiving {
  HttpAnswer answer;
  size_t bytes_max = 0;
  bool too_large = false;
};

size_t take_body(char* data, size_t size, size_t count, void* to) {
  auto& receiving = *static_cast<Receiving*>(to);
  std::string& body = receiving.answer.body;
  size_t bytes = size * count;
  receiving.too_large = bytes > receiving.bytes_max - body.size();
  if (receiving.too_large) return 0;  // ends the transfer
  body.append(data, bytes);
  return bytes;
}

size_t take_header(char* data, size_t size, size_t count, void* to) {
  auto& headers = static_cast<Receiving*>(to)->answer.headers;
  std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) headers.clear();  // of "100 Continue", or of a proxy
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size * count;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.remove_suffix(1);
  headers[name] = value;
  return size * count;
}

int stop_when_cancelled(void* cancelled, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(cancelled)->load() ? 1 : 0;
}

class HeaderList {
 public:
  explicit HeaderList(const std::vector<std::string>& headers) {
    for (const std::string& header : headers) list_ = curl_slist_append(list_, header.c_str());
    list_ = curl_slist_append(list_, "Expect:");  // many stores never say "100 Continue"
  }
  ~HeaderList() { curl_slist_free_all(list_); }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

// Whether the end of the body is known by more than the connection's end.
bool has_length(const HttpCall& call, const HttpAnswer& answer) {
  bool bodiless = call.method == "HEAD" || answer.status == 204 || answer.status == 304;
  return bodiless || answer.headers.contains("content-length") ||
         answer.headers.contains("transfer-encoding");
}

std::string host_of(const std::string& url) {
  size_t begin = url.find("://");
  begin = begin == std::string::npos ? 0 : begin + 3;
  return url.substr(0, url.find_first_of("/?", begin));
}

}  // namespace

struct CurlCaller::Handle {
  CURL* curl = nullptr;
  std::array<char, CURL_ERROR_SIZE> error{};
  Handle() {
    static const CURLcode kReady = curl_global_init(CURL_GLOBAL_DEFAULT);
    CHECK(kReady == CURLE_OK, "libcurl does not start");
    curl = curl_easy_init();
    CHECK(curl, "libcurl gave no handle");
  }
  ~Handle() { curl_easy_cleanup(curl); }
};

CurlCaller::CurlCaller(CurlCallerOptions options)
    : options_(std::move(options)), handle_(std::make_unique<Handle>()) {}
CurlCaller::~CurlCaller() = default;

Result<HttpAnswer> CurlCaller::call(const HttpCall& call) {
  if (cancelled_) return fail("the program stops", host_of(call.url));
  CURL* curl = handle_->curl;
  HeaderList headers(call.headers);
  Receiving receiving;
  receiving.bytes_max = options_.answer_bytes_max;
  handle_->error[0] = 0;
  auto set = [curl](CURLoption option, auto value) {
    CHECK(curl_easy_setopt(curl, option, value) == CURLE_OK, "libcurl lacks an option");
  };
  curl_easy_reset(curl);
  set(CURLOPT_URL, call.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PATH_AS_IS, 1L);  // what was signed is what is sent
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.ms()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.ms()));
  set(CURLOPT_LOW_SPEED_LIMIT, kStallBytesPerSecond);
  set(CURLOPT_LOW_SPEED_TIME, std::max(1L, static_cast<long>(options_.stall.ms() / 1000)));
  set(CURLOPT_CUSTOMREQUEST, call.method.c_str());
  if (call.method == "HEAD") set(CURLOPT_NOBODY, 1L);
  if (!call.body.empty() || call.method == "PUT" || call.method == "POST") {
    set(CURLOPT_POSTFIELDS, call.body.data() ? call.body.data() : "");
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
  }
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_WRITEFUNCTION, &take_body);
  set(CURLOPT_WRITEDATA, &receiving);
  set(CURLOPT_HEADERFUNCTION, &take_header);
  set(CURLOPT_HEADERDATA, &receiving);
  set(CURLOPT_ERRORBUFFER, handle_->error.data());
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &stop_when_cancelled);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&cancelled_));
  if (!options_.proxy_of_environment) set(CURLOPT_PROXY, "");
  if (!options_.ca_file.empty()) set(CURLOPT_CAINFO, options_.ca_file.c_str());
  CURLcode code = curl_easy_perform(curl);
  if (receiving.too_large)
    return fail("the answer is longer than " + std::to_string(options_.answer_bytes_max) + " bytes",
                host_of(call.url));
  if (code != CURLE_OK)
    return fail(handle_->error[0] ? handle_->error.data() : curl_easy_strerror(code),
                host_of(call.url));
  HttpAnswer& answer = receiving.answer;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  if (!has_length(call, answer))
    return fail("an answer whose length nothing tells, so it may be cut short", host_of(call.url));
  return std::move(answer);
}

}  // namespace paywarden
