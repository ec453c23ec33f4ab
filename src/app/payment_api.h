// The payment API on the program's HTTP server (docs/API.md, served as /openapi.json).
//
//   PaymentApi api(ports, options);
//   api.add_routes(router);
//
// Roles: intake for payments and labels, reader for decisions, admin for changes. Any thread; handlers never block: what
// reads the log runs on the workers.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "app/latency.h"
#include "base/clock.h"
#include "center/workers.h"
#include "engine/work.h"
#include "http/router.h"
#include "intake/label_parser.h"
#include "intake/payment_parser.h"
#include "intake/rejects.h"
#include "payment/decision.h"

namespace paywarden {

struct PaymentApiOptions {
  Duration deadline = milliseconds(500);
  Outcome default_outcome = Outcome::approve;
  Duration future_max = minutes(5);
  size_t label_body_bytes_max = 16 * 1024;   // one label
  bool labels_need_payment = false;          // else it may be sent along
  bool takes_payments = true;                // else there are no routes for them, and for labels
  size_t change_body_bytes_max = 64u << 20;  // a list of a million entries
};

struct PaymentApiPorts {
  PaymentIntake& intake;
  const Schema& schema;
  const Tokeniser& tokeniser;
  Clock& clock;
  RejectSink& rejects;
  Workers& workers;
  LatencyHistogram& latency;  // from a request's last byte to its answer, payments alone
  const std::atomic<bool>&
      closed;  // intake answers 503: the disk is nearly full, or the program stops
  // The decision of a payment, on the workers; empty: there is no such route.
  std::function<http::Response(const std::string& payment_id)> find_decision;
  // A bundle directory's model, kept in the library: its content hash. Empty: changes are not taken.
  std::function<Result<std::string>(const std::string& directory)> add_model;
};

class PaymentApi {
 public:
  PaymentApi(PaymentApiPorts ports, PaymentApiOptions options);
  void add_routes(http::Router& router);
  uint64_t deadlines_missed() const { return deadlines_missed_.load(std::memory_order_relaxed); }

 private:
  class Lines;
  class Batch;
  class LabelBatch;
  // Parsers are made once and lent: each has its own buffers.
  using ParserPtr = std::unique_ptr<PaymentParser>;
  ParserPtr take_parser();
  void return_parser(ParserPtr parser);
  // Fills `out`, or answers why not.
  std::optional<Rejection> parse(std::string_view body, uint64_t line, Payment& out);
  Result<Work> read_label(std::string_view body, const std::string& source);

  void add_payment_routes(http::Router& router);
  void take_payment(http::RequestPtr request, http::Reply reply);
  void take_label(http::RequestPtr request, http::Reply reply);
  void take_change(http::RequestPtr request, http::Reply reply);
  void show_decision(http::RequestPtr request, http::Reply reply);
  Result<Change> change_of(const http::Request& request) const;

  PaymentApiPorts ports_;
  PaymentApiOptions options_;
  std::string default_answer_;
  std::mutex mutex_;  // parsers_
  std::vector<ParserPtr> parsers_;
  std::atomic<uint64_t> deadlines_missed_{0};
};

}  // namespace paywarden
