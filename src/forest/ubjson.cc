#include "forest/ubjson.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <optional>

namespace paywarden {
namespace {

class Writer {
 public:
  Writer(std::string_view bytes, size_t json_bytes_max)
      : bytes_(bytes), json_bytes_max_(json_bytes_max) {}

  Result<std::string> all() {
    TRY_ASSIGN(char marker, take());
    TRY(value(marker, 0));
    if (at_ != bytes_.size()) return wrong("something stands behind the value");
    return std::move(out_);
  }

 private:
  tl::unexpected<Error> wrong(const std::string& what) const {
    return fail(fmt::format("this is no UBJSON: {} at byte {}", what, at_), {},
                "save it with XGBoost's save_model to a name that ends in .ubj or .json");
  }

  Result<char> take() {
    if (at_ >= bytes_.size()) return wrong("it ends early");
    return bytes_[at_++];
  }
  bool skip(char marker) {
    bool there = at_ < bytes_.size() && bytes_[at_] == marker;
    at_ += there;
    return there;
  }

  // Big-endian, as all numbers.
  template <typename Number>
  Result<Number> number() {
    if (bytes_.size() - at_ < sizeof(Number)) return wrong("it ends within a number");
    uint64_t bits = 0;
    for (size_t i = 0; i < sizeof(Number); ++i)
      bits = bits << 8 | static_cast<uint8_t>(bytes_[at_++]);
    if constexpr (std::is_same_v<Number, float>)
      return std::bit_cast<float>(static_cast<uint32_t>(bits));
    else if constexpr (std::is_same_v<Number, double>)
      return std::bit_cast<double>(bits);
    else
      return static_cast<Number>(bits);
  }

  template <typename Number>
  Result<std::optional<int64_t>> whole() {
    TRY_ASSIGN(Number n, number<Number>());
    return std::optional<int64_t>(n);
  }
  // None where the marker is no whole number's.
  Result<std::optional<int64_t>> whole(char marker) {
    switch (marker) {
      case 'i':
        return whole<int8_t>();
      case 'U':
        return whole<uint8_t>();
      case 'I':
        return whole<int16_t>();
      case 'l':
        return whole<int32_t>();
      case 'L':
        return whole<int64_t>();
      default:
        return std::optional<int64_t>();
    }
  }

  Result<size_t> length() {
    TRY_ASSIGN(char marker, take());
    TRY_ASSIGN(auto n, whole(marker));
    if (!n || *n < 0) return wrong("a length is no whole number");
    return static_cast<size_t>(*n);
  }

  Status text() {
    TRY_ASSIGN(size_t size, length());
    if (size > bytes_.size() - at_) return wrong("a text is longer than what is there");
    out_ += '"';
    for (char c : bytes_.substr(at_, size)) {
      if (c == '"' || c == '\\')
        (out_ += '\\') += c;
      else if (static_cast<unsigned char>(c) < 0x20)
        fmt::format_to(std::back_inserter(out_), "\\u{:04x}", static_cast<unsigned>(c));
      else
        out_ += c;
    }
    out_ += '"';
    at_ += size;
    return {};
  }

  template <typename Real>
  Status real() {
    TRY_ASSIGN(Real x, number<Real>());
    if (!std::isfinite(x)) return wrong("a number is not finite");
    fmt::format_to(std::back_inserter(out_), "{}", x);  // the shortest that reads back
    return {};
  }

  Status value(char marker, size_t depth) {
    if (out_.size() > json_bytes_max_) return wrong("it is too long as JSON,");
    switch (marker) {
      case 'Z':
        out_ += "null";
        return {};
      case 'T':
        out_ += "true";
        return {};
      case 'F':
        out_ += "false";
        return {};
      case 'd':
        return real<float>();
      case 'D':
        return real<double>();
      case 'S':
        return text();
      case '[':
        return array(depth + 1);
      case '{':
        return object(depth + 1);
      default:
        break;
    }
    TRY_ASSIGN(auto n, whole(marker));
    if (!n) return wrong(fmt::format("marker {:#x} is unknown", static_cast<uint8_t>(marker)));
    fmt::format_to(std::back_inserter(out_), "{}", *n);
    return {};
  }

  // What may stand before a container's elements: the type of all, and their number.
  struct Head {
    std::optional<char> type;
    std::optional<size_t> count;
  };
  Result<Head> head(size_t depth) {
    if (depth > kUbjsonNestingMax) return wrong("it nests too deep");
    Head head;
    if (skip('$')) {
      TRY_ASSIGN(head.type, take());
    }
    if (skip('#')) {
      TRY_ASSIGN(head.count, length());
    }
    if (head.type && !head.count) return wrong("a typed container has no count");
    // Each element takes a byte, or else the count says how much JSON it would be.
    if (head.count && *head.count > bytes_.size() - at_) {
      bool empty = head.type && (*head.type == 'Z' || *head.type == 'T' || *head.type == 'F');
      if (!empty || *head.count > json_bytes_max_) return wrong("a count is beyond what is there");
    }
    return head;
  }

  Status array(size_t depth) {
    TRY_ASSIGN(Head head, this->head(depth));
    out_ += '[';
    for (size_t i = 0; head.count ? i < *head.count : !skip(']'); ++i) {
      if (i > 0) out_ += ',';
      char marker;
      if (head.type) {
        marker = *head.type;
      } else {
        TRY_ASSIGN(marker, take());
      }
      TRY(value(marker, depth));
    }
    out_ += ']';
    return {};
  }

  Status object(size_t depth) {
    TRY_ASSIGN(Head head, this->head(depth));
    out_ += '{';
    for (size_t i = 0; head.count ? i < *head.count : !skip('}'); ++i) {
      if (i > 0) out_ += ',';
      TRY(text());
      out_ += ':';
      char marker;
      if (head.type) {
        marker = *head.type;
      } else {
        TRY_ASSIGN(marker, take());
      }
      TRY(value(marker, depth));
    }
    out_ += '}';
    return {};
  }

  std::string_view bytes_;
  size_t json_bytes_max_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

Result<std::string> ubjson_to_json(std::string_view bytes, std::string_view where,
                                   size_t json_bytes_max) {
  auto json = Writer(bytes, json_bytes_max).all();
  if (!json) json.error().where = where;
  return json;
}

}  // namespace paywarden
