#include "app/output_file.h"

namespace paywarden {

Result<std::unique_ptr<OutputFile>> OutputFile::create(const std::string& path) {
  for (const char* ending : {".xz", ".zst", ".bz2"})
    if (path.ends_with(ending))
      return fail(std::string("an output is compressed with gzip or not at all, not ") + ending,
                  path, "let its name end with .gz, or compress it afterwards");
  auto output = std::unique_ptr<OutputFile>(new OutputFile);
  if (path.ends_with(".gz"))
    output->gzip_ = gzopen(path.c_str(), "wb6");
  else
    output->plain_ = std::fopen(path.c_str(), "wb");
  if (!output->gzip_ && !output->plain_)
    return fail("the file cannot be made", path, "does its folder exist?");
  return output;
}

OutputFile::~OutputFile() {
  close();
}

bool OutputFile::write(const std::string& text) {
  if (gzip_)
    return gzwrite(gzip_, text.data(), static_cast<unsigned>(text.size())) ==
           static_cast<int>(text.size());
  return std::fwrite(text.data(), 1, text.size(), plain_) == text.size();
}

bool OutputFile::close() {
  bool done = true;
  if (gzip_) done = gzclose(gzip_) == Z_OK;
  if (plain_) done = std::fclose(plain_) == 0;
  gzip_ = nullptr;
  plain_ = nullptr;
  return done;
}

}  // namespace paywarden
