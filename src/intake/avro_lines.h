// An Avro object container file as lines of JSON, so that an archive in Avro is read as one in NDJSON (Apache Avro 1.11 Specification,
// "Object Container Files"). Codecs: null, deflate, zstandard.
//
//   if (is_avro(first_bytes)) bytes = std::make_unique<AvroLines>(std::move(bytes), path);
//
// Holds a block of the file and its lines: at most 64 MiB each. A damaged block is an error that names the file and where; the lines before
// it were given. One object, one thread.
#pragma once

#include <optional>
#include <string>

#include "intake/avro_type.h"
#include "intake/byte_stream.h"

namespace paywarden {

bool is_avro(std::string_view first_bytes);  // 4 are enough

class AvroLines : public ByteStream {
 public:
  AvroLines(std::unique_ptr<ByteStream> file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  Result<size_t> read(char* out, size_t most) override;
  uint64_t consumed() const override { return file_->consumed(); }

 private:
  enum class Codec : uint8_t { none, deflate, zstandard };
  Status read_head();
  Status read_block();
  Result<std::string> unpacked(std::string_view block) const;
  Result<bool> fill();
  Result<std::optional<int64_t>> number();  // nothing: the end of the file
  Result<std::string> bytes(size_t count);
  Result<std::string> text();
  tl::unexpected<Error> damaged(const std::string& what) const;

  std::unique_ptr<ByteStream> file_;
  const std::string path_;
  std::string input_;  // read, not used up to input_at_
  size_t input_at_ = 0;
  uint64_t used_ = 0;                 // bytes of the file before input_
  std::optional<AvroSchema> schema_;  // once the head is read
  Codec codec_ = Codec::none;
  std::string sync_;
  std::string lines_;
  size_t lines_at_ = 0;
  bool ended_ = false;
};

}  // namespace paywarden
