#include "base/system_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include "base/check.h"

namespace paywarden {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

size_t rounded_up(size_t bytes, size_t to) {
  return (bytes + to - 1) / to * to;
}

size_t page_size() {
  static const auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

}  // namespace

SystemMemory::SystemMemory(size_t bytes) : size_(rounded_up(bytes, page_size())) {
  // Of address space as much more as it takes to begin at a huge page; the rest is given back.
  size_t align = size_ < kHugePage ? page_size() : kHugePage;
  size_t asked = size_ + align;
  void* mapped = mmap(nullptr, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(mapped != MAP_FAILED, "out of memory");
  auto* begin = static_cast<char*>(mapped);
  size_t before =
      rounded_up(reinterpret_cast<uintptr_t>(begin), align) - reinterpret_cast<uintptr_t>(begin);
  data_ = begin + before;
  if (before > 0) munmap(begin, before);
  if (align > before) munmap(data_ + size_, align - before);
  if (size_ >= kHugePage) madvise(data_, size_, MADV_HUGEPAGE);  // advice only: works without
}

SystemMemory::~SystemMemory() {
  munmap(data_, size_);
}

}  // namespace paywarden
