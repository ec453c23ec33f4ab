// Fails when the folders of src/ stop being a payment's way: an include of a folder that
// src/CMakeLists.txt does not allow, a cycle among the allowed ones, a folder without a line there,
// or a README table of folders that differs from src/.
//
//   layout_check PROJECT_ROOT
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace fs = std::filesystem;
using Names = std::set<std::string>;

namespace {

int problems = 0;

void problem(const std::string& text) {
  std::cerr << text << "\n";
  ++problems;
}

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Names words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

// folder -> folders that it may include, from the paywarden_folder() lines.
std::map<std::string, Names> allowed_includes(const fs::path& root) {
  std::map<std::string, Names> table;
  std::string text = read(root / "src/CMakeLists.txt");
  std::regex line(
      R"(paywarden_folder\(NAME\s+(\w+)(?:\s+EACH_PAYMENT)?(?:\s+USES((?:\s+(?!LIBRARIES)\w+)*))?)");
  for (std::sregex_iterator it(text.begin(), text.end(), line), end; it != end; ++it)
    table[(*it)[1]] = words((*it)[2]);
  return table;
}

// A folder may use only folders declared above it, so the order of the lines proves that there is
// no cycle.
void check_order(const fs::path& root, const std::map<std::string, Names>& table) {
  std::string text = read(root / "src/CMakeLists.txt");
  for (const auto& [folder, uses] : table)
    for (const std::string& used : uses)
      if (text.find("NAME " + used + "\n") > text.find("NAME " + folder + " ") &&
          text.find("NAME " + used + " ") > text.find("NAME " + folder + " "))
        problem("src/CMakeLists.txt: " + folder + " uses " + used +
                ", which comes later on the payment's way");
}

void check_file(const fs::path& path, const std::string& folder, const Names& allowed) {
  std::ifstream file(path);
  std::regex include(R"re(^\s*#include\s+"([^"/]+)/)re");
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    std::smatch match;
    if (!std::regex_search(line, match, include)) continue;
    if (match[1] != folder && !allowed.contains(match[1]))
      problem(path.string() + ":" + std::to_string(number) + ": " + folder + " may not include " +
              match[1].str());
  }
}

// The README's table of folders: lines "| `folder/` | ...".
void check_readme(const fs::path& root, const Names& folders) {
  std::string text = read(root / "README.md");
  std::regex row(R"(\n\| `(\w+)/` \|)");
  Names listed;
  for (std::sregex_iterator it(text.begin(), text.end(), row), end; it != end; ++it)
    listed.insert((*it)[1]);
  for (const std::string& folder : folders)
    if (!listed.contains(folder))
      problem("README.md: the table of folders lacks `" + folder + "/`");
  for (const std::string& folder : listed)
    if (!folders.contains(folder))
      problem("README.md: the table of folders names `" + folder + "/`, which src/ lacks");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: layout_check PROJECT_ROOT\n";
    return 2;
  }
  fs::path root = argv[1];
  auto table = allowed_includes(root);
  check_order(root, table);
  Names folders;
  for (const auto& entry : fs::directory_iterator(root / "src"))
    if (entry.is_directory()) folders.insert(entry.path().filename());
  for (const std::string& folder : folders) {
    if (!table.contains(folder)) {
      problem("src/CMakeLists.txt has no paywarden_folder(NAME " + folder + " ...)");
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(root / "src" / folder)) {
      std::string extension = entry.path().extension();
      if (extension == ".cc" || extension == ".h") check_file(entry.path(), folder, table[folder]);
    }
  }
  check_readme(root, folders);
  std::cout << folders.size() << " folders, " << problems << " problems\n";
  return problems ? 1 : 0;
}
