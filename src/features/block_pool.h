// Memory for rows of many keys: blocks of a few sizes, cut from 2 MiB chunks (huge pages where the
// kernel gives them), freed blocks kept in a list for each size. Never returns a chunk before the
// pool ends. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace paywarden {

class BlockPool {
 public:
  // `sizes`: bytes of each class, ascending, multiples of 8.
  explicit BlockPool(std::vector<size_t> sizes);
  ~BlockPool();
  BlockPool(BlockPool&&) noexcept = default;
  BlockPool& operator=(BlockPool&&) = delete;

  size_t classes() const { return sizes_.size(); }
  uint64_t* take(size_t size_class);
  void give_back(uint64_t* block, size_t size_class);
  size_t bytes_reserved() const { return reserved_; }  // from the system
  size_t bytes_used() const { return used_; }          // in blocks that are out

 private:
  void* new_chunk(size_t bytes);
  std::vector<size_t> sizes_;
  std::vector<uint64_t*> free_;  // heads of intrusive lists
  std::vector<void*> chunks_;
  char* bump_ = nullptr;
  size_t bump_left_ = 0;
  size_t reserved_ = 0, used_ = 0;
};

}  // namespace paywarden
