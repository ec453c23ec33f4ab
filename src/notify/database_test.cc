#include "notify/database.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <fstream>

#include "notify/test_kit.h"

namespace paywarden {
namespace {

using soci::use;

TEST(Database, EachFailureHasItsRemedy) {
  struct Row {
    int code;
    const char* what;
    const char* remedy;
  };
  const Row kRows[] = {
      {SQLITE_FULL, "the disk is full", "free space"},
      {SQLITE_IOERR, "cannot be read or written (m)", "look at the disk"},
      {SQLITE_IOERR_SHORT_READ, "cannot be read or written (m)", "look at the disk"},
      {SQLITE_IOERR_FSYNC, "cannot be read or written (m)", "look at the disk"},
      {SQLITE_READONLY, "cannot be written (m)", "writable for this user"},
      {SQLITE_READONLY_DBMOVED, "cannot be written (m)", "writable for this user"},
      {SQLITE_CANTOPEN, "cannot be written (m)", "writable for this user"},
      {SQLITE_PERM, "cannot be written (m)", "writable for this user"},
      {SQLITE_BUSY, "in use", "another program"},
      {SQLITE_LOCKED, "in use", "another program"},
      {SQLITE_CORRUPT, "damaged", "move it away"},
      {SQLITE_NOTADB, "damaged", "move it away"},
      {SQLITE_CONSTRAINT, "the store failed: m", "the work is repeated"},
  };
  for (const Row& row : kRows) {
    Error error = store_error(row.code, "m", "center.db");
    EXPECT_EQ(error.where, "center.db");
    EXPECT_NE(error.what.find(row.what), std::string::npos) << row.code << ": " << error.line();
    EXPECT_NE(error.remedy.find(row.remedy), std::string::npos) << row.code << ": " << error.line();
  }
}

TEST(Database, AFileThatIsNoDatabaseIsDamaged) {
  TemporaryFolder folder;
  std::ofstream(folder.file("center.db")) << std::string(8192, 'x');
  auto opened = Database::open({.path = folder.file("center.db")});
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().what.find("damaged"), std::string::npos) << opened.error().line();
}

// What a disk without room does to a write, by a limit on the size of files.
TEST(Database, AWriteThatTheSystemRefusesIsNoDamage) {
  TemporaryFolder folder;
  auto database = *Database::open({.path = folder.file("center.db")});
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit small{64 * 1024, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  Status written = database->write([](soci::session& sql) -> Status {
    std::string name = "n", value(1'000'000, 'v');
    sql << "INSERT INTO setting (name, value) VALUES (:n, :v)", use(name), use(value);
    return {};
  });
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().what.find("damaged"), std::string::npos) << written.error().line();
  EXPECT_NE(written.error().remedy.find("disk"), std::string::npos) << written.error().line();
  Status again = database->write([](soci::session& sql) -> Status {
    sql << "INSERT INTO setting (name, value) VALUES ('n', 'v')";
    return {};
  });
  EXPECT_TRUE(again) << again.error().line();
}

}  // namespace
}  // namespace paywarden
