#include "http/connection.h"

#include <limits>

#include "base/check.h"

namespace paywarden::http {
namespace {

constexpr size_t kHeadRoom =
    2 * 1024;  // bytes free at least before a read of a head; most fit 4 KiB
constexpr size_t kBodyRoom = 64 * 1024;  // ...of a long body
constexpr size_t kJoinedBodyMax =
    16 * 1024;  // a body up to this is copied behind its head: one buffer to send
constexpr int64_t kTimeoutGrainMs =
    128;  // timeouts are rounded up to it: few wheel slots, few wake-ups
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

Connection::Connection(Loop& loop, std::unique_ptr<Wire> wire, std::string peer, bool is_tls)
    : loop_(loop),
      wire_(std::move(wire)),
      peer_(std::move(peer)),
      is_tls_(is_tls),
      parser_({loop.shared().options.head_bytes_max, loop.shared().options.head_fields_max}) {}

Connection::~Connection() {
  CHECK(mode_ == Mode::closed, "a connection is destroyed open");
}

void Connection::start() {
  if (!is_tls_) {
    begin_request();
    return proceed();
  }
  mode_ = Mode::handshake;
  set_timeout(options().handshake_timeout);
  wire_->handshake(shared_from_this());
}

// No handshake: a TLS client is told by the closed connection.
void Connection::start_refused(const Response& response) {
  refused_ = true;
  if (is_tls_) return close();
  next_exchange();
  parser_.begin(*exchange_);
  close_after_ = linger_after_ = true;
  append_head(out_, response,
              {.content_security_policy = {},
               .date = loop_.date(),
               .keep_alive = false,
               .framing = Framing::length,
               .body_bytes = response.body.size()});
  out_ += response.body;
  mode_ = Mode::writing;
  set_timeout(options().linger_timeout);
  flush();
}

void Connection::on_handshake(bool ok) {
  if (mode_ == Mode::closed) return;
  if (!ok) {
    stats().handshakes_failed.fetch_add(1, std::memory_order_relaxed);
    return close();
  }
  begin_request();
  proceed();
}

void Connection::next_exchange() {
  if (exchange_ && exchange_->unique()) return exchange_->reset();
  exchange_ = RefPtr<Exchange>(new Exchange({loop_.mailbox(), &loop_.wheel(), weak_from_this()}));
}

void Connection::begin_request() {
  if (stopping()) return close();
  next_exchange();
  parser_.begin(*exchange_);
  mode_ = Mode::head;
  head_started_ = false;
  set_timeout(options().idle_timeout);
}

void Connection::proceed() {
  while (step()) {
  }
}

bool Connection::step() {
  switch (mode_) {
    case Mode::head:
      return step_head();
    case Mode::body:
      return step_body();
    case Mode::discard:
      return step_discard();
    case Mode::lines:
      return step_lines();
    case Mode::handshake:
    case Mode::waiting:
    case Mode::writing:
    case Mode::events:
    case Mode::linger:
    case Mode::closed:
      return false;
  }
  return false;
}

void Connection::read(size_t room) {
  if (!wire_->reading()) wire_->read(shared_from_this(), room);
}

// Some clients send an empty line after a body (RFC 9112 section 2.2). False: no head yet.
bool Connection::skip_blank_lines() {
  while (wire_->input().view().starts_with("\r\n")) wire_->input().use(2);
  std::string_view bytes = wire_->input().view();
  return !bytes.empty() && bytes != "\r";
}

bool Connection::step_head() {
  if (!head_started_) {
    if (!skip_blank_lines()) {
      read(kHeadRoom);
      return false;
    }
    head_started_ = true;
    exchange_->request.received = std::chrono::steady_clock::now();
    set_timeout(options().head_timeout);
  }
  size_t used = 0;
  RequestParser::Step step = parser_.feed(wire_->input().view(), used);
  wire_->input().use(used);
  if (step == RequestParser::Step::need_more) {
    read(kHeadRoom);
    return false;
  }
  if (step == RequestParser::Step::bad)
    refuse_broken();
  else
    on_head();
  return true;
}

void Connection::on_head() {
  exchange_->request.peer = peer_;
  exchange_->request.is_tls = is_tls_;
  exchange_->request.received = std::chrono::steady_clock::now();
  if (auto refusal = check_head()) return refuse(std::move(*refusal));
  const auto& handler = exchange_->route->handler;
  if (std::holds_alternative<LineHandlerFactory>(handler)) return begin_lines();
  if (std::holds_alternative<EventsHandler>(handler)) return begin_events();
  begin_body();
}

std::optional<Response> Connection::check_head() {
  if (auto refusal = check_route()) return refusal;
  if (parser_.expectation() == RequestParser::Expectation::unknown)
    return problem(417, "Expectation failed", "The only expectation understood is 100-continue.");
  if (auto refusal = check_caller()) return refusal;
  bool whole = std::holds_alternative<Handler>(exchange_->route->handler);
  if (whole && parser_.content_length().value_or(0) > body_max())
    return problem(413, "Content too large",
                   "The body may have at most " + std::to_string(body_max()) + " bytes.");
  return std::nullopt;
}

std::optional<Response> Connection::check_route() {
  using Kind = Router::Match::Kind;
  Request& request = exchange_->request;
  if (request.method == Method::other)
    return problem(501, "Not implemented", "This method is unknown here.");
  Router::Match match =
      loop_.shared().router.find(request.method, request.path, exchange_->decoded, request.params);
  switch (match.kind) {
    case Kind::found:
      exchange_->route = match.route;
      return std::nullopt;
    case Kind::no_path:
      return problem(404, "Not found", "There is nothing at this path.");
    case Kind::no_method:
      return problem(405, "Method not allowed", "Allowed here: " + match.allow)
          .with("Allow", match.allow);
    case Kind::bad_path:
      return problem(400, "Bad path",
                     "The path has a broken escape, a control character, or dots.");
  }
  return std::nullopt;
}

std::optional<Response> Connection::check_caller() {
  if (exchange_->route->role == kOpenToAll) return std::nullopt;
  auto who = loop_.shared().ports.authorise(exchange_->request, exchange_->route->role);
  if (!who) return std::move(who.error());
  exchange_->request.principal = std::move(*who);
  return std::nullopt;
}

size_t Connection::body_max() const {
  size_t own = exchange_->route ? exchange_->route->options.body_bytes_max : 0;
  return own ? own : options().body_bytes_max;
}

void Connection::begin_body() {
  if (!charge(parser_.content_length().value_or(0)))
    return refuse(overloaded("Too many bodies are under way."));
  exchange_->body.reserve(parser_.content_length().value_or(0));
  mode_ = Mode::body;
  if (!parser_.has_body()) return;
  set_timeout(options().body_timeout);
  send_continue();
}

void Connection::send_continue() {
  if (parser_.expectation() != RequestParser::Expectation::continue_100 ||
      !wire_->input().view().empty())
    return;
  out_ += kContinue;
  flush();
}

bool Connection::charge(size_t bytes) {
  std::atomic<size_t>& total = loop_.shared().body_bytes;
  if (bytes == 0) return true;
  charged_bytes_ += bytes;
  return total.fetch_add(bytes, std::memory_order_relaxed) + bytes <=
         options().body_bytes_total_max;
}

Response Connection::overloaded(std::string_view detail) {
  stats().requests_overloaded.fetch_add(1, std::memory_order_relaxed);
  return problem(503, "Overloaded", detail)
      .with("Retry-After", std::to_string(options().retry_after_seconds));
}

bool Connection::step_body() {
  size_t used = 0;
  RequestParser::Step step = parser_.feed(wire_->input().view(), used);
  wire_->input().use(used);
  switch (step) {
    case RequestParser::Step::need_more:
      read(parser_.content_length().value_or(kBodyRoom) > kHeadRoom ? kBodyRoom : kHeadRoom);
      return false;
    case RequestParser::Step::piece:
      return keep_piece(parser_.piece());
    case RequestParser::Step::done:
      dispatch();
      return true;
    case RequestParser::Step::head:
    case RequestParser::Step::bad:
      refuse_broken();
      return true;
  }
  return false;
}

bool Connection::keep_piece(std::string_view piece) {
  PaddedBuffer& body = exchange_->body;
  bool chunked = !parser_.content_length();
  if (chunked && body.size() + piece.size() > body_max())
    refuse(problem(413, "Content too large",
                   "The body may have at most " + std::to_string(body_max()) + " bytes."));
  else if (chunked && !charge(piece.size()))
    refuse(overloaded("Too many bodies are under way."));
  else
    body.append(piece);
  return true;
}

bool Connection::step_discard() {
  size_t used = 0;
  RequestParser::Step step = parser_.feed(wire_->input().view(), used);
  wire_->input().use(used);
  if (step == RequestParser::Step::need_more) read(kBodyRoom);
  if (step == RequestParser::Step::bad) close_after_ = linger_after_ = true;
  if (step == RequestParser::Step::bad || step == RequestParser::Step::done)
    respond(std::move(refusal_));
  return step == RequestParser::Step::piece;
}

bool Connection::enter_flight() {
  in_flight_ = true;
  return stats().requests_in_flight.fetch_add(1, std::memory_order_relaxed) <
         options().requests_in_flight_max;
}

void Connection::dispatch() {
  if (!enter_flight()) return respond(overloaded("Too many requests are under way."));
  mode_ = Mode::waiting;
  clear_timeout();
  exchange_->request.body = exchange_->body.view();
  exchange_->request.received = std::chrono::steady_clock::now();
  in_handler_ = true;
  answered_inside_ = false;
  std::get<Handler>(exchange_->route->handler)(RequestPtr(exchange_, exchange_->request),
                                               Reply(exchange_));
  in_handler_ = false;
  if (answered_inside_) take_answer();
}

void Connection::on_answer(Exchange& exchange) {
  if (&exchange != exchange_.get() || mode_ != Mode::waiting) return;
  answered_inside_ = true;
  if (!in_handler_) take_answer();
}

void Connection::take_answer() {
  if (exchange_->was_late()) stats().deadlines_missed.fetch_add(1, std::memory_order_relaxed);
  if (exchange_->was_dropped()) {
    stats().replies_dropped.fetch_add(1, std::memory_order_relaxed);
    loop_.shared().ports.log.write(LogLevel::error, "reply_dropped",
                                   {{"route", exchange_->route->pattern}});
  }
  respond(exchange_->take_response());
}

// Reads past a short body, so that the connection can be used again; else says no and closes.
void Connection::refuse(Response response) {
  bool waits = parser_.expectation() == RequestParser::Expectation::continue_100;
  bool fits = parser_.content_length() && *parser_.content_length() <= options().body_discard_max;
  if (!parser_.has_body()) return respond(std::move(response));
  if (waits || !fits) {
    close_after_ = linger_after_ = true;
    return respond(std::move(response));
  }
  refusal_ = std::move(response);
  mode_ = Mode::discard;
  set_timeout(options().body_timeout);
}

void Connection::refuse_broken() {
  stats().requests_malformed.fetch_add(1, std::memory_order_relaxed);
  close_after_ = linger_after_ = true;
  respond(parser_.refusal());
}

HeadOptions Connection::head_options(Framing framing, size_t body_bytes) {
  static const RouteOptions kDefaults;
  const RouteOptions& route = exchange_->route ? exchange_->route->options : kDefaults;
  return {.content_security_policy = route.content_security_policy,
          .date = loop_.date(),
          .keep_alive = !close_after_,
          .framing = framing,
          .body_bytes = body_bytes};
}

void Connection::respond(Response response) {
  if (!is_sendable(response)) {
    loop_.shared().ports.log.write(LogLevel::error, "response_refused",
                                   {{"route", exchange_->route ? exchange_->route->pattern : ""},
                                    {"status", std::to_string(response.status)}});
    response = problem(500, "Internal error", "The answer had a field that cannot be sent.");
  }
  status_ = response.status;
  stats().responses_by_class[status_ / 100].fetch_add(1, std::memory_order_relaxed);
  if (close_after_ || stopping() || !parser_.keep_alive()) close_after_ = true;
  append_response(response);
  mode_ = Mode::writing;
  set_timeout(options().write_timeout);
  flush();
}

void Connection::append_response(Response& response) {
  std::string_view body = response.fixed_body.empty() ? response.body : response.fixed_body;
  append_head(out_, response, head_options(Framing::length, body.size()));
  if (exchange_->request.method == Method::head || status_ == 204 || status_ == 304) return;
  if (body.size() <= kJoinedBodyMax) {
    out_ += body;
    return;
  }
  long_body_ = std::move(response.body);
  tail_ = response.fixed_body.empty() ? long_body_ : response.fixed_body;
}

void Connection::flush() {
  if (wire_->writing() || (out_.empty() && tail_.empty())) return;
  wire_->write(shared_from_this(), out_, std::exchange(tail_, {}));
}

void Connection::on_written(size_t count, bool ok) {
  stats().bytes_sent.fetch_add(count, std::memory_order_relaxed);
  if (mode_ == Mode::closed) return;
  if (!ok) return close();
  progress_ms_ = loop_.now_ms();
  if (!out_.empty() || !tail_.empty()) return flush();
  if (mode_ == Mode::writing) return finish_response();
  if (mode_ == Mode::lines) return on_lines_ready();
  if (mode_ == Mode::events) pump_events();
}

void Connection::finish_response() {
  const ServerPorts& ports = loop_.shared().ports;
  auto took = std::chrono::steady_clock::now() - exchange_->request.received;
  if (ports.observe && exchange_->request.received.time_since_epoch().count() != 0)
    ports.observe(exchange_->route ? exchange_->route->pattern : "", status_, took);
  release_counts();
  long_body_ = {};
  if (linger_after_) return begin_linger();
  if (close_after_) return close();
  begin_request();
  proceed();
}

// Closing while the client still sends would reset the connection and could take the answer back
// out of its hands.
void Connection::begin_linger() {
  mode_ = Mode::linger;
  wire_->shutdown_send();
  set_timeout(options().linger_timeout);
  linger_on();
}

void Connection::linger_on() {
  wire_->input().use(wire_->input().view().size());
  read(kHeadRoom);
}

void Connection::on_bytes(size_t count) {
  stats().bytes_received.fetch_add(count, std::memory_order_relaxed);
  progress_ms_ = loop_.now_ms();
  if (mode_ == Mode::linger) return linger_on();
  if (mode_ == Mode::events) return close();  // nobody talks while listening
  proceed();
}

void Connection::on_end() {
  if (lines_) lines_->session->end(false);
  close();
}

void Connection::begin_stop() {
  if (mode_ == Mode::events) return events_->close(EventState::State::closing);
  bool idle =
      (mode_ == Mode::head && !head_started_) || mode_ == Mode::linger || mode_ == Mode::handshake;
  if (idle) close();
}

void Connection::release_counts() {
  if (std::exchange(in_flight_, false))
    stats().requests_in_flight.fetch_sub(1, std::memory_order_relaxed);
  if (charged_bytes_)
    loop_.shared().body_bytes.fetch_sub(charged_bytes_, std::memory_order_relaxed);
  charged_bytes_ = 0;
  if (lines_) {
    loop_.wheel().disarm(lines_->retry);
    lines_->session->answers().abandon();
    stats().line_streams_open.fetch_sub(1, std::memory_order_relaxed);
    lines_.reset();
  }
  if (events_) {
    events_->close(EventState::State::closed);
    stats().event_streams_open.fetch_sub(1, std::memory_order_relaxed);
    events_.reset();
  }
}

void Connection::close() {
  if (mode_ == Mode::closed) return;
  auto self = shared_from_this();
  mode_ = Mode::closed;
  loop_.wheel().disarm(*this);
  release_counts();
  wire_->close();
  loop_.closed(*this);
}

void Connection::set_timeout(Duration span) {
  timeout_at_ms_ = loop_.now_ms() + span.ms();
  int64_t due = (timeout_at_ms_ + kTimeoutGrainMs - 1) / kTimeoutGrainMs * kTimeoutGrainMs;
  if (!armed() || due_ms() > due) loop_.wheel().arm(*this, due);
}

// The wheel's entry stays where it is: most timeouts never come, and moving them costs.
void Connection::clear_timeout() {
  timeout_at_ms_ = kNever;
}

void Connection::expired() {
  auto self = shared_from_this();
  if (timeout_at_ms_ == kNever) return;
  int64_t now = loop_.now_ms();
  if (now >= timeout_at_ms_) return on_timeout();
  set_timeout(Duration(timeout_at_ms_ - now));
}

void Connection::on_timeout() {
  auto count = [](ServerStats::Counter& counter) {
    counter.fetch_add(1, std::memory_order_relaxed);
  };
  switch (mode_) {
    case Mode::head:
      if (head_started_)
        return answer_timeout(stats().head_timeouts, "The head did not arrive in time.");
      count(stats().idle_timeouts);
      return close();
    case Mode::body:
    case Mode::discard:
      return answer_timeout(stats().body_timeouts, "The body did not arrive in time.");
    case Mode::handshake:
      count(stats().handshakes_failed);
      return close();
    case Mode::writing:
      count(stats().write_timeouts);
      return close();
    case Mode::lines:
      return check_lines_idle();
    case Mode::events:
      return ping_events();
    case Mode::waiting:
    case Mode::closed:
      return;
    case Mode::linger:
      return close();
  }
}

void Connection::answer_timeout(ServerStats::Counter& counter, std::string_view detail) {
  counter.fetch_add(1, std::memory_order_relaxed);
  close_after_ = linger_after_ = true;
  respond(problem(408, "Request timeout", detail));
}

}  // namespace paywarden::http
