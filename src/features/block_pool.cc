#include "features/block_pool.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace paywarden {
namespace {
constexpr size_t kChunk = size_t{2} << 20;
}

BlockPool::BlockPool(std::vector<size_t> sizes)
    : sizes_(std::move(sizes)), free_(sizes_.size(), nullptr) {}

BlockPool::~BlockPool() {
  for (void* chunk : chunks_) std::free(chunk);
}

void* BlockPool::new_chunk(size_t bytes) {
  size_t rounded = (bytes + kChunk - 1) / kChunk * kChunk;
  void* chunk = std::aligned_alloc(kChunk, rounded);
  CHECK(chunk != nullptr, "out of memory for window state");
  madvise(chunk, rounded, MADV_HUGEPAGE);  // advice only: works without
  chunks_.push_back(chunk);
  reserved_ += rounded;
  return chunk;
}

uint64_t* BlockPool::take(size_t size_class) {
  size_t bytes = sizes_[size_class];
  used_ += bytes;
  if (uint64_t* block = free_[size_class]) {
    std::memcpy(&free_[size_class], block, sizeof(uint64_t*));
    return block;
  }
  if (bytes > kChunk / 4) return static_cast<uint64_t*>(new_chunk(bytes));
  if (bytes > bump_left_) {
    bump_ = static_cast<char*>(new_chunk(kChunk));
    bump_left_ = kChunk;
  }
  auto* block = reinterpret_cast<uint64_t*>(bump_);
  bump_ += bytes;
  bump_left_ -= bytes;
  return block;
}

void BlockPool::give_back(uint64_t* block, size_t size_class) {
  used_ -= sizes_[size_class];
  std::memcpy(block, &free_[size_class], sizeof(uint64_t*));
  free_[size_class] = block;
}

}  // namespace paywarden
