#include "app/payment_api.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json_writer.h"
#include "http/padded_buffer.h"
#include "intake/pan.h"

namespace paywarden {
namespace {

using http::problem;
using http::Response;

constexpr std::string_view kClosed =
    "Intake is closed: the disk is nearly full or the program is stopping.";

struct Said {
  int status;
  std::string_view title;
  std::string detail;
  RejectReason reason = RejectReason::none;  // of a payment that was rejected, and the field
  std::string field = {};
};

Said describe(const Answer& answer) {
  switch (answer.kind) {
    case Answer::Kind::decided:
    case Answer::Kind::repeated:
    case Answer::Kind::label_applied:
    case Answer::Kind::changed:
      return {200, {}, {}};
    case Answer::Kind::label_waiting:
      return {202, {}, {}};
    case Answer::Kind::recorded:
      return {409, "Known from history",
              "This payment was backfilled as history and has no decision."};
    case Answer::Kind::conflict:
      return {409, "Another payment has this id",
              "The payment_id was used with another body; nothing was changed."};
    case Answer::Kind::refused:
      return {422, "Refused", answer.error ? answer.error->line() : ""};
    case Answer::Kind::failed:
      return {503, "Not durable",
              "Send the same again later: it is taken once." +
                  (answer.error ? " " + answer.error->line() : "")};
  }
  return {500, "Unknown", ""};
}

Said rejected(std::string_view line, RejectReason reason, std::string_view field) {
  return {status_of(reason), "The payment was rejected", std::string(line), reason,
          std::string(field)};
}

Said rejected(const Rejection& no) {
  return rejected(no.line(), no.reason, no.field);
}

// What the engine refuses of payments is a currency that has no rate there: told like what intake rejects. A topic's stages say a line alone.
Said describe_payment(const Answer& answer) {
  if (answer.kind != Answer::Kind::refused || !answer.error || answer.error->where.empty())
    return describe(answer);
  return rejected(answer.error->line(), RejectReason::no_rate, answer.error->where);
}

Response to_problem(const Said& said) {
  if (said.reason == RejectReason::none) return problem(said.status, said.title, said.detail);
  return problem(said.status, said.title, said.detail,
                 {{"field", said.field}, {"reason", name_of(said.reason)}});
}

std::string to_line_problem(uint64_t line, const Said& said) {
  if (said.reason == RejectReason::none)
    return http::line_problem(line, said.status, said.title, said.detail);
  return http::line_problem(line, said.status, said.title, said.detail,
                            {{"field", said.field}, {"reason", name_of(said.reason)}});
}

using Describe = Said (*)(const Answer&);

Response to_response(const Answer& answer, Describe describe) {
  Said said = describe(answer);
  if (said.status >= 300) return to_problem(said);
  if (!answer.json.empty()) return Response::json(said.status, std::string(answer.json));
  std::string_view state = answer.kind == Answer::Kind::label_waiting ? "waiting" : "applied";
  if (answer.sequence == 0)
    return Response::json(said.status, fmt::format(R"({{"state":"{}"}})", state));
  return Response::json(said.status,
                        fmt::format(R"({{"state":"{}","sequence":{}}})", state, answer.sequence));
}

std::string to_line(uint64_t line, const Answer& answer, Describe describe) {
  Said said = describe(answer);
  if (said.status >= 300) return to_line_problem(line, said);
  if (!answer.json.empty())
    return fmt::format(R"({{"line":{},"status":{},"decision":{}}})", line, said.status,
                       answer.json);
  return fmt::format(R"({{"line":{},"status":{},"state":"{}"}})", line, said.status,
                     answer.kind == Answer::Kind::label_waiting ? "waiting" : "applied");
}

class HttpReply : public ReplyTo {
 public:
  explicit HttpReply(http::Reply reply) : reply_(std::move(reply)) {}
  bool answer(const Answer& answer) override { return reply_(to_response(answer, describe)); }

 private:
  http::Reply reply_;
};

class PaymentReply : public ReplyTo {
 public:
  PaymentReply(http::Reply reply, LatencyHistogram& latency,
               std::chrono::steady_clock::time_point received)
      : reply_(std::move(reply)), latency_(latency), received_(received) {}
  bool answer(const Answer& answer) override {
    auto took = std::chrono::steady_clock::now() - received_;
    latency_.add(
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    return reply_(to_response(answer, describe_payment));
  }

 private:
  http::Reply reply_;
  LatencyHistogram& latency_;
  std::chrono::steady_clock::time_point received_;
};

class LineReplyTo : public ReplyTo {
 public:
  LineReplyTo(http::LineReply& reply, Describe describe)
      : number_(reply.number()), reply_(std::move(reply)), describe_(describe) {}
  bool answer(const Answer& answer) override {
    reply_(to_line(number_, answer, describe_));
    return true;
  }
  http::LineReply take_back() { return std::move(reply_); }

