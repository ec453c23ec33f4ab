#include "app/output_guard.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "log/journal_testing.h"

namespace paywarden {
namespace {

TEST(OutputGuard, RefusesWhatIsReadByWhateverName) {
  namespace fs = std::filesystem;
  testing_journal::TemporaryDirectory directory(testing_journal::fast_directory());
  std::string home = directory.path() + "/";
  fs::create_directory(home + "bundle");
  for (const char* name : {"data.csv", "config.toml", "bundle/model.json", "bundle-2"})
    std::ofstream(home + name) << "x";
  fs::create_symlink("data.csv", home + "link.csv");
  fs::create_hard_link(home + "data.csv", home + "hard.csv");
  auto refused = [&](const std::string& out) {
    return !check_output(home + out, {{home + "config.toml", home + "bundle", ""},
                                      {home + "data.csv", home + "absent.csv"}});
  };
  for (const char* out : {"data.csv", "./data.csv", "bundle/../data.csv", "link.csv", "hard.csv",
                          "config.toml", "bundle", "bundle/model.json"})
    EXPECT_TRUE(refused(out)) << out;
  auto in_bundle = check_output(home + "bundle", {{home + "bundle/model.json"}});
  EXPECT_FALSE(in_bundle) << "the directory would be replaced with what is in it";
  for (const char* out : {"new.csv", "absent.csv", "bundle-2", "bundle/new.csv", "absent/new.csv"})
    EXPECT_FALSE(refused(out)) << out;
  auto said = check_output(home + "link.csv", {{home + "data.csv"}});
  EXPECT_EQ(said.error().line(), home + "link.csv: '" + home +
                                     "data.csv' is read, and would be written over; give the "
                                     "output another name");
}

}  // namespace
}  // namespace paywarden
