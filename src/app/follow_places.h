// How far each followed file has been read and decided, kept in the data directory, so that a restart goes on there.
//
//   TRY_ASSIGN(auto places, FollowPlaces::load(files, "data/followed.json"));
//   options.resume = places->of(path);
//   ... ReplyTo of a batch's last row: places->durable(path, batch.end);
//   TRY(places->save());   // now and then, and at the end; writes when something changed
//
// Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/files.h"
#include "intake/file_source.h"

namespace paywarden {

class FollowPlaces {
 public:
  static Result<std::unique_ptr<FollowPlaces>> load(Files& files, std::string file);

  std::optional<FilePlace> of(const std::string& path) const;
  // All up to `place` is decided, durably.
  void durable(const std::string& path, const FilePlace& place);
  Status save();

 private:
  FollowPlaces(Files& files, std::string file) : files_(files), file_(std::move(file)) {}
  Status read(std::string_view json);

  Files& files_;
  const std::string file_;
  std::mutex save_mutex_;                    // one save() at a time
  mutable std::mutex mutex_;                 // the next two
  std::map<std::string, FilePlace> places_;  // those of files that are no longer followed stay
  bool changed_ = false;
};

}  // namespace paywarden
