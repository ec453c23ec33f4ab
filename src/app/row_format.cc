#include "app/row_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <utility>

#include "archive/avro_file.h"
#include "base/json_writer.h"

namespace paywarden {
namespace {

constexpr std::string_view kColumns[] = {"event_time", "is_fraud", "amount"};

// RFC 4180.
std::string csv_text(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

class CsvRows : public RowFormat {
 public:
  explicit CsvRows(const std::vector<FeatureSpec>& features) {
    for (const FeatureSpec& feature : features) head_ += ',' + csv_text(feature.name);
  }
  void add(const Dataset& rows, size_t i, std::string& out) override {
    out += std::exchange(head_, {});
    fmt::format_to(std::back_inserter(out), "\n{},{:d}", format_rfc3339(rows.time(i)),
                   rows.is_fraud(i));
    for (size_t f = 0; f < rows.columns(); ++f) {
      out += ',';
      if (!std::isnan(rows.row(i)[f]))
        fmt::format_to(std::back_inserter(out), "{}", rows.row(i)[f]);
    }
  }
  void finish(std::string& out) override { out += std::exchange(head_, {}) + '\n'; }

 private:
  std::string head_ = "event_time,is_fraud";
};

std::string schema_of(const std::vector<FeatureSpec>& features, std::string_view currency) {
  std::vector<std::string> names;
  for (const FeatureSpec& feature : features) names.push_back(feature.name);
  std::vector<std::string> fields = avro_names(names);
  std::string out;
  JsonWriter json(out);
  json.open_object().key("type").string("record").key("name").string("TrainingRow");
  json.key("namespace").string("paywarden").key("fields").open_array();
  json.open_object().key("name").string(kColumns[0]).key("type").open_object();
  json.key("type").string("long").key("logicalType").string("timestamp-millis").close_object();
  json.close_object();
  json.open_object().key("name").string(kColumns[1]).key("type").string("boolean").close_object();
  json.open_object().key("name").string(kColumns[2]).key("type").string("double");
  json.key("doc").string(currency).close_object();
  for (size_t f = 0; f < fields.size(); ++f) {
    json.open_object().key("name").string(fields[f]).key("type").open_array();
    json.string("null").string("float").close_array().key("default").null();
    if (fields[f] != names[f]) json.key("feature").string(names[f]);
    json.close_object();
  }
  json.close_array().close_object();
  return out;
}

class AvroRows : public RowFormat {
 public:
  AvroRows(const std::vector<FeatureSpec>& features, std::string_view currency,
           const AvroRowOptions& options)
      : file_(schema_of(features, currency),
              options.compressed ? ArchiveCompression::gzip : ArchiveCompression::none,
              options.name) {}
  void add(const Dataset& rows, size_t i, std::string& out) override {
    AvroWriter w(file_.record());
    w.integer(rows.time(i).ms());
    w.boolean(rows.is_fraud(i));
    w.real(rows.amount(i));
    for (size_t f = 0; f < rows.columns(); ++f) {
      float value = rows.row(i)[f];
      w.branch(std::isnan(value) ? 0 : 1);
      if (!std::isnan(value)) w.real(value);
    }
    file_.end_record();
    out += file_.take();
  }
  void finish(std::string& out) override { out += file_.finish(); }

 private:
  AvroFile file_;
};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

std::string avro_name(std::string_view text) {
  std::string name(text);
  for (char& c : name)
    if (!is_letter(c) && !(c >= '0' && c <= '9')) c = '_';
  if (name.empty() || !is_letter(name[0])) name.insert(0, 1, '_');
  return name;
}

}  // namespace

Result<ExportFormat> export_format(const std::string& wanted, const std::string& file) {
  bool csv = file.ends_with(".csv") || file.ends_with(".csv.gz"), avro = file.ends_with(".avro");
  if (wanted.empty() && !csv && !avro)
    return fail("'" + file + "' must end with .csv, .csv.gz or .avro", {}, "or give --format");
  ExportFormat format =
      wanted == "avro" || (wanted.empty() && avro) ? ExportFormat::avro : ExportFormat::csv;
  if (format == ExportFormat::avro && (csv || file.ends_with(".gz")))
    return fail("'" + file + "' is no name for Avro, which is compressed inside", {},
                "let it end with .avro");
  if (format == ExportFormat::csv && avro)
    return fail("'" + file + "' is no name for CSV", {}, "let it end with .csv or .csv.gz");
  return format;
}

// Names that Avro can have stay; the others make way for them.
std::vector<std::string> avro_names(const std::vector<std::string>& features) {
  std::set<std::string, std::less<>> taken(std::begin(kColumns), std::end(kColumns));
  auto stays = [](const std::string& name) {
    return avro_name(name) == name &&
           std::find(std::begin(kColumns), std::end(kColumns), name) == std::end(kColumns);
  };
  for (const std::string& feature : features)
    if (stays(feature)) taken.insert(feature);
  std::vector<std::string> names;
  for (const std::string& feature : features) {
    names.push_back(avro_name(feature));
    if (stays(feature)) continue;
    for (int i = 2; !taken.insert(names.back()).second; ++i)
      names.back() = avro_name(feature) + "_" + std::to_string(i);
  }
  return names;
}

std::unique_ptr<RowFormat> new_row_format(ExportFormat format,
                                          const std::vector<FeatureSpec>& features,
                                          std::string_view currency,
                                          const AvroRowOptions& options) {
  if (format == ExportFormat::avro) return std::make_unique<AvroRows>(features, currency, options);
  return std::make_unique<CsvRows>(features);
}

}  // namespace paywarden