 private:
  uint64_t number_;
  http::LineReply reply_;
  Describe describe_;
};

Response unavailable(std::string_view detail) {
  return problem(503, "Not now", detail).with("Retry-After", "1");
}

}  // namespace

PaymentApi::PaymentApi(PaymentApiPorts ports, PaymentApiOptions options)
    : ports_(std::move(ports)),
      options_(options),
      default_answer_(
          fmt::format(R"({{"decided":false,"outcome":"{}"}})", name_of(options.default_outcome))) {}

PaymentApi::ParserPtr PaymentApi::take_parser() {
  std::lock_guard lock(mutex_);
  if (parsers_.empty()) {
    ParserOptions options;
    options.reject_future = true;
    options.future_max = options_.future_max;
    return std::make_unique<PaymentParser>(ports_.schema, ports_.tokeniser, options);
  }
  ParserPtr parser = std::move(parsers_.back());
  parsers_.pop_back();
  return parser;
}

void PaymentApi::return_parser(ParserPtr parser) {
  std::lock_guard lock(mutex_);
  parsers_.push_back(std::move(parser));
}

std::optional<Rejection> PaymentApi::parse(std::string_view body, uint64_t line, Payment& out) {
  ParserPtr parser = take_parser();
  auto no =
      parser->parse_json(body, ports_.clock.now(), out, nullptr, body.size() + http::kBodyPadding);
  return_parser(std::move(parser));
  if (no) ports_.rejects.add({"http", line, *no});
  return no;
}

// Labels from outside may be about payments of long ago. The payment itself may stand in one, as it was sent.
Result<Work> PaymentApi::read_label(std::string_view body, const std::string& source) {
  std::string payment_json;
  TRY_ASSIGN(Label label, parse_label(body, source, ports_.clock.now(), &payment_json));
  Work work = Work::of(std::move(label), nullptr);
  work.may_wait = true;
  if (payment_json.empty() && options_.labels_need_payment)
    return fail("is missing: a label is routed by its payment", "payment",
                "send the payment along, as it was sent");
  if (payment_json.empty()) return work;
  ParserPtr parser = take_parser();
  auto no = parser->parse_json(payment_json, ports_.clock.now(), work.payment);
  return_parser(std::move(parser));
  if (no) return fail(no->line(), "payment");
  if (work.payment.id() != work.label.payment_id) return fail("is not the payment's", "payment_id");
  work.label_has_payment = true;
  return work;
}

void PaymentApi::take_payment(http::RequestPtr request, http::Reply reply) {
  if (ports_.closed) return void(reply(unavailable(kClosed)));
  Payment payment;
  if (auto no = parse(request->body, 0, payment)) return void(reply(to_problem(rejected(*no))));
  reply.expires(options_.deadline, [this] {
    deadlines_missed_.fetch_add(1, std::memory_order_relaxed);
    return Response::json(504, default_answer_);
  });
  auto to = std::make_unique<PaymentReply>(reply, ports_.latency, request->received);
  if (!ports_.intake.submit(Work::of(std::move(payment), std::move(to))))
    reply(unavailable("More payments arrive than can be decided."));
}

// One body, a line each of the same kind, answered in their order.
class PaymentApi::Lines : public http::LineHandler {
 public:
  Lines(PaymentApi& api, Describe describe) : api_(api), describe_(describe) {}
  bool on_line(std::string_view line, http::LineReply& reply) final {
    PaymentApiPorts& ports = api_.ports_;
    if (ports.closed) {
      reply(http::line_problem(reply.number(), 503, "Not now", kClosed));
      return true;
    }
    if (ports.intake.queued() >= ports.intake.queue_limit() / 2)
      return false;  // leaves room for single ones
    tl::expected<Work, Said> work = read(line, reply.number());
    if (!work) {
      reply(to_line_problem(reply.number(), work.error()));
      return true;
    }
    work->reply = std::make_unique<LineReplyTo>(reply, describe_);
    if (ports.intake.submit(std::move(*work))) return true;
    reply = static_cast<LineReplyTo&>(*work->reply).take_back();
    return false;
  }

 protected:
  // The work of a line, or what to say of it.
  virtual tl::expected<Work, Said> read(std::string_view line, uint64_t number) = 0;
  PaymentApi& api_;

 private:
  Describe describe_;
};

class PaymentApi::Batch : public Lines {
 public:
  explicit Batch(PaymentApi& api) : Lines(api, describe_payment) {}

