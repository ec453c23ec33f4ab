#include "objects/s3_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/check.h"
#include "base/digest.h"

namespace paywarden {
namespace {

constexpr size_t kPartsMax = 10'000;
constexpr size_t kPartBytesMin = size_t{5} << 20;  // but for the last one
constexpr size_t kCodeBytesMax = 64;

std::string unescaped(std::string_view text) {
  constexpr std::pair<std::string_view, char> kEntities[] = {
      {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}};
  std::string out;
  while (!text.empty()) {
    auto found = std::find_if(std::begin(kEntities), std::end(kEntities),
                              [&](const auto& e) { return text.starts_with(e.first); });
    bool entity = found != std::end(kEntities);
    out.push_back(entity ? found->second : text.front());
    text.remove_prefix(entity ? found->first.size() : 1);
  }
  return out;
}

std::string first_text(std::string_view xml, std::string_view element) {
  auto texts = xml_texts(xml, element);
  return texts.empty() ? std::string() : texts.front();
}

// "AccessDenied"; of whatever an answer holds only what looks like such a word gets into errors.
std::string error_code(const HttpAnswer& answer) {
  std::string code = first_text(answer.body, "Code");
  bool word = !code.empty() && code.size() <= kCodeBytesMax &&
              std::all_of(code.begin(), code.end(), [](char c) {
                return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.';
              });
  return word ? code : std::string();
}

bool is_good(const HttpAnswer& answer) {
  return answer.status >= 200 && answer.status < 300;
}

bool may_pass(const HttpAnswer& answer) {
  long s = answer.status;
  if (s == 408 || s == 429 || s == 500 || s == 502 || s == 503 || s == 504) return true;
  return s == 400 && error_code(answer) == "RequestTimeout";  // S3's own 408
}

bool are_stale_keys(const HttpAnswer& answer) {
  return error_code(answer) == "ExpiredToken" || error_code(answer) == "InvalidToken";
}

// "https://host:port" without more.
bool split_endpoint(const std::string& endpoint, std::string& scheme, std::string& host) {
  size_t colon = endpoint.find("://");
  if (colon == std::string::npos) return false;
  scheme = endpoint.substr(0, colon);
  host = endpoint.substr(colon + 3);
  while (host.ends_with('/')) host.pop_back();
  bool plain = host.find_first_of("/?#@ ") == std::string::npos;
  return (scheme == "http" || scheme == "https") && !host.empty() && plain;
}

// As clients write the header Host: without the scheme's own port.
std::string without_usual_port(const std::string& scheme, std::string host) {
  std::string_view usual = scheme == "https" ? ":443" : ":80";
  if (host.ends_with(usual)) host.resize(host.size() - usual.size());
  return host;
}

std::string aws_host(const std::string& region) {
  return "s3." + region + (region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
}

bool is_word(const std::string& text) {
  bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
  return plain && !text.empty();
}

bool is_bucket_name(const std::string& name) {
  bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
  return plain && name.size() >= 3 && name.size() <= 63;
}

}  // namespace

std::vector<std::string> xml_texts(std::string_view xml, std::string_view element) {
  std::string begin = fmt::format("<{}>", element), end = fmt::format("</{}>", element);
  std::vector<std::string> texts;
  for (size_t at = xml.find(begin); at != std::string_view::npos; at = xml.find(begin, at)) {
    at += begin.size();
    size_t close = xml.find(end, at);
    if (close == std::string_view::npos) break;
    texts.push_back(unescaped(xml.substr(at, close - at)));
    at = close;
  }
  return texts;
}

Status check_options(const S3Options& options) {
  std::string scheme, host;
  if (!is_bucket_name(options.bucket))
    return fail("is no bucket's name", "bucket", "3 to 63 letters, digits, '-', '_' and '.'");
  if (!options.endpoint.empty() && !split_endpoint(options.endpoint, scheme, host))
    return fail("is no address", "endpoint",
                "write it as \"https://host:port\", without a path or login");
  if (!is_word(options.region))
    return fail("is no region", "region", "write it as \"eu-central-1\"");
  if (!options.prefix.empty())
    if (auto fine = check_object_name(options.prefix + "x"); !fine)
      return fail("can begin no object's name", "prefix", "write it as \"paywarden/\"");
  if (!options.kms_key.empty() && options.encryption != S3Encryption::kms)
    return fail("goes with sse = \"aws:kms\"", "kms_key");
  CHECK(options.part_bytes >= kPartBytesMin, "S3 refuses parts of less than 5 MiB");
  return {};
}

Result<std::unique_ptr<S3Store>> S3Store::create(S3Options options, S3Ports ports) {
  TRY(check_options(options));
  std::string scheme = "https", host = aws_host(options.region);
  if (!options.endpoint.empty()) split_endpoint(options.endpoint, scheme, host);
  host = without_usual_port(scheme, host);
  if (!options.path_style) host = options.bucket + "." + host;
  return std::unique_ptr<S3Store>(
      new S3Store(std::move(options), std::move(ports), std::move(scheme), std::move(host)));
}

S3Store::S3Store(S3Options options, S3Ports ports, std::string scheme, std::string host)
    : options_(std::move(options)),
      ports_(std::move(ports)),
      scheme_(std::move(scheme)),
      host_(std::move(host)),
      random_(static_cast<uint64_t>(ports_.clock.now().ms())) {}

void S3Store::cancel() {
  cancelled_ = true;
  ports_.http->cancel();
}

// --- one request

std::string S3Store::where(const Request& request) const {
  std::string object = request.key.empty() ? options_.bucket : options_.bucket + "/" + request.key;
  return "s3://" + object + " at " + scheme_ + "://" + host_;
}

Result<HttpCall> S3Store::signed_call(const Request& request) {
  TRY_ASSIGN(AwsCredentials keys, ports_.credentials->get());
  EventTime now = ports_.clock.now();
  AwsRequest to_sign;
  to_sign.method = request.method;
  to_sign.path = (options_.path_style ? "/" + options_.bucket : "") + "/" + request.key;
  to_sign.query = request.query;
  to_sign.headers = request.headers;
  to_sign.payload = sha256_hex(request.body);
  to_sign.headers.emplace_back("x-amz-content-sha256", to_sign.payload);
  to_sign.headers.emplace_back("x-amz-date", aws_time(now));
  if (!keys.session_token.empty())
    to_sign.headers.emplace_back("x-amz-security-token", keys.session_token);
  HttpCall call{.method = request.method,
                .url = scheme_ + "://" + host_ + uri_encoded(to_sign.path, Slash::kept),
                .body = request.body};
  if (!request.query.empty()) call.url += "?" + encoded_query(request.query);
  for (const auto& [name, value] : to_sign.headers) call.headers.push_back(name + ": " + value);
  call.headers.push_back("Content-Type: application/octet-stream");
  to_sign.headers.emplace_back("host", host_);
  call.headers.push_back("Authorization: " +
                         aws_authorization(to_sign, keys, {options_.region, "s3"}, now));
  return call;
}

Result<HttpAnswer> S3Store::send_once(const Request& request) {
  TRY_ASSIGN(HttpCall call, signed_call(request));
  auto answer = ports_.http->call(call);
  if (!answer)
    return fail(answer.error().what, where(request),
                "is the store there, and reachable from this machine?");
  bool lies = answer->body.find("<Error>") != std::string::npos && request.method == "POST";
  if (is_good(*answer) && lies) answer->status = 500;  // "200 OK" is said before the work is done
  return answer;
}

Result<HttpAnswer> S3Store::send(const Request& request) {
  for (uint32_t attempt = 1;; ++attempt) {
    auto answer = send_once(request);
    if (answer && is_good(*answer)) return answer;
    bool stale = answer && are_stale_keys(*answer);
    if (stale) ports_.credentials->forget();
    bool again = (!answer || may_pass(*answer) || stale) && attempt < options_.attempts_max;
    if (!again || cancelled_) {
      if (!answer) return answer;
      return refused(request, *answer);
    }
    pause(attempt);
  }
}

// A random part of a span that doubles from attempt to attempt; cancel() is seen within 20 ms.
void S3Store::pause(uint32_t attempt) {
  int64_t most = std::min(options_.retry_max.ms(), options_.retry_min.ms()
                                                       << std::min<uint32_t>(attempt - 1, 20));
  int64_t span = random_.between(0, std::max<int64_t>(most, 0));
  for (int64_t waited = 0; waited < span && !cancelled_; waited += 20)
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min<int64_t>(20, span - waited)));
}

