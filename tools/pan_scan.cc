// Looks for card numbers in files of any kind, inside compressed ones too, and fails when there is
// one.
//
//   pan_scan [--known FILE] PATH...       FILE: card numbers, one a line; then only these count
//
// Prints path:offset for each (the number masked; the offset is in the decompressed bytes). Folders
// are searched whole. Without --known every run of 13 to 19 digits that passes the Luhn check
// counts, and binary files hold some by chance. Exit status: 0 none, 1 some, 2 a file could not be
// read.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <unordered_set>
#include <vector>

#include "intake/byte_stream.h"
#include "intake/pan.h"

namespace fs = std::filesystem;
using namespace paywarden;

namespace {

constexpr size_t kBlock = 1 << 20;
constexpr size_t kOverlap =
    128;  // longer than a number of 19 digits with two separators between any two

struct Scan {
  std::unordered_set<std::string> known;
  bool only_known = false;
  size_t found = 0;
  size_t unreadable = 0;
};

// Reports the numbers of `text` that begin before `end`; the bytes behind are seen again with the
// next block.
void scan_text(std::string_view text, size_t end, uint64_t offset, const std::string& path,
               Scan& scan) {
  for (const PanPlace& place : find_pans(text)) {
    if (place.offset >= end || (scan.only_known && !scan.known.contains(place.digits))) continue;
    ++scan.found;
    MaskedCard masked;
    mask_pan(place.digits, masked);
    std::printf("%s:%llu %s\n", path.c_str(),
                static_cast<unsigned long long>(offset + place.offset),
                std::string(masked.view()).c_str());
  }
}

Status scan_bytes(ByteStream& bytes, const std::string& path, Scan& scan) {
  std::vector<char> buffer(kBlock + kOverlap);
  size_t held = 0;
  uint64_t offset = 0;
  while (true) {
    TRY_ASSIGN(size_t n, bytes.read(buffer.data() + held, buffer.size() - held));
    held += n;
    if (n > 0 && held < buffer.size()) continue;
    size_t end = n == 0 ? held : held - kOverlap;
    scan_text({buffer.data(), held}, end, offset, path, scan);
    if (n == 0) return {};
    std::copy(buffer.begin() + static_cast<long>(end), buffer.begin() + static_cast<long>(held),
              buffer.begin());
    held -= end;
    offset += end;
  }
}

void scan_file(const std::string& path, Scan& scan) {
  ByteStreamOptions options;
  options.decompress_ahead = false;
  Result<std::unique_ptr<ByteStream>> bytes = open_bytes(path, options);
  Status status = bytes ? scan_bytes(**bytes, path, scan) : Status(tl::unexpected(bytes.error()));
  if (status) return;
  std::fprintf(stderr, "%s\n", status.error().line().c_str());
  ++scan.unreadable;
}

void scan_path(const fs::path& path, Scan& scan) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return scan_file(path.string(), scan);
  for (fs::recursive_directory_iterator it(path, error), end; !error && it != end;
       it.increment(error))
    if (it->is_regular_file(error) && !it->is_symlink(error)) scan_file(it->path().string(), scan);
  if (!error) return;
  std::fprintf(stderr, "%s: %s\n", path.c_str(), error.message().c_str());
  ++scan.unreadable;
}

bool read_known(const char* path, Scan& scan) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::erase_if(line, [](char c) { return c < '0' || c > '9'; });
    if (!line.empty()) scan.known.insert(line);
  }
  scan.only_known = true;
  if (scan.known.empty()) std::fprintf(stderr, "%s: no card numbers; write one a line\n", path);
  return !scan.known.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Scan scan;
  int first = 1;
  if (argc > 2 && std::string_view(argv[1]) == "--known") {
    if (!read_known(argv[2], scan)) return 2;
    first = 3;
  }
  if (first >= argc) {
    std::fprintf(stderr, "usage: pan_scan [--known FILE] PATH...\n");
    return 2;
  }
  for (int i = first; i < argc; ++i) scan_path(argv[i], scan);
  std::printf("%zu card numbers found, %zu files could not be read\n", scan.found, scan.unreadable);
  return scan.unreadable ? 2 : scan.found ? 1 : 0;
}
