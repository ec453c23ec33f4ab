// What the journal's tests, fuzzer and benchmark share: random records, a plain list as referee, a
// throw-away directory.
//
//   Truth truth;                              // what was appended, by sequence
//   TestGroup group = random_group(random);
//   if (journal.append(group.records())) truth.add(group);
//   EXPECT_EQ(truth.compare(journal), "");    // the journal shows a prefix of the truth
#pragma once

#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "log/journal.h"

namespace paywarden::testing_journal {

struct TestRecord {
  RecordKind kind;
  std::string bytes;
  uint64_t key;
};

struct TestGroup {
  std::vector<TestRecord> items;
  std::vector<RecordToWrite> records() const {
    std::vector<RecordToWrite> out;
    for (const TestRecord& item : items) out.push_back({item.kind, item.bytes, item.key});
    return out;
  }
};

inline std::string random_text(Random& random, size_t length) {
  std::string text(length, '\0');
  for (char& c : text) c = static_cast<char>(random.next());
  return text;
}

// Keys are few, so that many records share one; some have none.
inline TestGroup random_group(Random& random, size_t records_max = 4, size_t bytes_max = 1500) {
  TestGroup group;
  for (size_t n = 1 + random.below(records_max); n > 0; --n)
    group.items.push_back({static_cast<RecordKind>(1 + random.below(5)),
                           random_text(random, random.below(bytes_max + 1)), random.below(12)});
  return group;
}

class Truth {
 public:
  void add(const TestGroup& group) {
    items_.insert(items_.end(), group.items.begin(), group.items.end());
  }
  uint64_t end() const { return items_.size() + 1; }
  void cut(uint64_t end) { items_.resize(end - 1); }
  const TestRecord& at(uint64_t sequence) const { return items_.at(sequence - 1); }

  std::vector<uint64_t> find(uint64_t key, uint64_t first, uint64_t end) const {
    std::vector<uint64_t> out;
    for (uint64_t s = end; s-- > first;)
      if (key != 0 && at(s).key == key) out.push_back(s);
    return out;
  }

  // Every record that the journal shows, and every key.
  std::string compare(const Log& log) const {
    uint64_t first = log.first_sequence(), last = log.durable_end();
    if (last > end())
      return fmt::format("shows records up to {}, only {} were written", last, end());
    std::string wrong;
    uint64_t expected = first;
    auto next = log.read(first, [&](const RecordView& record) {
      if (record.sequence != expected)
        wrong = fmt::format("{} follows {}", record.sequence, expected);
      const TestRecord& item = at(expected++);
      if (record.kind != item.kind || record.bytes != item.bytes || record.lookup_key != item.key)
        wrong = fmt::format("record {} differs", record.sequence);
      return wrong.empty();
    });
    if (!next) return next.error().line();
    if (wrong.empty() && expected != last)
      wrong = fmt::format("ends at {}, not {}", expected, last);
    for (uint64_t key = 0; key < 12 && wrong.empty(); ++key) {
      auto found = log.find(key);
      if (!found) return found.error().line();
      if (*found != find(key, first, last))
        wrong = fmt::format("finds other records for key {}", key);
    }
    return wrong;
  }

  std::string compare_one(const Log& log, uint64_t sequence) const {
    auto record = log.record(sequence);
    if (!record) return record.error().line();
    bool same = record->sequence == sequence && record->kind == at(sequence).kind &&
                record->bytes == at(sequence).bytes;
    return same ? "" : fmt::format("record({}) differs", sequence);
  }

 private:
  std::vector<TestRecord> items_;
};

// A file system in memory where there is one: a real one whose syncs cost nothing. That syncs are
// made at all, and in which order, is what recovery_test.cc holds.
inline std::string fast_directory() {
  return std::filesystem::exists("/dev/shm") ? "/dev/shm"
                                             : std::filesystem::temp_directory_path().string();
}

class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::string& parent = std::filesystem::temp_directory_path()) {
    std::string pattern = parent + "/paywarden-journal-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace paywarden::testing_journal