tl::unexpected<Error> S3Store::refused(const Request& request, const HttpAnswer& answer) const {
  std::string code = error_code(answer);
  std::string what = fmt::format("the store answered {}", answer.status);
  if (!code.empty()) what += " " + code;
  return fail(what, where(request), remedy_of(answer, code));
}

std::string S3Store::remedy_of(const HttpAnswer& answer, const std::string& code) const {
  auto region = answer.headers.find("x-amz-bucket-region");
  bool elsewhere = answer.status == 301 || answer.status == 307 ||
                   code == "AuthorizationHeaderMalformed" ||
                   code == "IllegalLocationConstraintException";
  if (elsewhere && region != answer.headers.end())
    return "the bucket is in another region: set archive.region = \"" + region->second + "\"";
  if (elsewhere) return "is archive.region the bucket's, and archive.endpoint right?";
  if (code == "RequestTimeTooSkewed") return "this machine's clock is wrong: set it (NTP)";
  if (code == "NoSuchBucket" || (answer.status == 404 && code.empty()))
    return "make the bucket, or correct archive.bucket and archive.endpoint";
  if (code == "SignatureDoesNotMatch" || code == "InvalidAccessKeyId" || are_stale_keys(answer))
    return "the credentials are wrong or have ended: look at AWS_ACCESS_KEY_ID and "
           "AWS_SECRET_ACCESS_KEY, or at the profile";
  if (answer.status == 403 || answer.status == 401)
    return "credentials or bucket policy: they must allow s3:PutObject and s3:AbortMultipartUpload "
           "on the bucket, and kms:GenerateDataKey and kms:Decrypt where archive.sse = \"aws:kms\"";
  if (answer.status == 429 || answer.status >= 500)
    return "the store is overloaded or broken; it is tried again";
  return "see the store's documentation for this code";
}

