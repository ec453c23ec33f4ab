#include "center/api.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>

#include "base/json_writer.h"
#include "center/api_json.h"

namespace paywarden {
namespace {

namespace dom = simdjson::dom;
using http::problem;
using http::Request;
using http::Response;

constexpr std::string_view kCookie = "paywarden_session";

Response store_failed(const Error& error) {
  return problem(503, "The store did not answer", error.what).with("Retry-After", "2");
}

Response no_content() {
  Response response;
  response.status = 204;
  return response;
}

std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// An optional number of the query within limits; false: it is there and wrong.
bool query_number(const Request& request, std::string_view name, int64_t low, int64_t high,
                  int64_t& out) {
  auto text = request.query_value(name);
  if (!text) return true;
  auto value = number(*text);
  if (!value || *value < low || *value > high) return false;
  out = *value;
  return true;
}

const Caller& caller_of(const Request& request) {
  return static_cast<const Caller&>(*request.principal);
}

bool changes_something(const Request& request) {
  return request.method != http::Method::get && request.method != http::Method::head;
}

std::string_view host_of_origin(std::string_view origin) {
  size_t at = origin.find("://");
  return at == std::string_view::npos ? std::string_view() : origin.substr(at + 3);
}

// The body's members that are strings; false: it is no JSON object.
bool string_members(std::string_view body,
                    std::initializer_list<std::pair<std::string_view, std::string*>> wanted) {
  dom::parser parser;
  dom::element root;
  if (parser.parse(body.data(), body.size()).get(root) || !root.is_object()) return false;
  for (const auto& [name, out] : wanted) {
    std::string_view text;
    if (!root[name].get(text)) *out = text;
  }
  return true;
}

Response not_json() {
  return problem(400, "The request is not JSON", "Its body must be one JSON object.");
}

Response no_alert() {
  return problem(404, "No such alert", "There is no alert with this number.");
}

std::string cookie(std::string_view token, bool is_tls, bool ends) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict{}{}", kCookie, token,
                     is_tls ? "; Secure" : "", ends ? "; Max-Age=0" : "");
}

Response answer_sign_in(const SignIn& result, bool is_tls) {
  std::string wait = std::to_string((result.retry_after.ms() + 999) / 1000);
  switch (result.outcome) {
    case SignIn::Outcome::welcome:
      return no_content().with("Set-Cookie", cookie(result.token, is_tls, false));
    case SignIn::Outcome::wrong:
      return problem(401, "Wrong user or password", "Check both and try again.");
    case SignIn::Outcome::locked:
      return problem(429, "Too many wrong passwords", "Try again in " + wait + " seconds.")
          .with("Retry-After", wait);
    case SignIn::Outcome::busy:
      return problem(503, "Too many are signing in", "Try again in a moment.")
          .with("Retry-After", wait);
    case SignIn::Outcome::failed:
      return store_failed(result.error);
  }
  return problem(500, "Internal error");
}

Response unauthorised() {
  return problem(401, "Sign in first", "This needs a session or an API key.")
      .with("WWW-Authenticate", "Bearer");
}

Response foreign_page() {
  return problem(
      403, "Not from this page",
      "What changes something needs the header X-Paywarden-Request: 1, and no foreign Origin.");
}

}  // namespace

bool is_from_our_page(const Request& request) {
  if (request.header("x-paywarden-request") != "1") return false;
  std::string_view origin = request.header("origin");
  return origin.empty() ||
         (!host_of_origin(origin).empty() && host_of_origin(origin) == request.header("host"));
}

Api::Api(Store& store, Accounts& accounts, Labelling& labelling, Live& live,
         const StatusSource& status, MaskText mask_text, Clock& clock, ApiOptions options)
    : store_(store),
      accounts_(accounts),
      labelling_(labelling),
      live_(live),
      status_(status),
      mask_text_(std::move(mask_text)),
      clock_(clock),
      options_(options) {}

tl::expected<http::PrincipalPtr, Response> Api::authorise(const Request& request,
                                                          std::string_view role) const {
  constexpr std::string_view kBearer = "Bearer ";
  std::optional<Who> who;
  std::string_view authorization = request.header("authorization");
  if (authorization.size() > kBearer.size() &&
      http::equal_ignoring_case(authorization.substr(0, kBearer.size()), kBearer))
    who = accounts_.by_key(authorization.substr(kBearer.size()));
  else if (std::string_view token = request.cookie(kCookie); !token.empty())
    who = accounts_.by_session(token);
  if (!who) return tl::unexpected(unauthorised());
  if (!who->session.empty() && changes_something(request) && !is_from_our_page(request))
    return tl::unexpected(foreign_page());
  auto need = role_of(role);
  if (!need || !allows(who->role, *need))
    return tl::unexpected(
        problem(403, "Not allowed", "This needs the role " + std::string(role) + "."));
  auto caller = std::make_shared<Caller>();
  caller->name = who->name;
  caller->role = name_of(who->role);
  caller->who = std::move(*who);
  return caller;
}

