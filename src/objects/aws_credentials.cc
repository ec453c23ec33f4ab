#include "objects/aws_credentials.h"

#include <simdjson.h>

#include <algorithm>

namespace paywarden {
namespace {

constexpr const char* kHowToGive =
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write ~/.aws/credentials, or give the "
    "machine or container a role";
constexpr const char* kTokenSeconds = "21600";  // the most that the metadata service gives

std::string_view trimmed(std::string_view s) {
  auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && blank(s.back())) s.remove_suffix(1);
  return s;
}

// One profile of a file of "[name]" and "key = value" lines.
AwsCredentials profile_in(std::string_view text, std::string_view profile) {
  AwsCredentials found;
  bool inside = false;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = trimmed(text.substr(at, end - at));
    at = end + 1;
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      inside = trimmed(line.substr(1, line.find(']') - 1)) == profile;
      continue;
    }
    size_t equals = line.find('=');
    if (!inside || equals == std::string_view::npos) continue;
    std::string_view key = trimmed(line.substr(0, equals)),
                     value = trimmed(line.substr(equals + 1));
    if (key == "aws_access_key_id") found.access_key_id = value;
    if (key == "aws_secret_access_key") found.secret_access_key = value;
    if (key == "aws_session_token") found.session_token = value;
  }
  return found;
}

// What containers and instances answer.
std::optional<AwsCredentials> read_answer(const std::string& json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(simdjson::padded_string(json)).get(root) != simdjson::SUCCESS)
    return std::nullopt;
  std::string_view id, secret, token, expires;
  bool whole = root["AccessKeyId"].get(id) == simdjson::SUCCESS &&
               root["SecretAccessKey"].get(secret) == simdjson::SUCCESS;
  if (!whole) return std::nullopt;
  AwsCredentials found{std::string(id), std::string(secret), {}, {}};
  if (root["Token"].get(token) == simdjson::SUCCESS) found.session_token = token;
  if (root["Expiration"].get(expires) == simdjson::SUCCESS)
    if (auto time = parse_rfc3339(expires)) found.expires = *time;
  return found;
}

// Plain http gives secrets away but on this machine and to AWS's own addresses on it.
bool may_be_asked(const std::string& url) {
  if (url.starts_with("https://")) return true;
  for (std::string_view host :
       {"127.0.0.1", "localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"}) {
    std::string begin = "http://" + std::string(host);
    bool ends = url.size() > begin.size() && (url[begin.size()] == ':' || url[begin.size()] == '/');
    if (url.starts_with(begin) && ends) return true;
  }
  return false;
}

}  // namespace

Result<AwsCredentials> AwsCredentialChain::get() {
  EventTime now = ports_.clock.now();
  if (kept_ && now < look_at_) return *kept_;
  auto found = look();
  if (!found) {
    // Those that are there still hold for a while: the service that gives them may be back by then.
    bool hold = kept_ && kept_->expires && now < *kept_->expires;
    return hold ? Result<AwsCredentials>(*kept_) : found;
  }
  kept_ = *found;
  look_at_ = found->expires ? *found->expires - options_.renew_before : now + options_.look_again;
  return *found;
}

Result<AwsCredentials> AwsCredentialChain::look() {
  for (auto from : {&AwsCredentialChain::from_environment, &AwsCredentialChain::from_file,
                    &AwsCredentialChain::from_container, &AwsCredentialChain::from_instance}) {
    TRY_ASSIGN(std::optional<AwsCredentials> found, (this->*from)());
    if (found) return std::move(*found);
  }
  return fail("there are no credentials for the archive's store", {}, kHowToGive);
}

AwsCredentialChain::Found AwsCredentialChain::from_environment() {
  AwsCredentials found{ports_.environment("AWS_ACCESS_KEY_ID"),
                       ports_.environment("AWS_SECRET_ACCESS_KEY"),
                       ports_.environment("AWS_SESSION_TOKEN"),
                       {}};
  if (found.access_key_id.empty() != found.secret_access_key.empty())
    return fail("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together", "the environment",
                "set both or none");
  return found.access_key_id.empty() ? std::optional<AwsCredentials>() : std::optional(found);
}

