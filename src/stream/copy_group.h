// Decisions with their payments on their way into a journal: one group, as the embedded program writes it.
//
//   CopyGroup group;
//   group.begin(journal.durable_end());
//   group.add(payment_id, payment_bytes, head, json);
//   TRY(journal.append(group.records(place)));     // the place that ends it
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "log/record.h"
#include "payment/records.h"
#include "stream/topic_place.h"

namespace paywarden {

class CopyGroup {
 public:
  // `first_sequence`: of its first record, once it is written.
  void begin(uint64_t first_sequence) {
    bytes_.clear();
    pieces_.clear();
    heads_.clear();
    first_sequence_ = first_sequence;
  }
  void add(std::string_view payment_id, std::string_view payment, DecisionHead head,
           std::string_view json) {
    head.payment_sequence = first_sequence_ + pieces_.size();
    heads_.push_back(head);
    size_t from = bytes_.size();
    bytes_.append(payment);
    pieces_.push_back({RecordKind::payment, from, bytes_.size(), hash64(payment_id)});
    from = bytes_.size();
    encode_decision(head, json, bytes_);
    pieces_.push_back({RecordKind::decision, from, bytes_.size(), 0});
  }
  size_t bytes() const { return bytes_.size(); }
  const std::vector<DecisionHead>& heads() const { return heads_; }
  // What was added, and the place behind it. Valid until the next call of anything here.
  std::span<const RecordToWrite> records(const TopicPlace& place) {
    size_t end = bytes_.size();
    encode_place(place, bytes_);
    records_.clear();
    auto view = std::string_view(bytes_);
    for (const Piece& piece : pieces_)
      records_.push_back({piece.kind, view.substr(piece.from, piece.end - piece.from), piece.key});
    records_.push_back({RecordKind::place, view.substr(end), 0});
    return records_;
  }

 private:
  struct Piece {
    RecordKind kind;
    size_t from, end;  // in bytes_
    uint64_t key;
  };
  std::string bytes_;
  std::vector<Piece> pieces_;
  std::vector<DecisionHead> heads_;  // by which they are counted once they are durable
  std::vector<RecordToWrite> records_;
  uint64_t first_sequence_ = 1;
};

}  // namespace paywarden
