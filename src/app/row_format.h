// Rows to train on as a file for others: CSV, or an Avro object container file.
//
//   TRY_ASSIGN(ExportFormat format, export_format(command.format, command.out));
//   auto rows = new_row_format(format, specs, "EUR", {.compressed = true, .name = command.out});
//   rows->add(dataset, i, bytes);        // what is finished is appended to `bytes`
//   rows->finish(bytes);
//
// CSV: event_time (RFC 3339), is_fraud (0, 1), then the features, their names quoted as RFC 4180 has it; floats are written so that they
// read back to the same bits, a missing one is nothing between two commas. Avro: event_time (timestamp-millis), is_fraud (boolean),
// amount (double, major units of the base currency), then the features (null or float). A feature whose name is none in Avro gets one
// that is, and its own stands in the field's attribute "feature".
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "training/dataset.h"

namespace paywarden {

enum class ExportFormat { csv, avro };

// `wanted`: "csv", "avro", or empty: by the file's ending. Fails where the two contradict each other.
Result<ExportFormat> export_format(const std::string& wanted, const std::string& file);

// Avro's names for these, in their order: letters, digits and _, not beginning with a digit, each once, and none of the columns before
// the features.
std::vector<std::string> avro_names(const std::vector<std::string>& features);

class RowFormat {
 public:
  virtual ~RowFormat() = default;
  virtual void add(const Dataset& rows, size_t i, std::string& out) = 0;
  virtual void finish(std::string& out) = 0;
};

struct AvroRowOptions {
  bool compressed = true;  // codec deflate; else null
  std::string name;        // the file's sync markers are made of it
};
std::unique_ptr<RowFormat> new_row_format(ExportFormat format,
                                          const std::vector<FeatureSpec>& features,
                                          std::string_view currency, const AvroRowOptions& options);

}  // namespace paywarden
