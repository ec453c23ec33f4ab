#include "archive/plan.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json_writer.h"

namespace paywarden {
namespace {

constexpr int64_t kFormat = 1;

using Element = simdjson::dom::element;

bool read_text(const Element& element, const char* key, std::string& out) {
  std::string_view text;
  if (element[key].get(text) != simdjson::SUCCESS) return false;
  out = text;
  return true;
}

bool read_number(const Element& element, const char* key, uint64_t& out) {
  return element[key].get(out) == simdjson::SUCCESS;
}

// The value whose name stands there.
template <typename Enum>
bool read_name(const Element& element, const char* key, std::initializer_list<Enum> all,
               Enum& out) {
  std::string name;
  if (!read_text(element, key, name)) return false;
  for (Enum one : all) {
    if (name_of(one) != name) continue;
    out = one;
    return true;
  }
  return false;
}

bool read_plan(const Element& element, ObjectPlan& out) {
  return read_number(element, "start", out.start) && read_number(element, "end", out.end) &&
         read_text(element, "name", out.name) && read_text(element, "sha256", out.sha256) &&
         read_name(element, "encoding", {ArchiveFormat::ndjson, ArchiveFormat::avro},
                   out.encoding.format) &&
         read_name(element, "compression",
                   {ArchiveCompression::none, ArchiveCompression::gzip, ArchiveCompression::zstd},
                   out.encoding.compression) &&
         out.start < out.end;
}

bool read_state(const Element& root, ArchiveState& out) {
  uint64_t generation = 0;
  if (!read_number(root, "next", out.next) || !read_number(root, "generation", generation))
    return false;
  out.generation = static_cast<uint32_t>(generation);
  Element plan;
  if (root["plan"].get(plan) != simdjson::SUCCESS) return true;
  out.plan.emplace();
  return read_plan(plan, *out.plan) && out.plan->start == out.next;
}

}  // namespace

std::string to_json(const ArchiveState& state) {
  std::string text;
  JsonWriter json(text);
  auto number = [&json](const char* key, uint64_t n) {
    json.key(key).integer(static_cast<int64_t>(n));
  };
  json.open_object().key("format").integer(kFormat);
  number("next", state.next);
  number("generation", state.generation);
  if (state.plan) {
    json.key("plan").open_object();
    number("start", state.plan->start);
    number("end", state.plan->end);
    json.key("name").string(state.plan->name);
    json.key("encoding").string(name_of(state.plan->encoding.format));
    json.key("compression").string(name_of(state.plan->encoding.compression));
    json.key("sha256").string(state.plan->sha256).close_object();
  }
  json.close_object();
  return text;
}

Result<ArchiveState> parse_archive_state(std::string_view json) {
  simdjson::dom::parser parser;
  Element root;
  int64_t format = 0;
  ArchiveState state;
  bool whole = parser.parse(simdjson::padded_string(json)).get(root) == simdjson::SUCCESS &&
               root["format"].get(format) == simdjson::SUCCESS;
  if (whole && format != kFormat)
    return fail("has the unknown format " + std::to_string(format), {},
                "a newer Paywarden wrote it: start that one");
  if (!whole || !read_state(root, state))
    return fail("does not say how far the archive reaches", {},
                "restore it; its `next` is where the newest archived object ends");
  return state;
}

Result<std::optional<ArchiveState>> FilePlanStore::load() {
  TRY_ASSIGN(bool there, files_.exists(path_));
  if (!there) return std::optional<ArchiveState>();
  TRY_ASSIGN(std::string json, read_whole(files_, path_));
  auto state = parse_archive_state(json);
  if (!state) return fail(state.error().what, path_, state.error().remedy);
  return std::optional(std::move(*state));
}

Status FilePlanStore::save(const ArchiveState& state) {
  return replace_whole(files_, path_, to_json(state) + "\n");
}

std::string object_name(const ObjectNaming& naming, uint64_t start, uint32_t generation,
                        EventTime first, const ObjectEncoding& encoding) {
  CalendarDate date = date_of(first);
  std::string cut = generation > 0 ? fmt::format(".g{}", generation) : "";
  return fmt::format(
      "topics/{0}/year={1:04}/month={2:02}/day={3:02}/hour={4:02}/{0}+{5}+{6:010}{7}{8}",
      naming.topic, date.year, date.month, date.day, hour_of(first), naming.partition, start, cut,
      extension_of(encoding));
}

}  // namespace paywarden
