// A large piece of zeroed memory straight from the system, in huge pages where the kernel gives them: whoever looks up anywhere in
// it then seldom waits for an address translation. One thread.
//
//   SystemMemory memory(bytes);       // address space; a page costs memory once it is written
#pragma once

#include <cstddef>

namespace paywarden {

class SystemMemory {
 public:
  explicit SystemMemory(size_t bytes);
  ~SystemMemory();
  SystemMemory(const SystemMemory&) = delete;
  SystemMemory& operator=(const SystemMemory&) = delete;

  char* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace paywarden
