// Where the keys to an S3 store come from, as AWS's own tools look for them ("Standardized credential providers", AWS SDKs and Tools
// Reference Guide): the first of these that there is,
//
//   1. AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, with AWS_SESSION_TOKEN
//   2. the shared file: AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials, profile AWS_PROFILE or "default"
//   3. the container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, with AWS_CONTAINER_AUTHORIZATION_TOKEN or _TOKEN_FILE
//   4. the machine's own role: the instance metadata service, version 2; not with AWS_EC2_METADATA_DISABLED=true
//
//   AwsCredentialChain chain({environment, files, http, clock});
//   TRY_ASSIGN(AwsCredentials keys, chain.get());   // kept, and new ones before they expire
//
// No error holds a secret. One thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "objects/aws_signature.h"
#include "objects/http_caller.h"

namespace paywarden {

struct AwsCredentialOptions {
  std::string profile = {};            // empty: AWS_PROFILE, else "default"
  Duration renew_before = minutes(5);  // AWS hands out new ones so long before the old expire
  Duration look_again = minutes(5);    // at variables and files, so that a rotated key is noticed
  std::string container_host = "http://169.254.170.2";
  std::string instance_host = "http://169.254.169.254";
};

struct AwsCredentialPorts {
  std::function<std::string(const char*)> environment;  // empty: not set
  Files& files;
  HttpCaller& http;  // reaches this machine's own addresses, so through no proxy
  Clock& clock;
};

class AwsCredentialChain {
 public:
  AwsCredentialChain(AwsCredentialPorts ports, AwsCredentialOptions options)
      : ports_(std::move(ports)), options_(std::move(options)) {}
  Result<AwsCredentials> get();
  // The store refused them: the next get() looks again.
  void forget() { kept_.reset(); }

 private:
  using Found = Result<std::optional<AwsCredentials>>;  // none: this is not where they come from
  Result<AwsCredentials> look();
  Found from_environment();
  Found from_file();
  Found from_container();
  Found from_instance();
  Result<AwsCredentials> ask(const HttpCall& call);

  const AwsCredentialPorts ports_;
  const AwsCredentialOptions options_;
  std::optional<AwsCredentials> kept_;
  EventTime look_at_;  // when they must be looked for again
};

}  // namespace paywarden
