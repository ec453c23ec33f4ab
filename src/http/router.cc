#include "http/router.h"

#include <algorithm>

#include "base/check.h"
#include "base/digest.h"
#include "http/target.h"

namespace paywarden::http {

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> any;       // {name}
  std::unique_ptr<Node> rest;      // {name*}
  std::vector<Route> routes;       // one a method
  std::vector<std::string> names;  // of the parameters on the way here
};

namespace {

constexpr size_t kSegmentsMax = 32;  // no pattern comes near

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  for (;;) {
    path.remove_prefix(1);
    size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
    if (path.empty()) return segments;
  }
}

bool is_parameter(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}
bool is_rest(std::string_view segment) {
  return is_parameter(segment) && segment.ends_with("*}");
}

std::string parameter_name(std::string_view segment) {
  return std::string(segment.substr(1, segment.size() - (is_rest(segment) ? 3 : 2)));
}

bool accepts(std::string_view list, std::string_view coding) {
  while (!list.empty()) {
    size_t end = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    std::string_view name = item.substr(0, item.find_first_of("; "));
    if (equal_ignoring_case(name, coding))
      return item.find("q=0") == std::string_view::npos ||
             item.find("q=0.") != std::string_view::npos;
  }
  return false;
}

void answer_static(const StaticFile& file, const std::string& etag, const Request& request,
                   const Reply& reply) {
  bool gzip = !file.gzip.empty() && accepts(request.header("accept-encoding"), "gzip");
  std::string tag = gzip ? etag.substr(0, etag.size() - 1) + "-gz\"" : etag;
  Response response;
  response.headers = {
      {"ETag", tag},
      {"Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache"}};
  if (!file.gzip.empty()) response.headers.emplace_back("Vary", "Accept-Encoding");
  std::string_view known = request.header("if-none-match");
  if (known == "*" || known.find(tag) != std::string_view::npos) {
    response.status = 304;
  } else {
    response.content_type = file.content_type;
    response.fixed_body = gzip ? file.gzip : file.bytes;
    if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  }
  reply(std::move(response));
}

}  // namespace

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(Method method, std::string_view pattern, std::string_view role, Handler handler,
                 RouteOptions options) {
  insert({method, std::string(pattern), std::string(role), std::move(options), std::move(handler)});
}

void Router::add_stream(std::string_view pattern, std::string_view role, LineHandlerFactory factory,
                        RouteOptions options) {
  insert({Method::post, std::string(pattern), std::string(role), std::move(options),
          std::move(factory)});
}

void Router::add_events(std::string_view pattern, std::string_view role, EventsHandler handler,
                        RouteOptions options) {
  insert({Method::get, std::string(pattern), std::string(role), std::move(options),
          std::move(handler)});
}

void Router::add_static(std::string_view pattern, std::string_view role, StaticFile file,
                        RouteOptions options) {
  std::string etag = '"' + sha256_hex(file.bytes).substr(0, 32) + '"';
  add(
      Method::get, pattern, role,
      [file = std::move(file), etag](RequestPtr request, Reply reply) {
        answer_static(file, etag, *request, reply);
      },
      std::move(options));
}

void Router::insert(Route route) {
  CHECK(route.pattern.starts_with('/'), "a route's pattern begins with '/'");
  std::vector<std::string_view> segments = split_path(route.pattern);
  CHECK(segments.size() <= kSegmentsMax, "a route's pattern is too deep");
  Node* node = root_.get();
  std::vector<std::string> names;
  for (size_t i = 0; i < segments.size(); ++i) {
    CHECK(!is_rest(segments[i]) || i + 1 == segments.size(), "{name*} must be the last segment");
    if (is_parameter(segments[i])) names.push_back(parameter_name(segments[i]));
    node = &child_of(*node, segments[i]);
  }
  for (const Route& other : node->routes)
    CHECK(other.method != route.method, "two handlers for one route");
  CHECK(node->routes.empty() || node->names == names, "one pattern with two sets of names");
  node->names = std::move(names);
  node->routes.push_back(std::move(route));
}

