// Archive objects in a bucket of Amazon S3 or of any store that speaks its REST API (AWS, "Amazon S3 API Reference", 2006-03-01).
//
//   TRY_ASSIGN(auto store, S3Store::create({.bucket = "bank-archive", .region = "eu-central-1"}, {http, keys, clock}));
//   TRY(store->put(name, bytes));      // larger ones in parts; whole or not at all
//
// Requests are signed (aws_signature.h), body included, so that what arrives is what was sent. What may pass by itself (no answer, a
// cut answer, 408, 429, 5xx) is tried again a few times; all else is an error that says what to do about it and holds no secret.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "objects/aws_credentials.h"
#include "objects/http_caller.h"
#include "objects/object_store.h"

namespace paywarden {

enum class S3Encryption : uint8_t { bucket, aes256, kms };  // bucket: as the bucket's default says

struct S3Options {
  std::string bucket = {};
  std::string prefix = {};  // of every key: "paywarden/"
  std::string region = "us-east-1";
  std::string endpoint = {};  // "https://minio.bank.example:9000"; empty: AWS's own of the region
  bool path_style = false;    // endpoint/bucket/key; else bucket.endpoint/key
  S3Encryption encryption = S3Encryption::bucket;
  std::string kms_key = {};  // its id or ARN; empty: AWS's own key
  size_t part_bytes =
      size_t{8}
      << 20;  // more is sent in parts of so many: what is sent again after a cut; S3 wants 5 MiB at least
  uint32_t attempts_max =
      5;  // of one request: rides out some seconds; the archiver has more patience
  Duration retry_min =
      milliseconds(100);  // the pause before the second attempt is at most this; then doubled,
  Duration retry_max = seconds(5);  // up to this; a random part of it is waited
};

// What is wrong with them: `where` is the key of [archive] that it is about.
Status check_options(const S3Options& options);

struct S3Ports {
  std::shared_ptr<HttpCaller> http;
  std::shared_ptr<AwsCredentialChain> credentials;
  Clock& clock;
};

class S3Store : public ObjectStore {
 public:
  static Result<std::unique_ptr<S3Store>> create(S3Options options, S3Ports ports);

  Status put(const std::string& name, std::string_view bytes) override;
  Result<std::string> get(const std::string& name) override;
  Result<std::vector<std::string>> list(const std::string& prefix) override;
  Status remove(const std::string& name) override;
  void cancel() override;

 private:
  struct Request {
    std::string method, key;
    NamedTexts query = {};
    NamedTexts headers = {};  // beyond those of every request
    std::string_view body = {};
  };
  S3Store(S3Options options, S3Ports ports, std::string scheme, std::string host);

  Result<HttpAnswer> send(const Request& request);
  Result<HttpAnswer> send_once(const Request& request);
  Result<HttpCall> signed_call(const Request& request);
  tl::unexpected<Error> refused(const Request& request, const HttpAnswer& answer) const;
  std::string remedy_of(const HttpAnswer& answer, const std::string& code) const;
  std::string where(const Request& request) const;
  void pause(uint32_t attempt);

  NamedTexts encryption_headers() const;
  Status put_in_parts(const std::string& key, std::string_view bytes);
  Result<std::string> put_parts(const std::string& key, const std::string& upload,
                                std::string_view bytes);
  Status complete(const std::string& key, const std::string& upload, const std::string& parts);

  const S3Options options_;
  const S3Ports ports_;
  const std::string scheme_, host_;
  Random random_;
  std::atomic<bool> cancelled_{false};
};

// The texts of all elements of one name in an answer of S3, in order; they are never nested in one another.
std::vector<std::string> xml_texts(std::string_view xml, std::string_view element);

}  // namespace paywarden
