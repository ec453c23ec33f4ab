// Connections, transactions and errors of the notification center's database.
#include "notify/database.h"

#include <fcntl.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "notify/schema.h"

namespace paywarden {
namespace {

constexpr const char* kBeginWrite =
    "BEGIN IMMEDIATE";  // takes the write lock at once: no upgrade that can fail
constexpr const char* kBeginRead = "BEGIN";

// SQLite would create the file readable by everyone whom the umask lets.
Status create_private(const std::string& path) {
  int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0)
    return fail(std::string("cannot open the store: ") + std::strerror(errno), path,
                "create its folder and make it writable for this user");
  ::close(file);
  return {};
}

std::unique_ptr<soci::session> connection(const StoreOptions& options) {
  auto sql = std::make_unique<soci::session>(soci::sqlite3, "dbname=\"" + options.path + "\"");
  *sql << "PRAGMA busy_timeout = " + std::to_string(options.busy_timeout.ms());
  *sql << "PRAGMA synchronous = FULL";
  *sql << "PRAGMA foreign_keys = ON";
  return sql;
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const StoreOptions& options) {
  if (options.path.find('"') != std::string::npos)
    return fail("the store's path holds a quotation mark", options.path, "choose another path");
  TRY(create_private(options.path));
  std::unique_ptr<Database> database(new Database(options));
  TRY(database->connect());
  TRY(database->write([&](soci::session& sql) { return migrate(sql, options.path); }));
  return database;
}

Database::~Database() = default;

Status Database::connect() {
  try {
    writer_ = connection(options_);
    std::string mode;
    *writer_ << "PRAGMA journal_mode = WAL", soci::into(mode);
    if (mode != "wal")
      return fail("the store's file system has no shared memory for a write-ahead log",
                  options_.path, "put the data directory on a local disk");
    for (int i = 0; i < options_.readers; ++i) {
      readers_.push_back(connection(options_));
      *readers_.back() << "PRAGMA query_only = ON";
      free_readers_.push_back(readers_.back().get());
    }
    return {};
  } catch (const soci::soci_error& failure) {
    return tl::unexpected(error_of(failure));
  }
}

Status Database::write(const Work& work) {
  std::lock_guard lock(write_mutex_);
  return transaction(*writer_, kBeginWrite, work);
}

Status Database::read(const Work& work) const {
  soci::session* reader = take_reader();
  Status done = transaction(*reader, kBeginRead, work);
  give_back(reader);
  return done;
}

Status Database::transaction(soci::session& sql, const char* begin, const Work& work) const {
  bool begun = false;
  Status done;
  try {
    sql << begin;
    begun = true;
    done = work(sql);
    if (done) {
      sql << "COMMIT";
      return {};
    }
  } catch (const soci::soci_error& failure) {
    done = tl::unexpected(error_of(failure));
  }
  try {
    if (begun) sql << "ROLLBACK";
  } catch (const soci::soci_error&) {
    // SQLite has rolled back by itself (disk full, I/O error): there is nothing left to undo.
  }
  return done;
}

soci::session* Database::take_reader() const {
  std::unique_lock lock(read_mutex_);
  reader_free_.wait(lock, [&] { return !free_readers_.empty(); });
  soci::session* reader = free_readers_.back();
  free_readers_.pop_back();
  return reader;
}

void Database::give_back(soci::session* reader) const {
  std::lock_guard lock(read_mutex_);
  free_readers_.push_back(reader);
  reader_free_.notify_one();
}

Error Database::error_of(const soci::soci_error& failure) const {
  auto sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&failure);
  return store_error(sqlite ? sqlite->result() : SQLITE_ERROR, failure.what(), options_.path);
}

Error store_error(int code, const std::string& message, const std::string& path) {
  switch (code & 0xff) {  // the rest says which call it was
    case SQLITE_FULL:
      return {"the disk is full", path, "free space on the store's disk"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {"the store's file is damaged", path,
              "move it away and start again: alerts are made anew from the log, users and keys are "
              "not"};
    case SQLITE_IOERR:
      return {"the store cannot be read or written (" + message + ")", path,
              "look at the disk: is it full, over a quota, or failing (dmesg)?"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return {"the store cannot be written (" + message + ")", path,
              "make the file, its -wal and -shm, and their folder writable for this user"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {"the store is in use", path,
              "another program holds it for long: end that one; the work is repeated"};
    default:
      return {"the store failed: " + message, path, "see the message; the work is repeated"};
  }
}

}  // namespace paywarden
