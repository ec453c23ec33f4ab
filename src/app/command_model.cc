// `paywarden model promote`: another model for the running program, which goes on meanwhile.
#include <fmt/format.h>
#include <simdjson.h>

#include <filesystem>

#include "app/commands.h"
#include "app/progress.h"
#include "app/setup.h"
#include "base/json_writer.h"
#include "objects/http_caller.h"

namespace paywarden {
namespace {

// What a problem document (RFC 9457) says.
std::string detail_of(const HttpAnswer& answer) {
  simdjson::dom::parser parser;
  simdjson::dom::element body;
  std::string_view title, detail;
  if (!parser.parse(answer.body).get(body)) {
    if (body["title"].get(title)) title = "";
    if (body["detail"].get(detail)) detail = "";
  }
  return fmt::format("{} {}{}{}", answer.status, title, detail.empty() ? "" : ": ", detail);
}

}  // namespace

Status run_model_promote(const PromoteCommand& command) {
  TRY_ASSIGN(std::string key, read_secret_file(command.key_file, "the API key"));
  // The program that runs there reads the bundle: it stands on its machine, wherever it was started.
  std::string bundle = std::filesystem::absolute(command.model).lexically_normal().string();
  if (bundle.ends_with('/')) bundle.pop_back();
  std::string body;
  JsonWriter json(body);
  json.open_object().key("kind").string("model");
  json.key("name").string(std::filesystem::path(bundle).filename().string());
  json.key("content").string(bundle).key("reason").string(command.reason).close_object();
  CurlCaller http({.ca_file = command.ca_file, .timeout = minutes(1)});
  std::string url = command.url;
  while (url.ends_with('/')) url.pop_back();
  url += "/v1/changes";
  Result<HttpAnswer> called =
      http.call({.method = "POST",
                 .url = url,
                 .headers = {"Authorization: Bearer " + key, "Content-Type: application/json"},
                 .body = body});
  if (!called)
    return fail(called.error().what, url,
                "is `paywarden serve` running there? --url is its address, with the port");
  const HttpAnswer& answer = *called;
  if (answer.status < 200 || answer.status > 299)
    return fail("the model was not taken: " + detail_of(answer), url,
                answer.status == 401 || answer.status == 403 ? "the key needs the role admin" : "");
  Progress("model").say("payments are decided by " + bundle + " from now on");
  return {};
}

}  // namespace paywarden