Router::Node& Router::child_of(Node& node, std::string_view segment) {
  std::unique_ptr<Node>& child = is_rest(segment)        ? node.rest
                                 : is_parameter(segment) ? node.any
                                                         : node.literals[std::string(segment)];
  if (!child) child = std::make_unique<Node>();
  return *child;
}

// The path's segments, and where the values of parameters were found on the way down.
struct Router::Search {
  std::string_view segments[kSegmentsMax];  // decoded
  size_t count = 0;
  std::string_view values[kSegmentsMax];
  size_t values_count = 0;
  std::string_view path;
  const char* raw[kSegmentsMax];  // where each begins in the path, as sent

  bool split(std::string_view whole, std::string& decoded);
  const Node* descend(const Node& node, size_t at);
  const Node* through_any(const Node& node, size_t at);
  const Node* through_rest(const Node& node, size_t at);
};

// False for what no client sends in good faith: broken escapes, control characters, "." and ".."
// segments, a path deeper than any pattern.
bool Router::Search::split(std::string_view whole, std::string& decoded) {
  path = whole;
  decoded.reserve(decoded.size() + whole.size());  // so that views into it stay
  for (std::string_view left = whole; !left.empty();) {
    left.remove_prefix(1);
    size_t end = std::min(left.find('/'), left.size());
    std::string_view segment = left.substr(0, end);
    const char* start = segment.data();
    if (segment.find('%') != std::string_view::npos) {
      size_t from = decoded.size();
      if (!decode_segment(segment, decoded)) return false;
      segment = std::string_view(decoded).substr(from);
    }
    if (segment == "." || segment == "..") return false;
    if (count == kSegmentsMax) return false;
    raw[count] = start;
    segments[count++] = segment;
    left.remove_prefix(end);
  }
  return true;
}

const Router::Node* Router::Search::descend(const Node& node, size_t at) {
  if (at == count) return node.routes.empty() ? nullptr : &node;
  if (auto literal = node.literals.find(segments[at]); literal != node.literals.end())
    if (const Node* found = descend(*literal->second, at + 1)) return found;
  if (const Node* found = through_any(node, at)) return found;
  return through_rest(node, at);
}

const Router::Node* Router::Search::through_any(const Node& node, size_t at) {
  if (!node.any || segments[at].empty()) return nullptr;
  values[values_count++] = segments[at];
  if (const Node* found = descend(*node.any, at + 1)) return found;
  --values_count;
  return nullptr;
}

const Router::Node* Router::Search::through_rest(const Node& node, size_t at) {
  if (!node.rest) return nullptr;
  const char* end = path.data() + path.size();
  values[values_count++] = std::string_view(raw[at], static_cast<size_t>(end - raw[at]));
  return node.rest.get();
}

namespace {

std::string allow_field(const std::vector<Route>& routes) {
  std::string allow;
  for (const Route& route : routes) {
    allow.append(allow.empty() ? "" : ", ").append(to_string(route.method));
    if (route.method == Method::get) allow += ", HEAD";
  }
  return allow;
}

}  // namespace

Router::Match Router::find(Method method, std::string_view path, std::string& decoded,
                           std::vector<HeaderField>& params) const {
  Search search;
  if (!search.split(path, decoded)) return {Match::Kind::bad_path, nullptr, {}};
  const Node* node = search.descend(*root_, 0);
  if (!node) return {};
  Method wanted = method == Method::head ? Method::get : method;
  for (const Route& route : node->routes) {
    if (route.method != wanted) continue;
    for (size_t i = 0; i < search.values_count; ++i)
      params.push_back({node->names[i], search.values[i]});
    return {Match::Kind::found, &route, {}};
  }
  return {Match::Kind::no_method, nullptr, allow_field(node->routes)};
}

}  // namespace paywarden::http
