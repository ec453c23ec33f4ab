// JSON of which most is known beforehand, written into memory that is made ready at once: a third of what JsonWriter takes, which
// asks for each piece.
//
//   {
//     JsonCursor json(out, 64 + JsonCursor::most(id));           // bytes that will do, whatever the values are
//     json.text(R"({"id":)").string(id).text(R"(,"score":)").number(score).text("}");
//   }                                                            // only now `out` is as long as what was written
//
// Strings and numbers are written as JsonWriter writes them.
#pragma once

#include <cstring>
#include <string>
#include <string_view>

namespace paywarden {

class JsonCursor {
 public:
  static constexpr size_t kNumberMost = 32;
  // Of a string, in quotes.
  static size_t most(std::string_view string) { return 6 * string.size() + 2; }

  // `out` is left alone by others while the cursor lives.
  JsonCursor(std::string& out, size_t most) : out_(out) {
    size_t before = out.size();
    out.resize(before + most);
    at_ = out.data() + before;
  }
  ~JsonCursor() { out_.resize(static_cast<size_t>(at_ - out_.data())); }
  JsonCursor(const JsonCursor&) = delete;
  JsonCursor& operator=(const JsonCursor&) = delete;

  // As it is.
  JsonCursor& text(std::string_view text) {
    if (!text.empty())
      std::memcpy(at_, text.data(), text.size());  // of nothing there may be no address
    at_ += text.size();
    return *this;
  }
  // In quotes, escaped.
  JsonCursor& string(std::string_view text);
  JsonCursor& number(float value);

 private:
  std::string& out_;
  char* at_;
};

}  // namespace paywarden
