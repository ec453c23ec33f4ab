// One HTTP GET as a port: libcurl in service, a table of answers in tests.
//
//   CurlGet get(options);
//   Result<HttpReply> reply = get.get();   // an Error when there was no answer; any status is an
//   answer
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace paywarden {

struct HttpReply {
  long status = 0;
  std::string body;
};

class HttpGet {
 public:
  virtual ~HttpGet() = default;
  virtual Result<HttpReply> get() = 0;
  // Any thread: ends a get() under way, and all later ones, with an Error.
  virtual void cancel() = 0;
};

struct HttpGetOptions {
  std::string url;                        // http or https
  std::vector<std::string> headers;       // "Authorization: Bearer ..."
  std::string ca_file;                    // empty: the system's certificates
  Duration connect_timeout = seconds(5);  // a host that is there answers within one round trip
  Duration timeout =
      seconds(15);  // of all of it; a slow server must not hold up the next poll for ever
  size_t body_bytes_max = 4 * 1024 * 1024;  // some 8,000 payments; more is no answer to a poll
};

// Follows no redirects. One object, one thread; cancel() from any.
class CurlGet : public HttpGet {
 public:
  explicit CurlGet(HttpGetOptions options);
  ~CurlGet() override;
  Result<HttpReply> get() override;
  void cancel() override;

 private:
  struct Handle;
  int perform();  // a CURLcode
  const HttpGetOptions options_;
  std::unique_ptr<Handle> handle_;  // keeps the connection between polls
  std::atomic<bool> cancelled_ = false;
};

}  // namespace paywarden
