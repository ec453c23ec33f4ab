// Which handler answers which path, and who may ask.
//
//   Router router;
//   router.add(Method::get, "/v1/decisions/{payment_id}", "analyst", show_decision);
//   router.add_stream("/v1/payments:batch", "intake", open_batch);             // POST, answered
//   line by line router.add_events("/v1/alerts/stream", "analyst", open_alerts);            // GET,
//   server-sent events router.add_static("/app.js", kOpenToAll, {.content_type = "text/javascript",
//   .bytes = kAppJs});
//
// A pattern's segment is a literal, a {name} for one segment, or, last, a {name*} for all that
// remain. Literals win over {name}, which wins over {name*}. HEAD is answered wherever GET is; a
// known path with another method gets 405.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/events.h"
#include "http/lines.h"
#include "http/message.h"
#include "http/reply.h"

namespace paywarden::http {

// Routes with this role are answered without asking who it is.
inline constexpr std::string_view kOpenToAll = "";

// Runs on a connection's thread and must not block; longer work goes to another thread with the
// Reply. Must not throw.
using Handler = std::function<void(RequestPtr, Reply)>;

struct RouteOptions {
  size_t body_bytes_max = 0;  // 0: ServerOptions::body_bytes_max
  // What the page may load and do (W3C CSP level 3). The default suits a page made of its own
  // files.
  std::string content_security_policy =
      "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src "
      "'none'";
};

struct StaticFile {
  std::string content_type;
  std::string_view bytes;      // must outlive the server
  std::string_view gzip = {};  // the same, gzipped; sent to who accepts it
  bool immutable = false;  // its name changes with its content: cached for a year, else revalidated
};

struct Route {
  Method method;
  std::string pattern;
  std::string role;
  RouteOptions options;
  std::variant<Handler, LineHandlerFactory, EventsHandler> handler;
};

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // Before the server starts. The same method and pattern twice is a bug.
  void add(Method method, std::string_view pattern, std::string_view role, Handler handler,
           RouteOptions options = {});
  void add_stream(std::string_view pattern, std::string_view role, LineHandlerFactory factory,
                  RouteOptions options = {});
  void add_events(std::string_view pattern, std::string_view role, EventsHandler handler,
                  RouteOptions options = {});
  void add_static(std::string_view pattern, std::string_view role, StaticFile file,
                  RouteOptions options = {});

  struct Match {
    enum class Kind { found, no_path, no_method, bad_path } kind = Kind::no_path;
    const Route* route = nullptr;  // for Kind::found
    std::string allow;             // for Kind::no_method: the Allow field
  };
  // `decoded` keeps the parameters' text. Any thread.
  Match find(Method method, std::string_view path, std::string& decoded,
             std::vector<HeaderField>& params) const;

 private:
  struct Node;
  struct Search;
  void insert(Route route);
  Node& child_of(Node& node, std::string_view segment);
  std::unique_ptr<Node> root_;
};

}  // namespace paywarden::http
