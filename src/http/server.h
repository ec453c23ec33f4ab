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
  std::string address = "127.0.0.1";  // an IP address, or "localhost"; loopback unless TLS or
                                      // allow_plaintext says otherwise
  uint16_t port = 8080;               // 0: any free one (tests)
  std::optional<TlsFiles> tls;        // none: plain HTTP; with it TLS 1.2 or later only
  bool allow_plaintext = false;  // plain HTTP beyond loopback: only behind a proxy that ends TLS
  size_t threads =
      1;  // one serves 30,000 small requests/s; two or more when TLS handshakes are many

  // Connections: each costs about 10 KB while idle.
  size_t connections_max = 10'000;  // open at a time; beyond: 503 and closed
  size_t connections_per_peer_max =
      2'000;  // from one address; beyond: 429 and closed. Raise it behind a proxy
  size_t refusals_lingering_max =
      256;  // refused connections told so at a time; beyond: closed without a word
  int listen_backlog = 4096;  // connections waiting for accept; the kernel may cap it (somaxconn)

  // Requests.
  size_t head_bytes_max =
      16 * 1024;                 // request line and fields; browsers and proxies stay below 8 KiB
  size_t head_fields_max = 100;  // fields of one request
  size_t body_bytes_max = 1024 * 1024;  // one whole body, unless its route says otherwise
  size_t body_bytes_total_max =
      256 * 1024 * 1024;  // bodies kept at a time, all connections; beyond: 503
  size_t body_discard_max =
      64 * 1024;  // an unwanted body up to this is read past, so that the connection lives on
  size_t requests_in_flight_max = 4096;  // handed to handlers and not yet answered; beyond: 503
  int retry_after_seconds = 1;           // what 429 and 503 tell the client to wait

  // Streams of lines.
  size_t line_bytes_max = 64 * 1024;  // one line; beyond: the line is answered with 413
  size_t lines_in_flight_max =
      4096;  // taken and not yet answered, one stream; beyond: it is not read
  size_t stream_answer_bytes_max =
      1024 * 1024;  // answered and not yet sent, one stream; beyond: it is not read
  size_t stream_flush_bytes =
      64 * 1024;  // one block of answers; smaller ones go out whenever the socket is free
  Duration stream_retry =
      milliseconds(2);  // a line that found the handler full is offered again after this

  // Server-sent events.
  size_t event_streams_max = 256;  // open pages; beyond: 503
  size_t event_buffer_bytes =
      256 * 1024;  // waiting for one page; beyond: the page is dropped and reconnects
  Duration event_ping =
      seconds(15);  // a comment, so that proxies keep the stream and dead pages are noticed
  Duration event_reconnect = seconds(2);  // what the page waits before it reconnects

  // Time. Each is for the whole step, so a client that drips bytes gains nothing.
  Duration handshake_timeout = seconds(10);
  Duration head_timeout = seconds(10);   // first byte to end of head; beyond: 408
  Duration body_timeout = seconds(30);   // end of head to end of body; beyond: 408
  Duration write_timeout = seconds(30);  // the client takes a whole answer (a stream: one block)
  Duration idle_timeout = seconds(75);  // between requests; above the 60 s that proxies keep theirs
  Duration stream_idle_timeout = seconds(60);  // a stream of lines without a byte either way
  Duration linger_timeout =
      seconds(2);  // after an early answer: time for the client to read it before the reset
  Duration stop_grace =
      seconds(10);  // stop(): for requests in flight, then their connections are cut
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
