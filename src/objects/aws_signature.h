// Signs requests as AWS wants them: Signature Version 4 (AWS, "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference).
//
//   AwsRequest request{"GET", "/bucket/a=b", {{"list-type", "2"}}, {{"host", "s3.example"}, {"x-amz-date", "..."}}, sha256_hex("")};
//   std::string header = "Authorization: " + aws_authorization(request, credentials, {"eu-central-1", "s3"}, now);
//
// libcurl signs too (CURLOPT_AWS_SIGV4), but Debian 12's 7.88 signs paths as they are sent and not as S3 reads them, so that every key
// with a '=' in it (year=2026) is refused with 403 (curl issue 13754), and neither sorts nor encodes the query (issues 11794, 8107).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace paywarden {

struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;         // empty: none
  std::optional<EventTime> expires;  // none: they stay
};

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

struct AwsRequest {
  std::string method;
  std::string path;     // not encoded, begins with '/'
  NamedTexts query;     // not encoded, in any order
  NamedTexts headers;   // all that are signed, names in small letters; with host and x-amz-date
  std::string payload;  // SHA-256 of the body in hex
};

struct AwsScope {
  std::string region;
  std::string service;
};

// The value of the header Authorization. Holds the key's id and no secret.
std::string aws_authorization(const AwsRequest& request, const AwsCredentials& credentials,
                              const AwsScope& scope, EventTime now);
std::string aws_time(EventTime time);  // "20130524T000000Z"

enum class Slash { kept, encoded };
// RFC 3986: all but letters, digits and "-._~" as %XX.
std::string uri_encoded(std::string_view text, Slash slash);
// "a=b&c=d%20e", by name, as it is signed and sent.
std::string encoded_query(const NamedTexts& query);

}  // namespace paywarden
