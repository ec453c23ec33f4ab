// Appends JSON to a string, with no allocation beyond the string's own growth.
//
//   std::string out;
//   JsonWriter json(out);
//   json.open_object();
//   json.key("payment_id").string("p1").key("score").number(0.25f);
//   json.key("rules").open_array().string("r1").close_array();
//   json.close_object();                     // {"payment_id":"p1","score":0.25,"rules":["r1"]}
//
// Strings are escaped (RFC 8259); bytes that are not UTF-8 become U+FFFD. NaN and infinities become
// null. Numbers are the shortest text that reads back to the same value.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace paywarden {

void append_json_string(std::string& out, std::string_view text);

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& open_object() { return open('{'); }
  JsonWriter& close_object() { return close('}'); }
  JsonWriter& open_array() { return open('['); }
  JsonWriter& close_array() { return close(']'); }
  // `name` must need no escaping.
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view text);
  JsonWriter& number(double value);
  JsonWriter& number(float value);
  JsonWriter& integer(int64_t value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  // Text that is JSON already.
  JsonWriter& raw(std::string_view json);

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate() {
    if (comma_) out_.push_back(',');
    comma_ = true;
  }
  std::string& out_;
  bool comma_ = false;
};

// The same into memory that is made ready at once, for JSON of which most is known beforehand: JsonWriter asks for room piece by piece.
//
//   {
//     JsonCursor json(out, 64 + JsonCursor::most(id));           // bytes that will do, whatever the values are
//     json.text(R"({"id":)").string(id).text(R"(,"score":)").number(score).text("}");
//   }                                                            // only now `out` is as long as what was written
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
