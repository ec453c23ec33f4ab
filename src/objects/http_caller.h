// One HTTP request and its whole answer, as a port: libcurl in service, a table of answers in tests.
//
//   CurlCaller http(options);
//   HttpCall call{.method = "PUT", .url = "https://host/path", .headers = {"x-a: b"}, .body = bytes};
//   Result<HttpAnswer> answer = http.call(call);    // an Error when there was no whole answer; any status is an answer
//
// A body that ends before its Content-Length is an Error, and so is one whose length nothing tells. Follows no redirects. One
// object, one thread; cancel() from any.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace paywarden {

struct HttpCall {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers = {};  // "name: value"
  std::string_view body = {};
};

struct HttpAnswer {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in small letters
  std::string body;
};

class HttpCaller {
 public:
  virtual ~HttpCaller() = default;
  virtual Result<HttpAnswer> call(const HttpCall& call) = 0;
  // Ends a call under way, and all later ones, with an Error.
  virtual void cancel() = 0;
};

struct CurlCallerOptions {
  std::string ca_file = {};          // PEM; empty: the system's certificates
  bool proxy_of_environment = true;  // HTTPS_PROXY and its kin: banks reach the outside through one
  Duration connect_timeout = seconds(5);      // a host that is there answers within one round trip
  Duration stall = seconds(30);               // under 1 KiB/s for so long: the peer is gone
  Duration timeout = minutes(5);              // of all of a call: 8 MiB at 30 KiB/s
  size_t answer_bytes_max = size_t{2} << 30;  // above any object that the archiver writes
};

class CurlCaller : public HttpCaller {
 public:
  explicit CurlCaller(CurlCallerOptions options);
  ~CurlCaller() override;
  Result<HttpAnswer> call(const HttpCall& call) override;
  void cancel() override { cancelled_ = true; }

 private:
  struct Handle;
  const CurlCallerOptions options_;
  std::unique_ptr<Handle> handle_;  // keeps the connection from call to call
  std::atomic<bool> cancelled_{false};
};

}  // namespace paywarden
