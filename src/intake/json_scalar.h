// A JSON value's text as simdjson's On-Demand finds it, made a RawValue: shared by the readers of
// objects and of tables. For the .cc files of this folder; includes all of simdjson.
#pragma once

#include <simdjson.h>
#include <string.h>

#include <cstring>
#include <string>
#include <string_view>

#include "intake/convert.h"
#include "intake/json_number.h"

namespace paywarden {

// Resolves the escapes of an input's strings into a buffer that is wiped when the input is done: a
// card number may have passed through it.
class Unescaper {
 public:
  // Escapes only make a string shorter, so that an input's length is room enough for all its
  // strings.
  void reserve(size_t input_bytes_max) {
    buffer_.resize(input_bytes_max + simdjson::SIMDJSON_PADDING);
    used_ = 0;
  }
  // Before the strings of an input are read: whether it has any escapes is asked once.
  void start(std::string_view input) {
    needed_ = std::memchr(input.data(), '\\', input.size()) != nullptr;
  }
  bool is_escaped(std::string_view string) const {
    return needed_ && std::memchr(string.data(), '\\', string.size()) != nullptr;
  }
  // The string that starts behind a quote at `from`; false where an escape is none.
  bool resolve(simdjson::ondemand::parser& parser, const char* from, std::string_view& out) {
    simdjson::ondemand::raw_json_string string(reinterpret_cast<const uint8_t*>(from));
    uint8_t* free = begin() + used_;
    if (parser.unescape(string, free).get(out) != simdjson::SUCCESS) return false;
    used_ += out.size();
    return true;
  }
  void wipe() {
    if (used_ > 0) explicit_bzero(begin(), used_);
    used_ = 0;
  }

 private:
  uint8_t* begin() { return reinterpret_cast<uint8_t*>(buffer_.data()); }
  std::string buffer_;
  size_t used_ = 0;
  bool needed_ = true;
};

// Objects and lists give Kind::nested (and are still to be walked), what is not JSON Kind::broken.
// By value, in registers: through memory it takes 5 ns more (a store of two halves, then a load of
// the whole).
inline RawValue json_scalar(simdjson::ondemand::value& value, simdjson::ondemand::parser& parser,
                            Unescaper& unescaper) {
  using Kind = RawValue::Kind;
  std::string_view token = value.raw_json_token();
  while (!token.empty() && (token.back() == ' ' || token.back() == '\n' || token.back() == '\r' ||
                            token.back() == '\t'))
    token.remove_suffix(1);
  const RawValue broken(Kind::broken, {});
  switch (token.empty() ? '\0' : token[0]) {
    case '"': {
      // Strings are consumed: simdjson 3.0 passes over one that was only looked at and a colon
      // behind it, as over a key.
      if (token.size() < 2 || token.back() != '"' || value.get_raw_json_string().error())
        return broken;
      std::string_view inner = token.substr(1, token.size() - 2);
      if (unescaper.is_escaped(inner) && !unescaper.resolve(parser, inner.data(), inner))
        return broken;
      return RawValue(Kind::text, inner);
    }
    case '{':
    case '[':
      return RawValue(Kind::nested, {});
    case 't':
    case 'f':
      return token == "true" || token == "false" ? RawValue(Kind::boolean, token) : broken;
    case 'n':
      return token == "null" ? RawValue(Kind::null, {}) : broken;
    default:
      return is_json_number(token) ? RawValue(Kind::number, token) : broken;
  }
}

// The value of a result without error, where it lies: a copy of simdjson's iterators a field costs
// as much as all else.
template <typename T>
T& in_place(simdjson::simdjson_result<T>& result) {
  using Base = simdjson::SIMDJSON_BUILTIN_IMPLEMENTATION::implementation_simdjson_result_base<T>;
  return static_cast<Base&>(result).value();
}

}  // namespace paywarden
