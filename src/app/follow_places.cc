#include "app/follow_places.h"

#include <simdjson.h>

#include "base/json_writer.h"

namespace paywarden {
namespace {

constexpr int64_t kFormat = 1;

bool read_place(const simdjson::dom::element& entry, std::string& path, FilePlace& place) {
  std::string_view name, tail;
  bool whole = entry["path"].get(name) == simdjson::SUCCESS &&
               entry["bytes"].get(place.bytes) == simdjson::SUCCESS &&
               entry["line"].get(place.line) == simdjson::SUCCESS &&
               entry["tail_bytes"].get(place.tail_bytes) == simdjson::SUCCESS &&
               entry["tail"].get(tail) == simdjson::SUCCESS;
  auto token = CardToken::parse(tail);
  if (!whole || !token) return false;
  path = name;
  place.tail = *token;
  return true;
}

std::string as_json(const std::map<std::string, FilePlace>& places) {
  std::string text;
  JsonWriter json(text);
  json.open_object().key("format").integer(kFormat).key("files").open_array();
  for (const auto& [path, place] : places) {
    json.open_object().key("path").string(path);
    json.key("bytes")
        .integer(static_cast<int64_t>(place.bytes))
        .key("line")
        .integer(static_cast<int64_t>(place.line));
    json.key("tail_bytes")
        .integer(static_cast<int64_t>(place.tail_bytes))
        .key("tail")
        .string(place.tail.hex());
    json.close_object();
  }
  json.close_array().close_object();
  return text + "\n";
}

}  // namespace

Result<std::unique_ptr<FollowPlaces>> FollowPlaces::load(Files& files, std::string file) {
  std::unique_ptr<FollowPlaces> places(new FollowPlaces(files, std::move(file)));
  TRY_ASSIGN(bool there, files.exists(places->file_));
  if (!there) return places;
  TRY_ASSIGN(std::string json, read_whole(files, places->file_));
  TRY(places->read(json));
  return places;
}

Status FollowPlaces::read(std::string_view json) {
  auto damaged = [&] {
    return fail("does not say how far followed files were read", file_,
                "restore it, or remove it: the files are then read from the beginning, and what is "
                "older than "
                "idempotency_horizon is decided again");
  };
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::array entries;
  int64_t format = 0;
  if (parser.parse(simdjson::padded_string(json)).get(root) != simdjson::SUCCESS) return damaged();
  if (root["format"].get(format) != simdjson::SUCCESS ||
      root["files"].get(entries) != simdjson::SUCCESS)
    return damaged();
  if (format != kFormat)
    return fail("has the unknown format " + std::to_string(format), file_,
                "a newer Paywarden wrote it: start that one");
  for (simdjson::dom::element entry : entries) {
    std::string path;
    FilePlace place;
    if (!read_place(entry, path, place)) return damaged();
    places_.emplace(std::move(path), place);
  }
  return {};
}

std::optional<FilePlace> FollowPlaces::of(const std::string& path) const {
  std::lock_guard lock(mutex_);
  auto found = places_.find(path);
  return found == places_.end() ? std::nullopt : std::optional(found->second);
}

void FollowPlaces::durable(const std::string& path, const FilePlace& place) {
  std::lock_guard lock(mutex_);
  places_[path] = place;
  changed_ = true;
}

Status FollowPlaces::save() {
  std::lock_guard one_at_a_time(save_mutex_);
  std::string json;
  {
    std::lock_guard lock(mutex_);
    if (!std::exchange(changed_, false)) return {};
    json = as_json(places_);
  }
  Status saved = replace_whole(files_, file_, json);
  if (saved) return saved;
  std::lock_guard lock(mutex_);
  changed_ = true;
  return saved;
}

}  // namespace paywarden
