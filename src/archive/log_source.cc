#include "archive/log_source.h"

#include <algorithm>
#include <optional>

#include "payment/records.h"

namespace paywarden {
namespace {

// Puts decisions and their payments together.
class Pairing {
 public:
  Pairing(const Log& log, const DecidedVisitor& visit) : log_(log), visit_(visit) {}

  bool take(const RecordView& record) {
    if (record.kind == RecordKind::payment) {
      payment_.assign(record.bytes);
      payment_sequence_ = record.sequence;
    }
    return record.kind == RecordKind::decision ? take_decision(record) : true;
  }
  const std::optional<Error>& problem() const { return problem_; }

 private:
  bool take_decision(const RecordView& record) {
    DecisionHead head;
    DecidedPayment decided{record.sequence, {}, {}};
    if (!decode_decision(record.bytes, head, decided.decision))
      return stop(record, "is no decision");
    if (head.payment_sequence != payment_sequence_ && !fetch(head.payment_sequence))
      return stop(record, "is a decision whose payment is not in the log");
    decided.payment = payment_;
    return visit_(decided);
  }

  bool fetch(uint64_t sequence) {
    auto record = log_.record(sequence);
    if (!record || record->kind != RecordKind::payment) return false;
    payment_ = std::move(record->bytes);
    payment_sequence_ = sequence;
    return true;
  }

  bool stop(const RecordView& record, const char* what) {
    problem_ = Error{what, "record " + std::to_string(record.sequence),
                     "run paywarden journal verify; was it written by a newer Paywarden?"};
    return false;
  }

  const Log& log_;
  const DecidedVisitor& visit_;
  std::string payment_;
  uint64_t payment_sequence_ = 0;
  std::optional<Error> problem_;
};

}  // namespace

Result<uint64_t> LogSource::read(uint64_t from, uint64_t to, const DecidedVisitor& visit) const {
  to = std::min(to, end());
  if (from >= to) return from;
  Pairing pairing(log_, visit);
  TRY_ASSIGN(uint64_t next, log_.read(from, [&](const RecordView& record) {
    return pairing.take(record) && record.sequence + 1 < to;
  }));
  if (pairing.problem()) return tl::unexpected(*pairing.problem());
  return next;
}

}  // namespace paywarden