AwsCredentialChain::Found AwsCredentialChain::from_file() {
  std::string path = ports_.environment("AWS_SHARED_CREDENTIALS_FILE");
  std::string home = ports_.environment("HOME");
  std::string profile = options_.profile;
  if (profile.empty()) profile = ports_.environment("AWS_PROFILE");
  bool asked_for = !path.empty() || !profile.empty();
  if (profile.empty()) profile = "default";
  if (path.empty() && !home.empty()) path = home + "/.aws/credentials";
  if (path.empty()) return std::optional<AwsCredentials>();
  TRY_ASSIGN(bool there, ports_.files.exists(path));
  AwsCredentials found;
  if (there) {
    TRY_ASSIGN(std::string text, read_whole(ports_.files, path));
    found = profile_in(text, profile);
  }
  bool whole = !found.access_key_id.empty() && !found.secret_access_key.empty();
  if (whole) return std::optional(found);
  if (!asked_for) return std::optional<AwsCredentials>();
  return fail("no aws_access_key_id and aws_secret_access_key of the profile '" + profile + "'",
              path, "write them there, or choose another file or profile");
}

AwsCredentialChain::Found AwsCredentialChain::from_container() {
  std::string relative = ports_.environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  std::string url = relative.empty() ? ports_.environment("AWS_CONTAINER_CREDENTIALS_FULL_URI")
                                     : options_.container_host + relative;
  if (url.empty()) return std::optional<AwsCredentials>();
  if (relative.empty() && !may_be_asked(url))
    return fail("AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor of this machine", url);
  std::string token = ports_.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  std::string file = ports_.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  if (!file.empty()) {
    TRY_ASSIGN(token, read_whole(ports_.files, file));
    token = trimmed(token);
  }
  HttpCall call{.url = url};
  if (!token.empty()) call.headers = {"Authorization: " + token};
  TRY_ASSIGN(AwsCredentials found, ask(call));
  return std::optional(found);
}

// Version 2: a token first, which a request that was forged through a careless server cannot get.
AwsCredentialChain::Found AwsCredentialChain::from_instance() {
  if (ports_.environment("AWS_EC2_METADATA_DISABLED") == "true")
    return std::optional<AwsCredentials>();
  HttpCall for_token{
      .method = "PUT",
      .url = options_.instance_host + "/latest/api/token",
      .headers = {std::string("X-aws-ec2-metadata-token-ttl-seconds: ") + kTokenSeconds}};
  auto token = ports_.http.call(for_token);
  if (!token || token->status != 200) return std::optional<AwsCredentials>();  // not such a machine
  std::vector<std::string> headers = {"X-aws-ec2-metadata-token: " +
                                      std::string(trimmed(token->body))};
  std::string roles = options_.instance_host + "/latest/meta-data/iam/security-credentials/";
  TRY_ASSIGN(HttpAnswer role, ports_.http.call({.url = roles, .headers = headers}));
  if (role.status == 404) return std::optional<AwsCredentials>();  // a machine without a role
  std::string_view name = trimmed(role.body);
  TRY_ASSIGN(AwsCredentials found, ask({.url = roles + std::string(name.substr(0, name.find('\n'))),
                                        .headers = headers}));
  return std::optional(found);
}

Result<AwsCredentials> AwsCredentialChain::ask(const HttpCall& call) {
  auto answer = ports_.http.call(call);
  if (!answer) return tl::unexpected(answer.error());
  auto found = answer->status == 200 ? read_answer(answer->body) : std::nullopt;
  if (!found)
    return fail("no credentials in the answer (" + std::to_string(answer->status) + ")", call.url,
                "does the container or machine still have its role?");
  return std::move(*found);
}

}  // namespace paywarden
