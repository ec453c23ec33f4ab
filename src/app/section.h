// Reads one table of the configuration file into plain variables; the first problem is kept, with file and line.
//
//   Section http(config, "http", file);
//   http.text("address", options.address);
//   http.whole("port", options.port, 0, 65535);
//   http.span("deadline", options.deadline, milliseconds(1), minutes(1));
//   TRY(http.finish());        // also refuses keys that nobody asked for
#pragma once

#include <toml++/toml.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace paywarden {

class Section {
 public:
  // `path`: "http" or "http.tls". A table that is not there reads as empty.
  Section(const toml::table& config, std::string path, std::string file);
  // One table of an array of tables.
  Section(const toml::table* table, std::string path, std::string file);

  bool has(std::string_view key) const { return table_ && table_->contains(key); }
  void text(std::string_view key, std::string& out);
  void texts(std::string_view key, std::vector<std::string>& out);
  void flag(std::string_view key, bool& out);
  void number(std::string_view key, double& out, double low, double high);
  void span(std::string_view key, Duration& out, Duration low, Duration high);
  // "64MiB", "1GiB", "2TiB", "4096"; powers of 1,024.
  void bytes(std::string_view key, uint64_t& out, uint64_t low, uint64_t high);
  void text_map(std::string_view key, std::map<std::string, std::string>& out);
  template <typename T>
  void whole(std::string_view key, T& out, int64_t low, int64_t high) {
    if (auto value = whole_number(key, low, high)) out = static_cast<T>(*value);
  }
  // One of a few words; the index of the one that is there.
  void ignore(std::string_view key) { known_.emplace(key); }  // read elsewhere
  void choice(std::string_view key, size_t& out, std::initializer_list<std::string_view> words);

  // "config/demo.toml:14"
  std::string where(std::string_view key) const;
  void problem(std::string_view key, std::string what, std::string remedy = {});
  Status finish();

 private:
  const toml::node* take(std::string_view key);
  std::optional<int64_t> whole_number(std::string_view key, int64_t low, int64_t high);
  const toml::table* table_ = nullptr;
  std::string path_, file_;
  std::set<std::string, std::less<>> known_;
  std::optional<Error> problem_;
};

}  // namespace paywarden
