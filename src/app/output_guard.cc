#include "app/output_guard.h"

#include <filesystem>

namespace paywarden {
namespace {

namespace fs = std::filesystem;

bool same(const fs::path& a, const fs::path& b) {
  std::error_code absent;
  return fs::equivalent(a, b, absent) && !absent;
}

fs::path home_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

bool would_be_lost(const fs::path& out, const fs::path& input) {
  std::error_code ignored;
  if (same(out, input)) return true;
  if (!fs::exists(out, ignored)) return false;
  if (fs::is_directory(out, ignored)) return same(home_of(input), out);
  return fs::is_directory(input, ignored) && same(home_of(out), input);
}

}  // namespace

Status check_output(const std::string& out,
                    std::initializer_list<std::vector<std::string>> inputs) {
  for (const std::vector<std::string>& some : inputs)
    for (const std::string& input : some)
      if (!input.empty() && would_be_lost(out, input))
        return fail("'" + input + "' is read, and would be written over", out,
                    "give the output another name");
  return {};
}

}  // namespace paywarden
