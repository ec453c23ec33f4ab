// One record of a CSV file (RFC 4180) taken apart: quotes, doubled quotes, line ends within quotes,
// LF or CRLF.
//
//   std::vector<RawValue> values;
//   std::string unquoted;                        // where values lie that had doubled quotes
//   CsvScan scan = scan_csv(text, true, values, unquoted);
//   // scan.status == CsvStatus::record; scan.length bytes were used; values.size() fields
//
// A quote opens a quoted value only as the value's first character; elsewhere it is a character
// like any other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "intake/convert.h"

namespace paywarden {

enum class CsvStatus : uint8_t {
  record,
  unfinished,  // the text ends within the record
  broken,      // text behind a closing quote
};

struct CsvScan {
  CsvStatus status = CsvStatus::record;
  size_t length = 0;  // of the record with its line end; of no meaning unless `record`
  size_t lines = 1;   // line ends in it
};

inline constexpr size_t kCsvValuesMax =
    1'024;  // more are counted, not kept: no schema has as many columns
inline constexpr size_t kCsvPadding = 16;  // bytes behind `text` that may be read

// `text` starts with a record. `at_end`: nothing follows, so that the last record needs no line
// end. `values` point into `text` and `unquoted`, which is emptied first and must have the capacity
// for the whole record.
CsvScan scan_csv(std::string_view text, bool at_end, std::vector<RawValue>& values,
                 std::string& unquoted);

}  // namespace paywarden
