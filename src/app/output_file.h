// A file that a command writes, plain or gzip by its name.
//
//   TRY_ASSIGN(auto out, OutputFile::create("rows.csv.gz"));
//   if (!out->write(text) || !out->close()) ...   // the disk may be full
#pragma once

#include <zlib.h>

#include <cstdio>
#include <memory>
#include <string>

#include "base/result.h"

namespace paywarden {

class OutputFile {
 public:
  static Result<std::unique_ptr<OutputFile>> create(const std::string& path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();
  bool write(const std::string& text);
  bool close();

 private:
  OutputFile() = default;
  gzFile gzip_ = nullptr;
  std::FILE* plain_ = nullptr;
};

}  // namespace paywarden
