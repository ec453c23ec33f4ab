// What a batch of input records became, to be written in one transaction with their offsets. Kept until it is known to be
// visible: an attempt that failed is made again with the same bytes.
//
//   Outcomes outcomes;
//   outcomes.add(OutcomeTopic::decisions, card_key, partition, offset, [&](std::string& out) { append_json(decision, out); });
//   for (const auto& o : outcomes.all()) produce(o.topic, outcomes.key(o), outcomes.value(o));
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "stream/reply.h"

namespace paywarden {

// Where an outcome goes. Every input record has exactly one in decisions, rejects or others; alerts repeat decisions, and replies
// tell whoever waits what became of a record. From `forward` on: the topic of a stage that comes later (forward_to).
enum class OutcomeTopic : uint8_t { decisions, rejects, others, alerts, replies, forward };
inline OutcomeTopic forward_to(size_t stage) {
  return static_cast<OutcomeTopic>(static_cast<size_t>(OutcomeTopic::forward) + stage);
}

// As an offset: a record that goes along with an outcome and is none itself (a label, on its way to several stages).
inline constexpr int64_t kNoOutcome = -1;

class Outcomes {
 public:
  struct Outcome {
    OutcomeTopic topic;
    int32_t partition;  // of the input
    int64_t offset;
    size_t begin, key_end, end, payment_end;  // in bytes_
    EventTime timestamp;                      // of the record; 0: when it is sent
    int32_t to = -1;                          // its partition; -1: by its key
  };
  // `write` appends the value; `payment` goes along as a header, a reply's ticket in its place.
  template <typename Write>
  Outcome& add(OutcomeTopic topic, std::string_view key, int32_t partition, int64_t offset,
               Write write, std::string_view payment = {}) {
    size_t begin = bytes_.size();
    bytes_ += key;
    size_t key_end = bytes_.size();
    write(bytes_);
    size_t end = bytes_.size();
    bytes_ += payment;
    return all_.emplace_back(
        Outcome{topic, partition, offset, begin, key_end, end, bytes_.size(), EventTime(), -1});
  }
  const std::vector<Outcome>& all() const { return all_; }
  std::string_view key(const Outcome& o) const { return part(o.begin, o.key_end); }
  std::string_view value(const Outcome& o) const { return part(o.key_end, o.end); }
  std::string_view payment(const Outcome& o) const { return part(o.end, o.payment_end); }

  // For whoever waits under this tag (reply.h); empty or unreadable: nobody does.
  template <typename Write>
  void add_reply(std::string_view tag, int32_t partition, Write write) {
    if (auto to = parse_reply_tag(tag))
      add(OutcomeTopic::replies, {}, partition, kNoOutcome, write, to->second).to = to->first;
  }

  // The record at `offset` has its outcomes.
  void took(int32_t partition, int64_t offset) {
    input.try_emplace(partition, offset, 0).first->second.second = offset + 1;
  }

  // The input that they are the outcome of: partition -> (first offset, offset after the last).
  std::map<int32_t, std::pair<int64_t, int64_t>> input;

  bool empty() const { return input.empty(); }
  void clear() {
    bytes_.clear();
    all_.clear();
    input.clear();
  }

 private:
  std::string_view part(size_t begin, size_t end) const {
    return std::string_view(bytes_).substr(begin, end - begin);
  }
  std::string bytes_;
  std::vector<Outcome> all_;
};

}  // namespace paywarden
