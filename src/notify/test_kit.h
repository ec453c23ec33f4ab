// For tests of notify/ and center/: a log in memory, written in words, and a store in a folder of
// its own.
//
//   FakeLog log;
//   log.payment("p1", {.card = "C1", .at = seconds(3)});
//   log.decide("p1", Outcome::review);
//   TemporaryFolder folder;
//   auto store = *Store::open({.path = folder.file("center.db")});
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/digest.h"
#include "log/record.h"
#include "payment/records.h"

namespace paywarden {

class TemporaryFolder {
 public:
  // In memory where that is possible: thousands of fsyncs take seconds on a busy disk.
  enum class Where { memory, disk };
  explicit TemporaryFolder(Where where = Where::memory) {
    std::filesystem::path shm = "/dev/shm";
    bool in_memory = where == Where::memory && access(shm.c_str(), W_OK) == 0;
    std::string pattern =
        ((in_memory ? shm : std::filesystem::temp_directory_path()) / "paywarden-test-XXXXXX")
            .string();
    CHECK(mkdtemp(pattern.data()), "no temporary folder");
    path_ = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct FakePayment {
  std::string card = "C1";
  Duration at = seconds(0);  // event time behind FakeLog::kStart
  int64_t amount_minor = 1'000;
  std::string currency = "EUR";
  std::string merchant = "Corner Shop";
  bool backfilled = false;
};

class FakeLog {
 public:
  static constexpr EventTime kStart{1'592'741'698'000};  // 2020-06-21T12:14:58Z

  FakeLog() { device_ = *fields_.add("device", FieldType::text); }

  uint64_t payment(const std::string& id, const FakePayment& fake) {
    Payment p;
    p.reset(fields_.size());
    p.set_text(field::payment_id, id);
    p.set_text(field::merchant, fake.merchant);
    p.set_text(field::category, "grocery");
    p.set_text(device_, "phone \"7\"");
    p.event_time = p.receipt_time = kStart + fake.at;
    Sha256 token = sha256(fake.card);
    std::copy_n(token.begin(), p.card.bytes.size(), p.card.bytes.begin());
    p.card_masked.assign("411111******" + (fake.card + "0000").substr(0, 4));
    p.amount_minor = fake.amount_minor;
    p.currency = *Currency::parse(fake.currency);
    p.backfilled = fake.backfilled;
    std::string bytes;
    encode_payment(p, fields_, bytes);
    sequence_of_[id] = next_;
    time_of_[id] = p.event_time;
    return append(RecordKind::payment, std::move(bytes));
  }

  uint64_t decide(const std::string& id, Outcome outcome, float score = 0.75f,
                  bool observed = false) {
    Decision d;
    d.payment_id = id;
    d.event_time = time_of_.at(id);
    d.card.assign("411111******1111");
    d.score = score;
    d.observed = observed;
    d.would_be = outcome;
    d.outcome = observed ? Outcome::approve : outcome;
    d.model = "test-model";
    if (outcome != Outcome::approve) {
      d.reasons = {{"card_count_10m", 7, 1, 2.5},
                   {"amount_ratio", 3.5, 1, 0.5, "amount is 3.5 x the mean"}};
      d.rules = {"too many in ten minutes"};
    }
    std::string bytes;
    encode_decision(d, sequence_of_.at(id), bytes);
    return append(RecordKind::decision, std::move(bytes));
  }

  void both(const std::string& id, const FakePayment& fake, Outcome outcome, float score = 0.75f) {
    payment(id, fake);
    decide(id, outcome, score);
  }

  uint64_t append(RecordKind kind, std::string bytes) {
    bytes_.push_back(std::move(bytes));
    records_.push_back({next_, kind, bytes_.back(), 0});
    return next_++;
  }

  std::vector<RecordView> from(uint64_t sequence, size_t most = SIZE_MAX) const {
    std::vector<RecordView> found;
    for (const RecordView& record : records_)
      if (record.sequence >= sequence && found.size() < most) found.push_back(record);
    return found;
  }
  uint64_t end() const { return next_; }
  const FieldTable& fields() const { return fields_; }

 private:
  FieldTable fields_;
  FieldIndex device_ = 0;
  std::deque<std::string> bytes_;
  std::vector<RecordView> records_;
  std::map<std::string, uint64_t> sequence_of_;
  std::map<std::string, EventTime> time_of_;
  uint64_t next_ = 1;
};

}  // namespace paywarden
