#include "app/decision_writer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "log/journal_testing.h"

namespace paywarden {
namespace {

DecisionBlock block_of(DecisionWriter& writer, int first, size_t count) {
  DecisionBlock block = writer.empty_block();
  EXPECT_EQ(block.count, 0u);
  for (; block.count < count; ++block.count) {
    block.decisions[block.count].reset();
    block.decisions[block.count].payment_id = "p-" + std::to_string(first++);
  }
  return block;
}

TEST(DecisionWriter, LinesStandInOrderHoweverManyBlocksThereAre) {
  testing_journal::TemporaryDirectory directory(testing_journal::fast_directory());
  std::string path = directory.path() + "/D.ndjson";
  auto writer = std::move(*DecisionWriter::create(path));
  int made = 0;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    DecisionBlock block = block_of(*writer, made, static_cast<size_t>(i) % kDecisionsABlock);
    made += static_cast<int>(block.count);
    for (size_t k = 0; k < block.count; ++k) {
      append_json(block.decisions[k], expected);
      expected += '\n';
    }
    ASSERT_TRUE(writer->write(std::move(block)));
  }
  ASSERT_TRUE(writer->finish());
  std::ifstream file(path);
  std::string written(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(written, expected);
}

// By the next blocks where it can be, at the latest at the end; never is it waited for.
TEST(DecisionWriter, AFullDiskIsSaid) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP();
  for (auto [blocks, decisions] :
       {std::pair(1, size_t{1}), {1, kDecisionsABlock}, {200, kDecisionsABlock}}) {
    auto writer = std::move(*DecisionWriter::create("/dev/full"));
    for (int i = 0; i < blocks; ++i) (void)writer->write(block_of(*writer, 0, decisions));
    Status finished = writer->finish();
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().line(),
              "/dev/full: the decisions cannot be written; is the disk full?");
  }
}

TEST(DecisionWriter, WhatIsNotFinishedEndsToo) {
  auto writer = std::move(*DecisionWriter::create("/dev/null"));
  (void)writer->write(block_of(*writer, 0, 3));
  DecisionBlock held = writer->empty_block();
  writer.reset();
}

}  // namespace
}  // namespace paywarden
