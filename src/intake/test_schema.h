// What the tests of this folder share: schemas from text, a tokeniser, rejects that are remembered.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "intake/payment_parser.h"
#include "intake/rejects.h"

namespace paywarden::test {

inline Result<Schema> schema_of(const std::string& text) {
  return read_schema(toml::parse(text), "test.toml");
}

inline Schema schema_file(const std::string& path) {
  Result<Schema> schema = read_schema(toml::parse_file(path), path);
  EXPECT_TRUE(schema) << schema.error().line();
  return schema ? std::move(*schema) : Schema();
}

inline Tokeniser tokeniser() {
  return *Tokeniser::create("a key of thirty-two bytes, or so", "test");
}

// A small schema with one extra field of each type.
inline const char* kSmallSchema = R"(
[schema]
name = "small"
currency = "EUR"
label = "fraud"
drop = ["street"]
field = [
  {source = "id", to = "payment_id"},
  {source = "at", to = "event_time"},
  {source = "pan", to = "card"},
  {source = "shop", to = "merchant"},
  {source = "amount"},
  {source = "currency"},
  {source = "lat", to = "latitude"},
  {source = "note", type = "text", max_bytes = 80},
  {source = "age", type = "integer", min = 0, max = 150},
  {source = "ratio", type = "number"},
  {source = "present", type = "boolean"},
  {source = "since", type = "time", format = "datetime"},
  {source = "fee", type = "amount"},
]
)";

class RememberedRejects : public RejectSink {
 public:
  struct Entry {
    std::string source;
    uint64_t line;
    Rejection rejection;
  };
  void add(const RejectedInput& input) override {
    std::lock_guard lock(mutex_);
    entries_.push_back({std::string(input.source), input.line, input.rejection});
  }
  std::vector<Entry> entries() const {
    std::lock_guard lock(mutex_);
    return entries_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

// A folder of its own, gone at the end.
class TestFolder {
 public:
  TestFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "intake-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(*this / name, std::ios::binary) << bytes;
    return *this / name;
  }

 private:
  std::string path_;
};

}  // namespace paywarden::test