void Api::sign_in(const Request& request, Respond respond) const {
  if (!is_from_our_page(request)) return respond(foreign_page());
  std::string user, password;
  if (!string_members(request.body, {{"user", &user}, {"password", &password}}))
    return respond(not_json());
  accounts_.sign_in(user, password,
                    [respond = std::move(respond), is_tls = request.is_tls](const SignIn& result) {
                      respond(answer_sign_in(result, is_tls));
                    });
}

Response Api::sign_out(const Request& request) const {
  const std::string& session = caller_of(request).who.session;
  if (session.empty())
    return problem(400, "No session", "An API key has no session to end; revoke it instead.");
  if (auto done = accounts_.sign_out(session); !done) return store_failed(done.error());
  return no_content().with("Set-Cookie", cookie("", request.is_tls, true));
}

Response Api::me(const Request& request) const {
  std::string out;
  JsonWriter(out)
      .open_object()
      .key("user")
      .string(caller_of(request).name)
      .key("role")
      .string(caller_of(request).role)
      .close_object();
  return Response::json(200, std::move(out));
}

Response Api::alerts(const Request& request) const {
  AlertQuery query;
  int64_t limit = query.limit;
  if (auto state = request.query_value("state")) {
    query.state = alert_state_of(*state);
    if (!query.state)
      return problem(400, "Unknown state", "state is open, confirmed or dismissed.");
  }
  if (!query_number(request, "limit", 1, options_.alerts_limit_max, limit))
    return problem(400, "Bad limit",
                   fmt::format("limit is a number from 1 to {}.", options_.alerts_limit_max));
  if (!query_number(request, "before", 1, INT64_MAX, query.before))
    return problem(400, "Bad before", "before is the number of an alert.");
  query.limit = static_cast<int>(limit);
  auto page = store_.alerts(query);
  return page ? Response::json(200, json_of(*page)) : store_failed(page.error());
}

Response Api::alert_of(int64_t id) const {
  auto alert = store_.alert(id);
  if (!alert) return store_failed(alert.error());
  return *alert ? Response::json(200, json_of(**alert)) : no_alert();
}

Response Api::alert(const Request& request) const {
  auto id = number(request.param("id"));
  return id ? alert_of(*id) : no_alert();
}

void Api::give_verdict(const Request& request, Respond respond) const {
  auto id = number(request.param("id"));
  if (!id) return respond(no_alert());
  std::string verdict, note;
  if (!string_members(request.body, {{"verdict", &verdict}, {"note", &note}}))
    return respond(not_json());
  auto state = alert_state_of(verdict);
  if (!state || *state == AlertState::open)
    return respond(problem(422, "Unknown verdict", "verdict is confirmed or dismissed."));
  if (note.size() > options_.note_bytes_max)
    return respond(problem(422, "The note is too long",
                           fmt::format("Use at most {} bytes.", options_.note_bytes_max)));
  auto given =
      store_.give_verdict({*id, *state, caller_of(request).name, clock_.now(), mask_text_(note)});
  if (!given) return respond(store_failed(given.error()));
  if (!*given) return respond(no_alert());
  live_.changed({{*id}});
  if ((*given)->verdict.labels_stored) return respond(alert_of(*id));
  labelling_.label(*id,
                   [this, id = *id, respond = std::move(respond)](bool) { respond(alert_of(id)); });
}

Response Api::stats(const Request&) const {
  return Response::json(200, live_.stats_json());
}

Response Api::deliveries(const Request& request) const {
  std::optional<DeliveryState> state;
  if (auto wanted = request.query_value("state")) {
    state = delivery_state_of(*wanted);
    if (!state) return problem(400, "Unknown state", "state is waiting, delivered or dead.");
  }
  auto rows = store_.deliveries(state, options_.deliveries_max);
  return rows ? Response::json(200, json_of(*rows)) : store_failed(rows.error());
}

Response Api::retry(const Request& request) const {
  auto id = number(request.param("id"));
  auto found = id ? store_.retry(*id, clock_.now()) : Result<bool>(false);
  if (!found) return store_failed(found.error());
  return *found ? no_content()
                : problem(404, "No such dead delivery", "It does not exist, or was not given up.");
}

Response Api::status(const Request&) const {
  return Response::json(200, json_of(status_.report()));
}

}  // namespace paywarden
