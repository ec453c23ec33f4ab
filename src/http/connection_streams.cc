// The two kinds of request that stay: streams of lines, and server-sent events.
#include "http/connection.h"

namespace paywarden::http {
namespace {

constexpr size_t kLinesRoom = 64 * 1024;  // bytes free before a read of lines

}  // namespace

void Connection::begin_lines() {
  if (!enter_flight()) return refuse(overloaded("Too many requests are under way."));
  auto made = std::get<LineHandlerFactory>(exchange_->route->handler)(
      RequestPtr(exchange_, exchange_->request));
  if (!made) return refuse(std::move(made.error()));
  LineLimits limits{options().line_bytes_max, options().lines_in_flight_max,
                    options().stream_answer_bytes_max};
  Home home{loop_.mailbox(), &loop_.wheel(), weak_from_this()};
  lines_ = std::make_unique<Lines>();
  lines_->session.emplace(std::move(*made), RefPtr<LineAnswers>(new LineAnswers(home, limits)),
                          limits);
  lines_->retry.connection = this;
  stats().line_streams_open.fetch_add(1, std::memory_order_relaxed);
  mode_ = Mode::lines;
  progress_ms_ = loop_.now_ms();
  set_timeout(options().stream_idle_timeout);
  send_continue();
}

bool Connection::step_lines() {
  if (lines_->input_failed) return false;
  bool more = take_lines() && feed_lines();
  pump_lines();
  return more && mode_ == Mode::lines;
}

// What was received goes to the handler; false when it stays, for lack of room there or in the
// answers.
bool Connection::take_lines() {
  LineSession& session = *lines_->session;
  uint64_t before = session.lines();
  LineSession::Taken taken = session.take(lines_->piece);
  if (taken == LineSession::Taken::all && lines_->input_done) taken = session.take_rest();
  stats().lines_received.fetch_add(session.lines() - before, std::memory_order_relaxed);
  lines_->blocked = taken != LineSession::Taken::all;
  if (taken == LineSession::Taken::handler_full)
    loop_.wheel().arm(lines_->retry, loop_.now_ms() + options().stream_retry.ms());
  return !lines_->blocked;
}

bool Connection::feed_lines() {
  if (lines_->input_done) {
    lines_->session->end(true);
    lines_->input_over = true;
    return false;
  }
  size_t used = 0;
  RequestParser::Step step = parser_.feed(wire_->input().view(), used);
  wire_->input().use(used);
  if (step == RequestParser::Step::piece) lines_->piece = parser_.piece();
  if (step == RequestParser::Step::done) lines_->input_done = true;
  if (step == RequestParser::Step::need_more) read(kLinesRoom);
  if (step == RequestParser::Step::bad) {
    lines_->input_failed = lines_->input_over = true;
    stats().requests_malformed.fetch_add(1, std::memory_order_relaxed);
    lines_->session->end(false);
  }
  return step == RequestParser::Step::piece || step == RequestParser::Step::done;
}

void Connection::on_lines_ready() {
  if (mode_ != Mode::lines) return;
  pump_lines();
  if (mode_ == Mode::lines && lines_->blocked) proceed();
}

// One block of answers at a time: while it is being written, the next one gathers.
void Connection::pump_lines() {
  if (wire_->writing()) return;
  LineAnswers& answers = lines_->session->answers();
  lines_->block.clear();
  answers.drain(lines_->block, options().stream_flush_bytes);
  if (!lines_->block.empty()) {
    stream_head();
    append_chunk(out_, lines_->block);
    progress_ms_ = loop_.now_ms();
    return flush();
  }
  if (lines_->input_over && answers.empty()) finish_lines();
}

// A body that broke off is told by an answer without its last chunk, or by a 400 when nothing was
// said yet.
void Connection::finish_lines() {
  if (lines_->input_failed && lines_->head_sent) return close();
  if (lines_->input_failed) {
    close_after_ = linger_after_ = true;
    return respond(parser_.refusal());
  }
  stream_head();
  out_ += kLastChunk;
  mode_ = Mode::writing;
  set_timeout(options().write_timeout);
  flush();
}

void Connection::stream_head() {
  if (std::exchange(lines_->head_sent, true)) return;
  Response response{200, "application/x-ndjson", {}, {}};
  status_ = response.status;
  stats().responses_by_class[2].fetch_add(1, std::memory_order_relaxed);
  if (stopping() || !parser_.keep_alive()) close_after_ = true;
  append_head(out_, response, head_options(Framing::chunked, 0));
}

// Only the client's idleness counts: answers that the handler still owes have no limit here.
void Connection::check_lines_idle() {
  bool waits_for_client = wire_->writing() || wire_->reading();
  int64_t idle = loop_.now_ms() - progress_ms_;
  if (!waits_for_client) return set_timeout(options().stream_idle_timeout);
  if (idle < options().stream_idle_timeout.ms())
    return set_timeout(options().stream_idle_timeout - Duration(idle));
  stats().idle_timeouts.fetch_add(1, std::memory_order_relaxed);
  lines_->session->end(false);
  close();
}

void Connection::begin_events() {
  Response response{200, "text/event-stream", {}, {}};
  if (exchange_->request.method == Method::head) return respond(std::move(response));
  if (parser_.has_body())
    return refuse(problem(400, "Bad request", "This request may have no body."));
  if (stats().event_streams_open.fetch_add(1, std::memory_order_relaxed) >=
      options().event_streams_max) {
    stats().event_streams_open.fetch_sub(1, std::memory_order_relaxed);
    return respond(overloaded("Too many event streams are open."));
  }
  status_ = response.status;
  close_after_ = true;
  Home home{loop_.mailbox(), &loop_.wheel(), weak_from_this()};
  events_ = RefPtr<EventState>(new EventState(home, options().event_buffer_bytes));
  mode_ = Mode::events;
  stats().responses_by_class[2].fetch_add(1, std::memory_order_relaxed);
  append_head(out_, response, head_options(Framing::chunked, 0));
  append_chunk(out_, "retry: " + std::to_string(options().event_reconnect.ms()) + "\n\n");
  progress_ms_ = loop_.now_ms();
  set_timeout(options().event_ping);
  flush();
  read(1);  // to notice that the page went away
  std::get<EventsHandler>(exchange_->route->handler)(RequestPtr(exchange_, exchange_->request),
                                                     EventStream(events_));
}

void Connection::on_events_ready() {
  if (mode_ == Mode::events) pump_events();
}

void Connection::pump_events() {
  EventState::State state = events_->state();
  if (state == EventState::State::overflowed) {
    stats().event_streams_dropped.fetch_add(1, std::memory_order_relaxed);
    return close();
  }
  if (wire_->writing()) return;
  std::string events;
  events_->drain(events);
  append_chunk(out_, events);
  if (state == EventState::State::closing) {
    out_ += kLastChunk;
    mode_ = Mode::writing;
    set_timeout(options().write_timeout);
  }
  flush();
}

// Written or not: a page that took nothing for write_timeout is gone.
void Connection::ping_events() {
  set_timeout(options().event_ping);
  if (wire_->writing()) {
    if (loop_.now_ms() - progress_ms_ < options().write_timeout.ms()) return;
    stats().write_timeouts.fetch_add(1, std::memory_order_relaxed);
    return close();
  }
  append_chunk(out_, ": ping\n\n");
  flush();
}

}  // namespace paywarden::http
