// A table in pandas' `split` orientation, as payments APIs built on it answer, taken apart without
// touching a number:
// {"columns": ["amt", ...], "index": [...], "data": [[4.97, ...], ...]}, or all that once more as
// one JSON string.
//
//   SplitTable table(4 << 20);
//   if (Status status = table.read(body); !status) ...
//   table.columns()                                              // names
//   for (size_t i = 0; i < table.row_count(); ++i) use(table.row(i));
//
// Names and rows are valid until the next read() or wipe(). One object, one thread.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "intake/convert.h"

namespace paywarden {

class SplitTable {
 public:
  explicit SplitTable(size_t body_bytes_max);
  ~SplitTable();

  // Members in any order; others than columns and data are passed over.
  Status read(std::string_view body);
  const std::vector<std::string_view>& columns() const { return columns_; }
  size_t row_count() const { return row_ends_.size(); }
  std::span<const RawValue> row(size_t i) const;
  void wipe();  // card numbers may be in it

 private:
  class Reader;
  std::unique_ptr<Reader> reader_;
  std::vector<std::string_view> columns_;
  std::vector<RawValue> values_;  // row by row
  std::vector<size_t> row_ends_;
};

}  // namespace paywarden
