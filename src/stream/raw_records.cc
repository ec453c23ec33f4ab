#include "stream/raw_records.h"

#include <fmt/format.h>

#include "base/json_writer.h"

namespace paywarden {

std::optional<std::string_view> label_in(std::string_view json) {
  constexpr std::string_view kSpaces = " \t\r\n";
  auto skip = [&](std::string_view what) {
    size_t at = json.find_first_not_of(kSpaces);
    if (at == std::string_view::npos || !json.substr(at).starts_with(what)) return false;
    json.remove_prefix(at + what.size());
    return true;
  };
  if (!skip("{") || !skip("\"label\"") || !skip(":")) return std::nullopt;
  size_t end = json.find_last_not_of(kSpaces);
  if (end == std::string_view::npos || json[end] != '}')
    return json;  // no JSON: the parser says so
  return json.substr(0, end);
}

Rejection rejection_of(const Error& error, std::string_view value) {
  return {RejectReason::not_json, error.where, std::string(value), error.what, {}};
}

void add_reject(Outcomes& out, int32_t partition, const InputRecord& record, const Rejection& no) {
  std::string source = fmt::format("kafka:{}:{}", partition, record.offset);
  out.add(OutcomeTopic::rejects, {}, partition, record.offset, [&](std::string& text) {
    append_json({source, 0, no}, record.timestamp, text);
  });
}

void add_other(Outcomes& out, int32_t partition, int64_t offset, std::string_view what,
               std::string_view payment_id) {
  out.add(OutcomeTopic::others, {}, partition, offset, [&](std::string& text) {
    JsonWriter(text)
        .open_object()
        .key("what")
        .string(what)
        .key("payment_id")
        .string(payment_id)
        .close_object();
  });
}

}  // namespace paywarden
