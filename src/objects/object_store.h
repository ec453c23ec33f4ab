// Where archive objects go, as a port: named bytes, each put whole or not at all.
//
//   TRY(store.put("topics/decisions/year=2026/.../decisions+0+0000000001.json.gz", bytes));
//   TRY_ASSIGN(std::string same, store.get(name));
//   TRY_ASSIGN(auto names, store.list("topics/decisions/"));   // sorted
//
// Names are relative, in parts of 1 to 255 bytes between '/', without "." and "..". put() replaces what has the name; when it answers
// without an error, the object is durable. An error says what failed, where, and what to do. One thread at a time; cancel() from any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paywarden {

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  virtual Status put(const std::string& name, std::string_view bytes) = 0;
  // All of the object: one that is cut short is an error.
  virtual Result<std::string> get(const std::string& name) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& prefix) = 0;
  virtual Status remove(const std::string& name) = 0;  // fine where there is none
  // Ends a call under way soon, with an error, and all later ones.
  virtual void cancel() {}
};

Status check_object_name(const std::string& name);

}  // namespace paywarden
