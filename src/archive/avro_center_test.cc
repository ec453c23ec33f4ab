// Avro files of the archive, read by another reader (avro_referee.py: fastavro). Needs a Python environment with it, named by
// PAYWARDEN_TEST_VENV; runs in the project's folder.
#include <gtest/gtest.h>

#include <cstdlib>

#include "archive/archive_testing.h"
#include "archive/avro_encoder.h"
#include "base/files.h"

namespace paywarden {
namespace {

TEST(AvroCenter, IsWhatTheLinesSay) {
  const char* venv = std::getenv("PAYWARDEN_TEST_VENV");
  if (!venv)
    GTEST_SKIP()
        << "PAYWARDEN_TEST_VENV names no Python environment with fastavro; ./test center makes one";
  test::TestLog log(5);
  log.grow(2'000);
  test::ArchiveFolder folder;
  PosixFiles files;
  for (auto compression :
       {ArchiveCompression::none, ArchiveCompression::gzip, ArchiveCompression::zstd}) {
    auto avro = new_encoder({ArchiveFormat::avro, compression}, "name");
    auto lines = new_encoder({ArchiveFormat::ndjson, ArchiveCompression::none}, "name");
    ASSERT_TRUE(LogSource(log).read(1, log.durable_end(), [&](const DecidedPayment& d) {
      return avro->add(d).has_value() && lines->add(d).has_value();
    }));
    ASSERT_TRUE(replace_whole(files, folder.file("object.avro"), avro->finish()));
    ASSERT_TRUE(replace_whole(files, folder.file("lines"), lines->finish()));
    std::string command = std::string(venv) + "/bin/python src/archive/avro_referee.py " +
                          folder.file("object.avro") + " " + folder.file("lines") + " >" +
                          folder.file("said") + " 2>&1";
    int status = std::system(command.c_str());
    EXPECT_EQ(status, 0);
    EXPECT_EQ(*read_whole(files, folder.file("said")), "2000\n");
  }
}

}  // namespace
}  // namespace paywarden
