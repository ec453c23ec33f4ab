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

}  // namespace paywarden
