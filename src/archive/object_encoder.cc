#include "archive/object_encoder.h"

#include <array>

#include "archive/archive_line.h"

namespace paywarden {
namespace {

class LineEncoder : public ObjectEncoder {
 public:
  explicit LineEncoder(ArchiveCompression compression) : compressor_(compression) {}
  Status add(const DecidedPayment& decided) override {
    text_.clear();
    TRY(line_.append(decided, text_));
    compressor_.add(text_);
    return {};
  }
  size_t bytes_in() const override { return compressor_.bytes_in(); }
  std::string finish() override { return compressor_.finish(); }

 private:
  ArchiveLine line_;
  Compressor compressor_;
  std::string text_;
};

}  // namespace

std::string_view name_of(ArchiveFormat format) {
  constexpr std::array<std::string_view, 1> kNames = {"ndjson"};
  return kNames[static_cast<size_t>(format)];
}

std::string_view extension_of(const ObjectEncoding& encoding) {
  constexpr std::array<std::string_view, 3> kLines = {".json", ".json.gz", ".json.zst"};
  return kLines[static_cast<size_t>(encoding.compression)];
}

std::unique_ptr<ObjectEncoder> new_encoder(const ObjectEncoding& encoding, const std::string&) {
  return std::make_unique<LineEncoder>(encoding.compression);
}

}  // namespace paywarden
