// The HTTP/1.1 server: limits, deadlines, streams, TLS. It knows nothing of payments.
//
//   Router router;
//   router.add(Method::post, "/v1/payments", "intake", take_payment);
//   TRY_ASSIGN(auto server, Server::create(options, std::move(router), {clock, log, authorise,
//   observe})); TRY(server->start());        // binds and listens; server->port() is known from
//   here
//   ...
//   server->stop();              // lets requests in flight finish; late replies find nobody, and
//   that is fine
//
// Handlers run on the server's own threads (ServerOptions::threads) and must not block.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/operator_log.h"
#include "base/result.h"
#include "http/router.h"

namespace paywarden::http {

struct TlsFiles {
  std::string certificate_file;  // PEM, the server's certificate first, then its chain
  std::string key_file;          // PEM, without passphrase
};

struct ServerOptions {
  std::string address = "127.0.0.1";  // an IP address, or "localhost"
  uint16_t port = 8080;               // 0: any free one (tests)
  std::optional<TlsFiles> tls;        // none: plain HTTP; with it TLS 1.2 or later only
  bool allow_plaintext = false;  // plain HTTP beyond loopback: only behind a proxy that ends TLS
  size_t threads = 1;            // one serves 25,000 small requests/s; TLS handshakes want more

  // Connections: each costs about 10 KB while idle. Beyond a limit the answer is 503 (429 where one
  // address has too many), and the connection is closed.
  size_t connections_max = 10'000;
  size_t connections_per_peer_max = 2'000;  // from one address; raise it behind a proxy
  size_t refusals_lingering_max = 256;      // told why at a time; beyond: closed without a word
  int listen_backlog = 4096;                // waiting for accept; somaxconn may cap it

  // Requests.
  size_t head_bytes_max = 16 * 1024;    // line and fields; browsers stay below 8 KiB. 431, or 414
  size_t head_fields_max = 100;         // 431
  size_t body_bytes_max = 1024 * 1024;  // one whole body, unless its route says otherwise. 413
  size_t body_bytes_total_max = 256 * 1024 * 1024;  // held at a time, all connections. 503
  size_t body_discard_max = 64 * 1024;   // a refused body up to this is read past; beyond: closed
  size_t requests_in_flight_max = 4096;  // with handlers, not yet answered. 503
  int retry_after_seconds = 1;           // what 429 and 503 tell the client to wait

  // Streams of lines. At the limits of one stream it is not read on, so the client waits.
  size_t line_bytes_max = 64 * 1024;             // beyond: the line alone is answered with 413
  size_t lines_in_flight_max = 4096;             // taken, not yet answered
  size_t stream_answer_bytes_max = 1024 * 1024;  // answered, not yet sent
  size_t stream_flush_bytes = 64 * 1024;         // most in one block; less goes out when it can
  Duration stream_retry = milliseconds(2);       // until a full handler is asked again
  Duration stream_idle_timeout = seconds(60);    // without a byte either way; beyond: closed

  // Server-sent events.
  size_t event_streams_max = 256;          // open pages; beyond: 503
  size_t event_buffer_bytes = 256 * 1024;  // waiting for one page; beyond: it is dropped
  Duration event_ping = seconds(15);       // keeps proxies patient, and finds dead pages
  Duration event_reconnect = seconds(2);   // what a page waits before it reconnects

  // Time for a whole step, so a client that drips bytes gains nothing.
  Duration handshake_timeout = seconds(10);
  Duration head_timeout = seconds(10);   // first byte to end of head; beyond: 408
  Duration body_timeout = seconds(30);   // end of head to end of body; beyond: 408
  Duration write_timeout = seconds(30);  // the client takes a whole answer; beyond: closed
  Duration idle_timeout = seconds(75);   // between requests; above the 60 s usual for proxies
  Duration linger_timeout = seconds(2);  // to read an early answer, before the connection goes
  Duration stop_grace = seconds(10);     // stop(): for what is in flight; then it is cut
};

// Counters since start, and gauges (named *_open, *_in_flight). Any thread reads; relaxed.
struct ServerStats {
  using Counter = std::atomic<uint64_t>;
  Counter connections_accepted{0}, connections_open{0};
  Counter connections_refused{0};  // beyond a connection limit
  Counter handshakes_failed{0};
  Counter requests_in_flight{0};
  Counter responses_by_class[6]{};  // [2] is 2xx; [0] unused
  Counter bytes_received{0}, bytes_sent{0};
  Counter requests_malformed{0};   // 400, 414, 431, 501, 505 by the parser
  Counter requests_overloaded{0};  // 503: too many in flight, or too many body bytes
  Counter head_timeouts{0}, body_timeouts{0}, write_timeouts{0}, idle_timeouts{0};
  Counter deadlines_missed{0};  // answered by a Reply's fallback
  Counter replies_dropped{0};   // answered 500 for lack of an answer
  Counter line_streams_open{0}, lines_received{0};
  Counter event_streams_open{0}, event_streams_dropped{0};  // dropped: too slow
};

// Who sends this request, or the refusal (401 with WWW-Authenticate, 403). Called on a server
// thread once the head is there, for every route with a role; must not block.
using Authorise =
    std::function<tl::expected<PrincipalPtr, Response>(const Request&, std::string_view role)>;

// After each answer left (whole, for streams): the route's pattern ("" when none), the status, and
// the time from the request's last byte (a stream: its head) to then. On a server thread.
using Observe =
    std::function<void(std::string_view pattern, int status, std::chrono::nanoseconds took)>;

struct ServerPorts {
  Clock& clock;  // for the Date field alone
  OperatorLog& log;
  Authorise authorise;  // required when a route has a role
  Observe observe;      // may be empty
};

class Server {
 public:
  // Checks the options and reads the TLS files.
  static Result<std::unique_ptr<Server>> create(ServerOptions options, Router router,
                                                ServerPorts ports);
  ~Server();  // stops

  Status start();  // once
  void
  stop();  // returns when all connections are closed and threads have ended; not from a handler
  Status reload_tls();  // reads the files again for new connections; on failure the old ones stay.
                        // Any thread
  uint16_t port() const;
  std::string url() const;  // "https://127.0.0.1:8443"
  const ServerStats& stats() const;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace paywarden::http
