// From bytes to a payment, or the reason why not: the one place where input of any kind is judged.
//
//   PaymentParser parser(schema, tokeniser, options);            // one a thread; the first two are
//   shared Payment payment;                                             // filled again and again
//   if (auto no = parser.parse_json(body, receipt, payment)) return refuse(*no);
//
//   ColumnMap columns = *parser.columns(header);                 // CSV and other tables
//   auto no = parser.parse_row(columns, values, receipt, payment, &label);
//
// JSON is read in one pass, fields in any order: flat objects by FlatObject, all else by simdjson's
// On-Demand. Nothing is allocated for a payment that is fine, once buffers have grown. A rejection names the first problem of the ladder
// (rejection.h), whatever the order of fields.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "intake/payment_builder.h"

namespace paywarden {

// Which value of a row goes where: binding indices, kLabelName, or SourceNames::kUnknown for what
// is passed over.
struct ColumnMap {
  std::vector<uint16_t> targets;
};

class PaymentParser {
 public:
  // Bytes behind a JSON input that may be read (never used): with them parse_json needs no copy.
  static constexpr size_t kPadding = 64;

  PaymentParser(const Schema& schema, const Tokeniser& tokeniser, const ParserOptions& options);
  ~PaymentParser();

  // `readable`: bytes that may be read from json.data() on; with less than json.size() + kPadding
  // the input is copied. `label`: where the schema's label goes; without it the label is passed
  // over, as live intake must.
  std::optional<Rejection> parse_json(std::string_view json, EventTime receipt, Payment& out,
                                      std::optional<bool>* label = nullptr, size_t readable = 0);

  // Fails when a required field has no column, a name stands there twice, or one is unknown and
  // must not be.
  Result<ColumnMap> columns(std::span<const std::string_view> names) const;
  std::optional<Rejection> parse_row(const ColumnMap& columns, std::span<const RawValue> values,
                                     EventTime receipt, Payment& out,
                                     std::optional<bool>* label = nullptr);

  // The rejection of an input that could not be taken apart at all.
  Rejection unparsable(RejectReason reason, std::string_view input);
  const Schema& schema() const;
  const ParserOptions& options() const { return options_; }

 private:
  class Json;
  const ParserOptions options_;
  PaymentBuilder builder_;
  std::unique_ptr<Json> json_;
};

}  // namespace paywarden