 private:
  tl::expected<Work, Said> read(std::string_view line, uint64_t number) override {
    Payment payment;
    if (auto no = api_.parse(line, number, payment)) return tl::unexpected(rejected(*no));
    return Work::of(std::move(payment), nullptr);
  }
};

class PaymentApi::LabelBatch : public Lines {
 public:
  LabelBatch(PaymentApi& api, std::string source)
      : Lines(api, describe), source_(std::move(source)) {}

 private:
  tl::expected<Work, Said> read(std::string_view line, uint64_t) override {
    auto label = api_.read_label(line, source_);
    if (!label) return tl::unexpected(Said{422, "The label was rejected", label.error().line()});
    return std::move(*label);
  }
  std::string source_;
};

void PaymentApi::take_label(http::RequestPtr request, http::Reply reply) {
  if (ports_.closed) return void(reply(unavailable(kClosed)));
  auto label = read_label(request->body, request->principal->name);
  if (!label) return void(reply(problem(422, "The label was rejected", label.error().line())));
  label->reply = std::make_unique<HttpReply>(reply);
  if (!ports_.intake.submit(std::move(*label))) reply(unavailable("The queue is full."));
}

Result<Change> PaymentApi::change_of(const http::Request& request) const {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(request.body.data(), request.body.size()).get(object) != simdjson::SUCCESS)
    return fail("the body is no JSON object");
  Change change;
  change.author = request.principal->name;
  change.event_time = ports_.clock.now();
  for (auto [key, value] : object) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS)
      return fail("'" + mask_pans(key.substr(0, 64)) + "' must be a text");
    if (key == "kind") {
      auto kind = change_kind_of(text);
      if (!kind || *kind == ChangeKind::guard_engaged)
        return fail("there is no change of kind '" + mask_pans(text.substr(0, 40)) + "'");
      change.kind = *kind;
    } else if (key == "name")
      change.name = text;
    else if (key == "content")
      change.content = text;
    else if (key == "reason")
      change.reason = text;
    else
      return fail("a change has kind, name, content and reason, and no '" +
                  mask_pans(key.substr(0, 40)) + "'");
  }
  if (object["kind"].error()) return fail("the change has no kind");
  if (change.kind == ChangeKind::model) {
    TRY_ASSIGN(change.content, ports_.add_model(change.content));
  }
  return change;
}

void PaymentApi::take_change(http::RequestPtr request, http::Reply reply) {
  auto job = [this, request, reply] {
    auto change = change_of(*request);
    if (!change) return void(reply(problem(422, "The change was refused", change.error().line())));
    auto to = std::make_unique<HttpReply>(reply);
    if (!ports_.intake.submit(Work::of(std::move(*change), std::move(to))))
      reply(unavailable("The queue is full."));
  };
  if (!ports_.workers.try_run(std::move(job)))
    reply(unavailable("Too many requests read the log."));
}

void PaymentApi::show_decision(http::RequestPtr request, http::Reply reply) {
  std::string id(request->param("payment_id"));
  auto job = [this, id, reply] { reply(ports_.find_decision(id)); };
  if (!ports_.workers.try_run(std::move(job)))
    reply(unavailable("Too many requests read the log."));
}

void PaymentApi::add_routes(http::Router& router) {
  using http::Method;
  using http::Reply;
  using http::RequestPtr;
  if (options_.takes_payments) add_payment_routes(router);
  if (ports_.find_decision)
    router.add(Method::get, "/v1/decisions/{payment_id}", "reader",
               [this](RequestPtr q, Reply r) { show_decision(std::move(q), std::move(r)); });
  if (ports_.add_model)
    router.add(Method::post, "/v1/changes", "admin",
               [this](RequestPtr q, Reply r) { take_change(std::move(q), std::move(r)); },
               {.body_bytes_max = options_.change_body_bytes_max});
}

void PaymentApi::add_payment_routes(http::Router& router) {
  using http::Method;
  using http::Reply;
  using http::RequestPtr;
  router.add(Method::post, "/v1/payments", "intake",
             [this](RequestPtr q, Reply r) { take_payment(std::move(q), std::move(r)); },
             {.body_bytes_max = ParserOptions{}.body_bytes_max});
  router.add_stream(
      "/v1/payments:batch", "intake",
      [this](RequestPtr) -> tl::expected<std::unique_ptr<http::LineHandler>, Response> {
        return std::make_unique<Batch>(*this);
      });
  router.add(Method::post, "/v1/labels", "intake",
             [this](RequestPtr q, Reply r) { take_label(std::move(q), std::move(r)); },
             {.body_bytes_max = options_.label_body_bytes_max});
  router.add_stream(
      "/v1/labels:batch", "intake",
      [this](RequestPtr q) -> tl::expected<std::unique_ptr<http::LineHandler>, Response> {
        return std::make_unique<LabelBatch>(*this, q->principal->name);
      });
}

}  // namespace paywarden