// --- objects

NamedTexts S3Store::encryption_headers() const {
  switch (options_.encryption) {
    case S3Encryption::bucket:
      return {};
    case S3Encryption::aes256:
      return {{"x-amz-server-side-encryption", "AES256"}};
    case S3Encryption::kms:
      break;
  }
  NamedTexts headers = {{"x-amz-server-side-encryption", "aws:kms"}};
  if (!options_.kms_key.empty())
    headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", options_.kms_key);
  return headers;
}

Status S3Store::put(const std::string& name, std::string_view bytes) {
  TRY(check_object_name(name));
  std::string key = options_.prefix + name;
  if (bytes.size() > options_.part_bytes) return put_in_parts(key, bytes);
  TRY(send({"PUT", key, {}, encryption_headers(), bytes}));
  return {};
}

Result<std::string> S3Store::get(const std::string& name) {
  TRY(check_object_name(name));
  Request request{"GET", options_.prefix + name};
  TRY_ASSIGN(HttpAnswer answer, send(request));
  auto length = answer.headers.find("content-length");
  if (length != answer.headers.end() && length->second != std::to_string(answer.body.size()))
    return fail(
        fmt::format("the object is cut short: {} of {} bytes", answer.body.size(), length->second),
        where(request), "try again");
  return std::move(answer.body);
}

Result<std::vector<std::string>> S3Store::list(const std::string& prefix) {
  std::vector<std::string> names;
  for (std::string token;;) {
    Request request{"GET", "", {{"list-type", "2"}, {"prefix", options_.prefix + prefix}}};
    if (!token.empty()) request.query.emplace_back("continuation-token", token);
    TRY_ASSIGN(HttpAnswer answer, send(request));
    for (std::string& key : xml_texts(answer.body, "Key")) {
      if (!key.starts_with(options_.prefix)) continue;
      names.push_back(key.substr(options_.prefix.size()));
    }
    token = first_text(answer.body, "NextContinuationToken");
    if (first_text(answer.body, "IsTruncated") != "true" || token.empty()) break;
  }
  std::sort(names.begin(), names.end());
  return names;
}

Status S3Store::remove(const std::string& name) {
  TRY(check_object_name(name));
  TRY(send({"DELETE", options_.prefix + name}));
  return {};
}

// --- in parts

Status S3Store::put_in_parts(const std::string& key, std::string_view bytes) {
  if (bytes.size() / options_.part_bytes >= kPartsMax)
    return fail("the object has more than 10,000 parts", key, "lower archive.batch_bytes");
  TRY_ASSIGN(HttpAnswer begun, send({"POST", key, {{"uploads", ""}}, encryption_headers()}));
  std::string upload = first_text(begun.body, "UploadId");
  if (upload.empty())
    return fail("the store began an upload without an id", where({"POST", key}),
                "does it speak S3's multipart upload?");
  auto parts = put_parts(key, upload, bytes);
  Status done = parts ? complete(key, upload, *parts) : Status(tl::unexpected(parts.error()));
  // Parts that nobody completes cost money until a lifecycle rule removes them.
  if (!done) (void)send_once({"DELETE", key, {{"uploadId", upload}}});
  return done;
}

Result<std::string> S3Store::put_parts(const std::string& key, const std::string& upload,
                                       std::string_view bytes) {
  std::string parts = "<CompleteMultipartUpload>";
  for (size_t number = 1; !bytes.empty(); ++number) {
    std::string_view part = bytes.substr(0, options_.part_bytes);
    bytes.remove_prefix(part.size());
    Request request{
        "PUT", key, {{"partNumber", std::to_string(number)}, {"uploadId", upload}}, {}, part};
    TRY_ASSIGN(HttpAnswer answer, send(request));
    auto tag = answer.headers.find("etag");
    if (tag == answer.headers.end() || tag->second.find_first_of("<&") != std::string::npos)
      return fail("the store took a part without an ETag", where(request));
    parts +=
        fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", number, tag->second);
  }
  return parts + "</CompleteMultipartUpload>";
}

Status S3Store::complete(const std::string& key, const std::string& upload,
                         const std::string& parts) {
  TRY(send({"POST", key, {{"uploadId", upload}}, {}, parts}));
  return {};
}

}  // namespace paywarden
