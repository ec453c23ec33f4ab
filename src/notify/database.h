// The notification center's SQL database: one writing connection and a few reading ones, SOCI over
// SQLite. SQL kept to what PostgreSQL also takes; what differs stands in `Dialect`.
//
//   auto database = Database::open({.path = "center.db"});
//   Status done = database->write([&](soci::session& sql) -> Status {   // one transaction: commits
//   on success
//     sql << "UPDATE alert SET state = 'open' WHERE id = :id", soci::use(id);
//     return {};
//   });
//
// Any thread. SOCI's exceptions end here, as errors with the file and what to do. Heavy to include:
// only in .cc files.
#pragma once

#include <soci/soci.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "notify/store_options.h"

namespace paywarden {

// What a failure of SQLite means to an operator, by its result code (https://www.sqlite.org/rescode.html).
Error store_error(int code, const std::string& message, const std::string& path);

class Database {
 public:
  using Work = std::function<Status(soci::session&)>;

  // Creates the file (readable by its owner alone) and brings its tables to the newest version.
  static Result<std::unique_ptr<Database>> open(const StoreOptions& options);
  ~Database();

  // Runs `work` in one transaction on the writing connection; rolls back where it fails.
  Status write(const Work& work);
  // Runs `work` on a reading connection, seeing one state of the database throughout.
  Status read(const Work& work) const;
  const std::string& path() const { return options_.path; }

 private:
  explicit Database(StoreOptions options) : options_(std::move(options)) {}
  Status connect();
  Status transaction(soci::session& sql, const char* begin, const Work& work) const;
  soci::session* take_reader() const;
  void give_back(soci::session* reader) const;
  Error error_of(const soci::soci_error& failure) const;

  StoreOptions options_;
  std::mutex write_mutex_;
  std::unique_ptr<soci::session> writer_;
  std::vector<std::unique_ptr<soci::session>> readers_;
  mutable std::mutex read_mutex_;
  mutable std::condition_variable reader_free_;
  mutable std::vector<soci::session*> free_readers_;
};

}  // namespace paywarden
