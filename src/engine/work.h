// What goes into the engine and what comes back.
//
//   struct HttpReply : ReplyTo { bool answer(const Answer& a) override { return reply_(render(a));
//   } }; Work work = Work::of(std::move(payment), std::make_unique<HttpReply>(...)); if
//   (!engine.submit(std::move(work))) answer_503();
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "decision/change.h"
#include "payment/label.h"
#include "payment/payment.h"

namespace paywarden {

struct Answer {
  enum class Kind : uint8_t {
    decided,        // json: the decision
    repeated,       // json: the decision given the first time
    recorded,       // history (backfill): kept, not decided
    conflict,       // the id stands for another body; json is empty
    label_applied,  // durable, its payment found
    label_waiting,  // durable, its payment unknown so far
    changed,        // durable and in force from here on
    refused,        // error: the change or payment cannot be taken, nothing was logged
    failed,         // error: the log failed; whether it was kept is known later
  };
  Kind kind;
  std::string_view json;  // valid during the call
  uint64_t sequence = 0;  // of the payment, label or change in the log
  const Error* error = nullptr;
};

// Called once, on the engine's log thread: must be quick and must not call the engine back except
// submit().
class ReplyTo {
 public:
  virtual ~ReplyTo() = default;
  // False: the caller was told the default outcome meanwhile (its deadline passed); the engine then
  // logs that.
  virtual bool answer(const Answer& answer) = 0;
};

struct Work {
  enum class Kind : uint8_t { payment, label, change };
  Kind kind = Kind::payment;
  Payment payment;
  PaymentIdentity identity;  // the engine's
  Label label;
  bool label_has_payment = false;  // `payment` is the one that the label is about
  Change change;
  bool may_wait = false;           // a label from outside: may come behind payments that follow it
  std::unique_ptr<ReplyTo> reply;  // may be null
  std::chrono::steady_clock::time_point arrived;  // set by the engine

  static Work of(Payment payment, std::unique_ptr<ReplyTo> reply) {
    Work work;
    work.payment = std::move(payment);
    work.reply = std::move(reply);
    return work;
  }
  static Work of(Label label, std::unique_ptr<ReplyTo> reply) {
    Work work;
    work.kind = Kind::label;
    work.label = std::move(label);
    work.reply = std::move(reply);
    return work;
  }
  static Work of(Change change, std::unique_ptr<ReplyTo> reply) {
    Work work;
    work.kind = Kind::change;
    work.change = std::move(change);
    work.reply = std::move(reply);
    return work;
  }
};

// Where payments, labels and changes go, however they are decided: the engine, or a topic of Kafka.
class PaymentIntake {
 public:
  virtual ~PaymentIntake() = default;
  // False: full or stopping; `work` is then untouched. Any thread.
  virtual bool submit(Work&& work) = 0;
  virtual size_t queued() const = 0;  // not answered yet
  virtual size_t queue_limit() const = 0;
};

}  // namespace paywarden
