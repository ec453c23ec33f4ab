#include "app/decision_writer.h"

namespace paywarden {

Result<std::unique_ptr<DecisionWriter>> DecisionWriter::create(const std::string& path) {
  TRY_ASSIGN(auto file, OutputFile::create(path));
  return std::unique_ptr<DecisionWriter>(new DecisionWriter(path, std::move(file)));
}

DecisionWriter::DecisionWriter(std::string path, std::unique_ptr<OutputFile> file)
    : path_(std::move(path)),
      file_(std::move(file)),
      filled_(kDecisionBlocks),
      empty_(kDecisionBlocks) {
  for (size_t i = 0; i < kDecisionBlocks; ++i) empty_.try_push(DecisionBlock());
  thread_ = std::thread([this] { run(); });
}

DecisionWriter::~DecisionWriter() {
  filled_.close();
  if (thread_.joinable()) thread_.join();
}

DecisionBlock DecisionWriter::empty_block() {
  std::vector<DecisionBlock> one;
  empty_.pop_all(one, 1);
  one.front().count = 0;
  return std::move(one.front());
}

Status DecisionWriter::write(DecisionBlock block) {
  filled_.push(std::move(block));
  return status();
}

Status DecisionWriter::finish() {
  filled_.close();
  if (thread_.joinable()) thread_.join();
  if (!file_->close()) failed_ = true;
  return status();
}

Status DecisionWriter::status() {
  std::lock_guard lock(mutex_);
  if (failed_) return fail("the decisions cannot be written", path_, "is the disk full?");
  return {};
}

void DecisionWriter::run() {
  std::string text;
  std::vector<DecisionBlock> blocks;
  while (filled_.pop_all(blocks, kDecisionBlocks)) {
    text.clear();
    for (const DecisionBlock& block : blocks)
      for (size_t i = 0; i < block.count; ++i) {
        append_json(block.decisions[i], text);
        text.push_back('\n');
      }
    if (!file_->write(text)) {
      std::lock_guard lock(mutex_);
      failed_ = true;
    }
    for (DecisionBlock& block : blocks) empty_.try_push(std::move(block));
    blocks.clear();
  }
}

}  // namespace paywarden
