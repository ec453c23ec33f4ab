// Decisions as lines of a file, plain or gzip by its name, encoded and written by a thread of its own, so that who decides goes on
// deciding.
//
//   TRY_ASSIGN(auto writer, DecisionWriter::create("D.ndjson"));
//   DecisionBlock block = writer->empty_block();       // waits where the disk is slower
//   block.decisions[block.count++] = ...;
//   TRY(writer->write(std::move(block)));
//   TRY(writer->finish());
//
// Blocks are used again and again: memory is that of kDecisionBlocks. One thread calls.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "app/output_file.h"
#include "base/bounded_queue.h"
#include "base/result.h"
#include "engine/core.h"

namespace paywarden {

// Handing a block over wakes a thread: that costs some 5 us, so 5 ns a decision.
inline constexpr size_t kDecisionsABlock = 1024;
inline constexpr size_t kDecisionBlocks = 4;

struct DecisionBlock {
  std::vector<Decision> decisions = std::vector<Decision>(kDecisionsABlock);
  size_t count = 0;  // of them that are filled
};

class DecisionWriter {
 public:
  static Result<std::unique_ptr<DecisionWriter>> create(const std::string& path);
  ~DecisionWriter();
  DecisionBlock empty_block();
  // The error of an earlier block, as soon as it is known.
  Status write(DecisionBlock block);
  // All is with the system, or could not be written.
  Status finish();

 private:
  DecisionWriter(std::string path, std::unique_ptr<OutputFile> file);
  void run();
  Status status();

  const std::string path_;
  const std::unique_ptr<OutputFile> file_;
  BoundedQueue<DecisionBlock> filled_, empty_;
  std::mutex mutex_;  // failed_
  bool failed_ = false;
  std::thread thread_;
};

}  // namespace paywarden
