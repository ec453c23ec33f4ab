// One client: reads a request, has it answered, writes the answer, and starts again. A state
// machine over a Wire, with one timeout at a time; everything runs on the loop's thread. Inside of
// http/ only.
//
// While a request is being answered nothing is read, so a client that sends ahead is held back by
// TCP.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/event_state.h"
#include "http/line_stream.h"
#include "http/loop.h"
#include "http/request_parser.h"
#include "http/response_writer.h"
#include "http/wire.h"

namespace paywarden::http {

class Connection final : public std::enable_shared_from_this<Connection>,
                         public ConnectionPort,
                         public WireUser,
                         private TimerEntry {
 public:
  Connection(Loop& loop, std::unique_ptr<Wire> wire, std::string peer, bool is_tls);
  ~Connection();

  void start();
  void start_refused(const Response& response);  // beyond a limit: says so, and closes
  void begin_stop();                             // finishes what is under way, then closes
  void close();                                  // now; nothing after the first time
  const std::string& peer() const { return peer_; }
  bool refused() const { return refused_; }

  void on_answer(Exchange& exchange) override;
  void on_lines_ready() override;
  void on_events_ready() override;
  void on_handshake(bool ok) override;
  void on_bytes(size_t count) override;
  void on_end() override;
  void on_written(size_t count, bool ok) override;

 private:
  enum class Mode {
    handshake,
    head,     // reading a head, or idle before its first byte
    body,     // reading a body
    discard,  // reading past a body whose request is refused
    waiting,  // for the handler's answer
    writing,  // an answer
    lines,    // a stream of lines, both ways
    events,   // server-sent events
    linger,   // an early answer was sent; reading until the client has seen it
    closed
  };
  struct RetryTimer final : TimerEntry {
    Connection* connection = nullptr;
    void expired() override {
      auto self = connection->shared_from_this();
      self->proceed();
    }
  };
  struct Lines {
    std::optional<LineSession> session;
    std::string_view piece;   // received, not yet taken
    std::string block;        // answers on their way into a chunk
    bool input_done = false;  // the body's last byte is here
    bool input_over = false;  // and all its lines are taken; or it broke off:
    bool input_failed = false;
    bool head_sent = false, blocked = false;
    RetryTimer retry;
  };

  // Reading. Each step uses input and says whether there may be more to do at once.
  void proceed();
  bool step();
  bool step_head();
  bool step_body();
  bool step_discard();
  void begin_request();
  void next_exchange();
  bool skip_blank_lines();
  void read(size_t room);
  void on_head();
  std::optional<Response> check_head();
  std::optional<Response> check_route();
  std::optional<Response> check_caller();
  void begin_body();
  void send_continue();
  bool keep_piece(std::string_view piece);
  bool charge(size_t bytes);
  size_t body_max() const;
  Response overloaded(std::string_view detail);

  // Answering.
  bool enter_flight();
  void dispatch();
  void take_answer();
  void refuse(Response response);  // the body has not been read
  void refuse_broken();            // nothing that follows can be understood
  void respond(Response response);
  void append_response(Response& response);
  HeadOptions head_options(Framing framing, size_t body_bytes);
  void flush();
  void finish_response();
  void begin_linger();
  void linger_on();

  // Streams: connection_streams.cc
  void begin_lines();
  bool step_lines();
  bool take_lines();
  bool feed_lines();
  void pump_lines();
  void finish_lines();
  void stream_head();
  void check_lines_idle();
  void begin_events();
  void pump_events();
  void ping_events();

  // Time, and the end.
  void set_timeout(Duration span);
  void clear_timeout();
  void expired() override;
  void on_timeout();
  void answer_timeout(ServerStats::Counter& counter, std::string_view detail);
  void release_counts();
  ServerStats& stats() { return loop_.shared().stats; }
  const ServerOptions& options() const { return loop_.shared().options; }
  bool stopping() const { return loop_.shared().stopping.load(std::memory_order_relaxed); }

  Loop& loop_;
  const std::unique_ptr<Wire> wire_;
  const std::string peer_;
  const bool is_tls_;
  Mode mode_ = Mode::head;
  RequestParser parser_;
  RefPtr<Exchange> exchange_;  // the request being read or answered

  bool refused_ = false;          // by start_refused()
  bool head_started_ = false;     // a byte of the head is there
  bool in_handler_ = false;       // the handler is running right now...
  bool answered_inside_ = false;  // ...and has answered
  bool close_after_ = false;      // this answer is the last
  bool linger_after_ = false;     // and the client is still sending
  bool in_flight_ = false;        // counted in requests_in_flight
  size_t charged_bytes_ = 0;      // counted in body_bytes
  int status_ = 0;                // of the answer being written
  Response refusal_;              // for Mode::discard
  std::string out_;               // to write next
  std::string long_body_;         // of the answer being written
  std::string_view tail_;         // written after out_
  std::unique_ptr<Lines> lines_;
  RefPtr<EventState> events_;
  int64_t timeout_at_ms_ = 0;
  int64_t progress_ms_ = 0;  // a stream's last byte, either way
};

}  // namespace paywarden::http
