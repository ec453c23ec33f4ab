#include "archive/object_encoder.h"

#include <array>

#include "archive/archive_line.h"
#include "archive/avro_encoder.h"

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
  constexpr std::array<std::string_view, 2> kNames = {"ndjson", "avro"};
  return kNames[static_cast<size_t>(format)];
}

std::string_view extension_of(const ObjectEncoding& encoding) {
  constexpr std::array<std::string_view, 3> kLines = {".json", ".json.gz", ".json.zst"};
  if (encoding.format == ArchiveFormat::avro) return ".avro";
  return kLines[static_cast<size_t>(encoding.compression)];
}

std::unique_ptr<ObjectEncoder> new_encoder(const ObjectEncoding& encoding,
                                           const std::string& name) {
  if (encoding.format == ArchiveFormat::avro)
    return std::make_unique<AvroEncoder>(encoding.compression, name);
  return std::make_unique<LineEncoder>(encoding.compression);
}

}  // namespace paywarden
