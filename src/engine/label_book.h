// What has been said about which payment: the last word of each label wins, a word on a payment
// that is not known yet waits for it (DESIGN 4). Pure state; bounded.
//
//   LabelChange change = book.learn(id, payment_time, is_fraud);   // what features have to add or
//   take back book.wait(id, is_fraud);                                       // the payment is
//   unknown if (auto word = book.take_waiting(id)) ...                     // it came
//
// Cost: about 64 bytes a labelled payment within `horizon`, and a waiting label; labels are rare.
// One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "base/byte_io.h"
#include "base/chunked_writer.h"
#include "base/hash.h"
#include "base/time.h"

namespace paywarden {

struct LabelChange {
  int frauds = 0;    // -1, 0 or +1
  int labelled = 0;  // 0 or +1
};

struct LabelBookOptions {
  Duration horizon = days(180);  // a label finds payments back to here (chargebacks come within 120
                                 // days; two months more)
  size_t waiting_max =
      100'000;  // labels whose payment is unknown; beyond, the one that waited longest is dropped
};

class LabelBook {
 public:
  explicit LabelBook(LabelBookOptions options) : options_(options) {}

  LabelChange learn(Hash128 id, EventTime payment_time, bool is_fraud);
  void wait(Hash128 id, bool is_fraud);
  std::optional<bool> take_waiting(Hash128 id);
  bool any_waiting() const { return !waiting_.empty(); }
  // Forgets words on payments older than the horizon. Call when the watermark has moved.
  void expire(EventTime watermark);

  size_t known() const { return known_.size(); }
  size_t waiting() const { return waiting_.size(); }
  uint64_t dropped() const { return dropped_; }
  uint64_t state_hash() const;
  void save(ChunkedWriter& out) const;
  bool load(ByteReader& in);

 private:
  struct Hasher {
    size_t operator()(Hash128 id) const { return id.low; }
  };
  struct Known {
    EventTime payment_time;
    bool is_fraud;
  };
  struct Waiting {
    bool is_fraud;
    uint64_t turn;  // the latest word's place in the queue
  };
  bool overtaken(const std::pair<Hash128, uint64_t>& queued) const;
  LabelBookOptions options_;
  std::unordered_map<Hash128, Known, Hasher> known_;
  std::unordered_map<Hash128, Waiting, Hasher> waiting_;
  std::deque<std::pair<Hash128, uint64_t>>
      queue_;  // order of waiting; entries overtaken by a later word are skipped
  uint64_t turn_ = 0, dropped_ = 0;
  EventTime expired_ = EventTime::min();
  EventTime oldest_ = EventTime::max();  // at most the oldest payment time in known_
};

}  // namespace paywarden
