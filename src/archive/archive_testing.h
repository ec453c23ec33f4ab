// What the tests of this folder share: random payments as the engine would record them, a log of them in memory, a store that fails.
//
//   TestLog log(seed);
//   log.grow(100);                     // payments with their decisions, labels and history between them
//   MemoryStore store;
//   store.fail_after(3);               // the 4th call from now on fails; half of what it puts may be there all the same
#pragma once

#include <stdlib.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "archive/log_source.h"
#include "base/check.h"
#include "base/random.h"
#include "intake/byte_stream.h"
#include "objects/object_store.h"
#include "payment/records.h"

namespace paywarden::test {

class ArchiveFolder {
 public:
  ArchiveFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "archive-XXXXXX").string();
    CHECK(mkdtemp(pattern.data()), "no temporary folder");
    path_ = pattern;
  }
  ~ArchiveFolder() { std::filesystem::remove_all(path_); }
  ArchiveFolder(const ArchiveFolder&) = delete;
  ArchiveFolder& operator=(const ArchiveFolder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// The standard fields and one of each type.
inline FieldTable test_fields() {
  FieldTable fields;
  for (auto [name, type] :
       {std::pair{"note", FieldType::text}, std::pair{"age", FieldType::integer},
        std::pair{"ratio", FieldType::number}, std::pair{"present", FieldType::boolean},
        std::pair{"since", FieldType::time}, std::pair{"fee", FieldType::amount}})
    CHECK(fields.add(name, type), "a test field");
  return fields;
}

inline std::string random_word(Random& random) {
  static const char* kWords[] = {
      "Caf\xc3\xa9 \xe2\x82\xac", "\"quoted\\\"",          "tab\tline\n\x01", "Corner Shop", "a",
      "{\"payment\":{}}",         "\xf0\x9f\x92\xb3 card", "x/y=z&w"};
  return kWords[random.below(8)] + std::to_string(random.below(1'000));
}

inline Payment random_payment(Random& random, const FieldTable& fields, const std::string& id) {
  static const char* kCurrencies[] = {"EUR", "USD", "JPY", "KWD"};
  constexpr int64_t kStart = 1'592'741'698'000;  // 2020-06-21T12:14:58Z
  Payment p;
  p.reset(fields.size());
  p.event_time = EventTime(kStart + random.between(0, hours(72).ms()));
  p.receipt_time = p.event_time + milliseconds(random.between(0, 5'000));
  for (uint8_t& byte : p.card.bytes) byte = static_cast<uint8_t>(random.next());
  p.card_masked.assign("411111******1111");
  p.amount_minor = random.chance(0.1) ? 0 : random.between(0, 1'000'000'000'000);
  p.currency = *Currency::parse(kCurrencies[random.below(4)]);
  p.set_text(field::payment_id, id);
  for (FieldIndex f = 0; f < fields.size(); ++f) {
    bool in_the_head = f == field::payment_id || f == field::event_time || f == field::card ||
                       f == field::amount || f == field::currency;
    if (in_the_head || random.chance(0.3)) continue;
    FieldType type = fields[f].type;
    bool place = f >= field::latitude && f <= field::merchant_longitude;
    if (type == FieldType::text)
      p.set_text(f, random_word(random));
    else if (type == FieldType::number)
      p.set_number(f, place ? random.unit() * 180 - 90 : (random.unit() - 0.5) * 1e9 / 3);
    else if (type == FieldType::boolean)
      p.set_integer(f, random.chance(0.5));
    else if (type == FieldType::time)
      p.set_integer(f, kStart - random.between(0, days(20'000).ms()));
    else if (type == FieldType::amount)
      p.set_integer(f, random.between(0, 100'000));
    else
      p.set_integer(f, static_cast<int64_t>(random.next()));
  }
  return p;
}

inline Decision random_decision(Random& random, const Payment& payment) {
  Decision d;
  d.payment_id = payment.id();
  d.event_time = payment.event_time;
  d.card = payment.card_masked;
  d.score = static_cast<float>(random.unit());
  d.outcome = static_cast<Outcome>(random.below(3));
  d.model = "model-1";
  if (d.outcome != Outcome::approve)
    d.reasons = {{"card_count_1h", 7, std::nan(""), 1.25},
                 {"amount \"x\"", 12.5, 3, -0.5, "\"x\" is 12.50 \xe2\x82\xac"}};
  if (random.chance(0.3)) d.rules = {"night \"owl\"", "blocked"};
  d.late = random.chance(0.1);
  if (random.chance(0.1)) d.approximate = {"card_count_30d"};
  d.guarded = random.chance(0.1);
  d.observed = random.chance(0.2);
  d.would_be = static_cast<Outcome>(random.below(3));
  return d;
}

// A log in memory that keeps all it was given.
class TestLog : public Log {
 public:
  explicit TestLog(uint64_t seed) : random_(seed), fields_(test_fields()) {}

  // So many decided payments more, with other records between them.
  void grow(size_t decisions) {
    for (size_t i = 0; i < decisions; ++i) {
      if (random_.chance(0.2)) add(RecordKind::label, "label");
      if (random_.chance(0.1)) pay(true);
      uint64_t sequence = pay(false);
      std::string bytes;
      encode_decision(random_decision(random_, payments_.at(sequence)), sequence, bytes);
      decisions_.push_back(add(RecordKind::decision, bytes));
      if (random_.chance(0.1)) add(RecordKind::change, "change");
    }
  }
  const std::vector<uint64_t>& decisions() const { return decisions_; }
  const Payment& payment(uint64_t sequence) const { return payments_.at(sequence); }
  const FieldTable& fields() const { return fields_; }
  // As `journal cut` does it.
  void cut(uint64_t end) {
    records_.resize(end - 1);
    std::erase_if(decisions_, [end](uint64_t sequence) { return sequence >= end; });
  }
  void drop(uint64_t first) { first_ = first; }

  Result<uint64_t> append(std::span<const RecordToWrite>) override { return fail("not here"); }
  bool usable() const override { return true; }
  uint64_t first_sequence() const override { return first_; }
  uint64_t durable_end() const override { return records_.size() + 1; }
  bool wait_for(uint64_t sequence, Duration) const override { return sequence < durable_end(); }
  Result<uint64_t> read(uint64_t from, const RecordVisitor& visit) const override {
    if (from < first_ || from > durable_end()) return fail("there is no such record");
    for (uint64_t at = from; at < durable_end(); ++at) {
      const Record& record = records_[at - 1];
      if (!visit({at, record.kind, record.bytes, 0})) return at + 1;
    }
    return durable_end();
  }
  Result<Record> record(uint64_t sequence) const override {
    if (sequence < first_ || sequence >= durable_end()) return fail("there is no such record");
    return records_[sequence - 1];
  }
  Result<std::vector<uint64_t>> find(uint64_t, size_t) const override { return fail("not here"); }
  Result<uint64_t> drop_before(uint64_t sequence) override { return sequence; }

 private:
  uint64_t add(RecordKind kind, const std::string& bytes) {
    records_.push_back({durable_end(), kind, bytes});
    return records_.size();
  }
  uint64_t pay(bool backfilled) {
    Payment p = random_payment(random_, fields_, "p-" + std::to_string(durable_end()));
    p.backfilled = backfilled;
    std::string bytes;
    encode_payment(p, fields_, bytes);
    uint64_t sequence = add(RecordKind::payment, bytes);
    payments_.insert_or_assign(sequence, std::move(p));
    return sequence;
  }

  Random random_;
  FieldTable fields_;
  std::deque<Record> records_;
  std::map<uint64_t, Payment> payments_;
  std::vector<uint64_t> decisions_;
  uint64_t first_ = 1;
};

// Objects in memory. What is put under one name must be the same bytes each time.
class MemoryStore : public ObjectStore {
 public:
  explicit MemoryStore(uint64_t seed = 1) : random_(seed) {}
  void fail_after(uint64_t calls) { calls_left_ = calls; }
  void work() { calls_left_ = UINT64_MAX; }

  Status put(const std::string& name, std::string_view bytes) override {
    TRY(check_object_name(name));
    ++puts_;
    auto [at, fresh] = objects_.emplace(name, bytes);
    bool cut = calls_left_ == 0;
    if (!fresh && at->second != bytes) ++overwritten_;
    if (cut && fresh && random_.chance(0.5))
      objects_.erase(at);  // the answer was lost, or the request
    if (cut) return fail("the store is away", "memory");
    --calls_left_;
    return {};
  }
  Result<std::string> get(const std::string& name) override {
    auto found = objects_.find(name);
    if (found == objects_.end()) return fail("there is no such object", name);
    return found->second;
  }
  Result<std::vector<std::string>> list(const std::string& prefix) override {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : objects_)
      if (name.starts_with(prefix)) names.push_back(name);
    return names;
  }
  Status remove(const std::string& name) override {
    objects_.erase(name);
    return {};
  }
  const std::map<std::string, std::string>& objects() const { return objects_; }
  uint64_t overwritten() const { return overwritten_; }  // with other bytes
  uint64_t puts() const { return puts_; }

 private:
  Random random_;
  std::map<std::string, std::string> objects_;
  uint64_t calls_left_ = UINT64_MAX, overwritten_ = 0, puts_ = 0;
};

inline std::string gunzipped(std::string_view bytes) {
  z_stream stream{};
  CHECK(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK, "zlib");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  int done = Z_OK;
  while (done == Z_OK) {
    char piece[16384];
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof piece;
    done = inflate(&stream, Z_NO_FLUSH);
    out.append(piece, sizeof piece - stream.avail_out);
  }
  inflateEnd(&stream);
  return done == Z_STREAM_END && stream.avail_in == 0 ? out : "damaged";
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

// {"offset":18,... -> 18
inline uint64_t offset_of(const std::string& line) {
  constexpr std::string_view kBegin = "{\"offset\":";
  return line.starts_with(kBegin) ? std::stoull(line.substr(kBegin.size())) : 0;
}

// A file whose bytes are given.
class BytesInMemory : public ByteStream {
 public:
  explicit BytesInMemory(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<size_t> read(char* out, size_t most) override {
    size_t count = std::min({most, bytes_.size() - at_, size_t{1000}});
    bytes_.copy(out, count, at_);
    at_ += count;
    return count;
  }
  uint64_t consumed() const override { return at_; }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

}  // namespace paywarden::test
