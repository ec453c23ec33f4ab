// Turns a folder into a C++ source that holds its files: path, content type, bytes, a gzip of the
// bytes, an ETag. The bytes themselves go into one blob beside the source (.incbin), so that
// compiling stays quick.
//
//   embed_files FOLDER NAME HEADER OUT.cc
//
// writes OUT.cc, which defines `std::span<const PageAsset> NAME()` as HEADER declares it, and
// OUT.cc.blob. The output depends on the files alone (no times, sorted paths), so an unchanged
// folder rebuilds nothing.
#include <openssl/sha.h>
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct File {
  std::string path;  // from the folder's root, with a leading '/'
  std::string bytes;
  std::string gzip;  // empty when it would not be smaller
};

const std::map<std::string, std::string> content_types = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".json", "application/json"},
    {".yaml", "application/yaml"},
    {".txt", "text/plain; charset=utf-8"},
    {".sql", "text/plain; charset=utf-8"},
};

std::string content_type(const std::string& path) {
  auto found = content_types.find(fs::path(path).extension());
  return found == content_types.end() ? "application/octet-stream" : found->second;
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Level 9, no name and no time in the header: the same bytes give the same gzip.
std::optional<std::string> gzip(const std::string& bytes) {
  constexpr int gzip_window_bits = 15 + 16;
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, gzip_window_bits, 9, Z_DEFAULT_STRATEGY) != Z_OK)
    return std::nullopt;
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  int status = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return status == Z_STREAM_END ? std::optional(out) : std::nullopt;
}

std::string etag(const std::string& bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string text = "\"";
  for (int i = 0; i < 12; ++i) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", digest[i]);
    text += hex;
  }
  return text + "\"";
}

std::vector<File> read_folder(const fs::path& folder) {
  std::vector<File> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    File file{"/" + fs::relative(entry.path(), folder).generic_string(), read(entry.path()), {}};
    auto packed = gzip(file.bytes);
    if (packed && packed->size() < file.bytes.size()) file.gzip = std::move(*packed);
    files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
  return files;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// Files under /assets/ carry a hash of their content in the name, so they may be kept for ever.
const char* immutable(const std::string& path) {
  return path.starts_with("/assets/") ? "true" : "false";
}

std::string rows(const std::vector<File>& files) {
  std::ostringstream out;
  size_t offset = 0;
  auto slice = [&](const std::string& bytes) {
    std::string text =
        "bytes_at(" + std::to_string(offset) + ", " + std::to_string(bytes.size()) + ")";
    offset += bytes.size();
    return text;
  };
  for (const File& file : files) {
    std::string plain = slice(file.bytes), packed = slice(file.gzip);
    out << "      {" << quoted(file.path) << ", " << quoted(content_type(file.path)) << ", "
        << quoted(etag(file.bytes)) << ", " << immutable(file.path) << ",\n       " << plain << ", "
        << packed << "},\n";
  }
  return out.str();
}

std::string source(const std::vector<File>& files, const std::string& name,
                   const std::string& header, const std::string& blob_path) {
  std::string blob = "paywarden_blob_" + name;
  std::ostringstream out;
  out << "// Made by tools/embed_files.cc.\n#include " << quoted(header)
      << "\n\n#include <array>\n\n"
      << "asm(\".section .rodata\\n\"\n    \".balign 16\\n\"\n    \".local " << blob
      << "\\n\"\n    \"" << blob << ": .incbin \\\"" << blob_path
      << "\\\"\\n\"\n    \".byte 0\\n\"\n    \".text\\n\");\n"
      << "extern const char " << blob << "[];\n\n"
      << "namespace paywarden {\nnamespace {\nstd::string_view bytes_at(size_t offset, size_t "
         "size) {\n"
      << "  return {" << blob << " + offset, size};\n}\n}  // namespace\n\n"
      << "std::span<const PageAsset> " << name << "() {\n  static const std::array<PageAsset, "
      << files.size() << "> assets = {{\n"
      << rows(files) << "  }};\n  return assets;\n}\n\n}  // namespace paywarden\n";
  return out.str();
}

bool write(const fs::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  file.close();
  if (!file) std::cerr << path.string() << ": cannot write\n";
  return !file.fail();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: embed_files FOLDER NAME HEADER OUT.cc\n";
    return 2;
  }
  std::error_code missing;
  if (!fs::is_directory(argv[1], missing)) {
    std::cerr << argv[1] << ": no such folder\n";
    return 1;
  }
  auto files = read_folder(argv[1]);
  std::string blob;
  for (const File& file : files) blob += file.bytes + file.gzip;
  std::string blob_path = fs::absolute(argv[4]).string() + ".blob";
  bool written =
      write(blob_path, blob) && write(argv[4], source(files, argv[2], argv[3], blob_path));
  return written ? 0 : 1;
}
