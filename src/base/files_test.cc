#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/simulated_files.h"

namespace paywarden {
namespace {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = std::filesystem::temp_directory_path() / "paywarden-files-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::unique_ptr<File> create(Files& files, const std::string& path) {
  return std::move(files.open(path, OpenMode::create).value());
}

// What both implementations promise.
void expect_the_port_holds(Files& files, const std::string& directory) {
  ASSERT_TRUE(files.make_directory(directory));
  std::string a = directory + "/a", b = directory + "/b";
  auto file = create(files, a);
  EXPECT_TRUE(file->write_all(0, "hello"));
  EXPECT_TRUE(file->write_all(7, "world"));
  EXPECT_TRUE(file->sync_data());
  EXPECT_EQ(*file->size(), 12u);
  char out[20];
  EXPECT_EQ(*file->read_up_to(0, out, sizeof out), 12u);
  EXPECT_EQ(std::string(out, 12), std::string("hello\0\0world", 12));
  EXPECT_EQ(*file->read_some(12, out, 1), 0u);
  EXPECT_TRUE(file->truncate(5));
  EXPECT_FALSE(files.open(a, OpenMode::create));
  EXPECT_TRUE(files.rename(a, b));
  EXPECT_FALSE(files.open(a, OpenMode::read));
  EXPECT_TRUE(files.sync_directory(directory));
  EXPECT_EQ(*read_whole(files, b), "hello");
  EXPECT_TRUE(replace_whole(files, b, "other"));
  EXPECT_EQ(*read_whole(files, b), "other");
  EXPECT_EQ(*files.list(directory), std::vector<std::string>{"b"});
  EXPECT_TRUE(files.remove(b));
  EXPECT_FALSE(*files.exists(b));
  EXPECT_FALSE(files.remove(b));
  EXPECT_GT(*files.free_bytes(directory), 0u);
  auto lock = files.lock(directory + "/lock");
  EXPECT_TRUE(lock);
  EXPECT_FALSE(files.lock(directory + "/lock"));
  lock->reset();
  EXPECT_TRUE(files.lock(directory + "/lock"));
}

TEST(Files, BothDisksKeepThePort) {
  TemporaryDirectory directory;
  PosixFiles posix;
  expect_the_port_holds(posix, directory / "deep/er");
  SimulatedFiles simulated(1);
  expect_the_port_holds(simulated, "deep/er");
  simulated.write_short(true);
  expect_the_port_holds(simulated, "short");
}

TEST(PosixFiles, TheLockNamesItsOwner) {
  TemporaryDirectory directory;
  PosixFiles files;
  int ready[2], done[2];
  ASSERT_EQ(::pipe(ready) | ::pipe(done), 0);
  pid_t child = ::fork();
  if (child == 0) {
    auto lock = files.lock(directory / "lock");
    char byte = lock ? 'y' : 'n';
    bool told = ::write(ready[1], &byte, 1) == 1;
    ::close(done[1]);
    ::_exit(told && ::read(done[0], &byte, 1) == 0 ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  auto lock = files.lock(directory / "lock");
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().line(),
            directory / "lock" + ": in use by process " + std::to_string(child) +
                "; stop that process, or give this one a directory of its own");
  ::close(done[0]);
  ::close(done[1]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(files.lock(directory / "lock")) << "the lock ends with its process";
}

TEST(PosixFiles, ErrorsSayWhatWhereAndWhatToDo) {
  PosixFiles files;
  EXPECT_EQ(files.open("/nowhere/at/all", OpenMode::read).error().line(),
            "/nowhere/at/all: cannot open: No such file or directory");
  EXPECT_EQ(file_error(ENOSPC, "write", "x").line(),
            "x: cannot write: the disk is full; free space on this disk (or raise the quota), then "
            "start again");
}

TEST(SimulatedFiles, SyncedBytesAndNamesSurvive) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SimulatedFiles files(seed);
    auto file = create(files, "d/f");
    std::string old(3000, 'a');
    EXPECT_TRUE(file->write_all(0, old));
    EXPECT_TRUE(file->sync_data());
    EXPECT_TRUE(files.sync_directory("d"));
    EXPECT_TRUE(file->write_all(3000, std::string(3000, 'b')));
    files.restore_power();
    EXPECT_EQ(read_whole(files, "d/f")->substr(0, 3000), old) << seed;
    EXPECT_FALSE(file->sync_data()) << "opened before the power was cut";
  }
}

TEST(SimulatedFiles, UnsyncedSectorsAndNamesAreLostBySomeSeedsAndKeptByOthers) {
  int whole = 0, torn = 0, nameless = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SimulatedFiles files(seed);
    auto file = create(files, "d/f");
    std::string bytes(2048, 'b');
    EXPECT_TRUE(file->write_all(0, bytes));
    files.restore_power();
    if (!*files.exists("d/f")) {
      ++nameless;
    } else {
      ++(*read_whole(files, "d/f") == bytes ? whole : torn);
    }
  }
  EXPECT_GT(whole, 10);
  EXPECT_GT(torn, 10);
  EXPECT_GT(nameless, 50);
}

TEST(SimulatedFiles, AFailedSyncIsForgottenByTheNextOne) {
  SimulatedFiles files(3);
  auto file = create(files, "d/f");
  EXPECT_TRUE(files.sync_directory("d"));
  EXPECT_TRUE(file->write_all(0, "xyz"));
  files.fail_syncs(1);
  EXPECT_FALSE(file->sync_data());
  EXPECT_TRUE(file->sync_data());
  EXPECT_EQ(*read_whole(files, "d/f"), "xyz");
  files.restore_power();
  EXPECT_EQ(*read_whole(files, "d/f"), std::string(3, '\0'));
}

TEST(SimulatedFiles, TheDiskFillsAndThePowerFails) {
  SimulatedFiles files(4);
  auto file = create(files, "d/f");
  files.fill_disk_after(5);
  Status full = file->write_all(0, "1234567");
  ASSERT_FALSE(full);
  EXPECT_NE(full.error().line().find("the disk is full"), std::string::npos);
  EXPECT_EQ(*read_whole(files, "d/f"), "12345");
  files.cut_power_after(1);
  EXPECT_TRUE(file->sync_data());
  EXPECT_FALSE(files.power_is_off() && file->sync_data());
  EXPECT_TRUE(files.power_is_off());
}

}  // namespace
}  // namespace paywarden
