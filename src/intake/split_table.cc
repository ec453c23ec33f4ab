#include "intake/split_table.h"

#include "intake/json_scalar.h"

namespace paywarden {
namespace {

namespace od = simdjson::ondemand;
using Kind = RawValue::Kind;

Error not_a_table(const char* what) {
  return {std::string("the answer is no table in split orientation: ") + what,
          {},
          "expected {\"columns\": [...], \"data\": [[...], ...]}"};
}

}  // namespace

class SplitTable::Reader {
 public:
  explicit Reader(size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  Status read(std::string_view body, SplitTable& out) {
    if (body.size() > body_bytes_max_) return fail("the answer is longer than its limit");
    unescaper_.reserve(2 * body.size());  // strings within a string are resolved twice
    std::string_view json = padded(body, body_);
    std::string_view inner;
    TRY(unwrap(json, inner));
    if (inner.data()) json = padded(inner, inner_);
    unescaper_.start(json);
    od::document document;
    if (parser_.iterate(json, json.size() + simdjson::SIMDJSON_PADDING).get(document))
      return tl::unexpected(not_a_table("it is not valid JSON"));
    TRY(read_columns(document, out));
    document.rewind();
    return read_data(document, out);
  }

  void wipe() {
    unescaper_.wipe();
    explicit_bzero(body_.data(), body_.size());
    explicit_bzero(inner_.data(), inner_.size());
  }

 private:
  static std::string_view padded(std::string_view text, std::string& buffer) {
    buffer.assign(text);
    buffer.append(simdjson::SIMDJSON_PADDING, '\0');
    return {buffer.data(), text.size()};
  }

  // What a body that is one JSON string holds; `inner` stays empty for any other.
  Status unwrap(std::string_view json, std::string_view& inner) {
    size_t first = json.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || json[first] != '"') return {};
    od::document document;
    od::raw_json_string string;
    bool fine = parser_.iterate(json, json.size() + simdjson::SIMDJSON_PADDING).get(document) ==
                    simdjson::SUCCESS &&
                document.get_raw_json_string().get(string) == simdjson::SUCCESS &&
                unescaper_.resolve(parser_, string.raw(), inner);
    if (!fine) return tl::unexpected(not_a_table("it is not valid JSON"));
    return {};
  }

  Status read_columns(od::document& document, SplitTable& out) {
    od::array columns;
    if (document["columns"].get_array().get(columns))
      return tl::unexpected(not_a_table("it has no 'columns'"));
    for (auto result : columns) {
      if (result.error()) return tl::unexpected(not_a_table("it is not valid JSON"));
      RawValue name = json_scalar(in_place(result), parser_, unescaper_);
      if (name.kind != Kind::text) return tl::unexpected(not_a_table("a column has no name"));
      out.columns_.push_back(name.text());
    }
    return {};
  }

  Status read_data(od::document& document, SplitTable& out) {
    od::array rows;
    if (document["data"].get_array().get(rows))
      return tl::unexpected(not_a_table("it has no 'data'"));
    for (auto row : rows) {
      od::array values;
      if (row.get_array().get(values))
        return tl::unexpected(not_a_table("a row of 'data' is no list"));
      for (auto result : values) {
        if (result.error()) return tl::unexpected(not_a_table("it is not valid JSON"));
        RawValue value = json_scalar(in_place(result), parser_, unescaper_);
        if (value.kind == Kind::broken) return tl::unexpected(not_a_table("it is not valid JSON"));
        out.values_.push_back(value);
      }
      out.row_ends_.push_back(out.values_.size());
    }
    return {};
  }

  const size_t body_bytes_max_;
  od::parser parser_;
  Unescaper unescaper_;
  std::string body_, inner_;
};

SplitTable::SplitTable(size_t body_bytes_max) : reader_(std::make_unique<Reader>(body_bytes_max)) {}

SplitTable::~SplitTable() {
  wipe();
}

Status SplitTable::read(std::string_view body) {
  columns_.clear();
  values_.clear();
  row_ends_.clear();
  Status status = reader_->read(body, *this);
  if (!status) row_ends_.clear();
  return status;
}

std::span<const RawValue> SplitTable::row(size_t i) const {
  size_t begin = i == 0 ? 0 : row_ends_[i - 1];
  return {values_.data() + begin, row_ends_[i] - begin};
}

void SplitTable::wipe() {
  row_ends_.clear();
  reader_->wipe();
}

}  // namespace paywarden
