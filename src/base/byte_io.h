// Little-endian bytes, written and read back: snapshots, journal records, tables on disk.
//
//   std::string out;
//   ByteWriter w(out);  w.u32(7); w.text("abc");
//   ByteReader r(out);  uint32_t n = r.u32(); std::string_view s = r.text();
//   if (!r.ok()) ...   // anything read past the end is zero and makes ok() false for good
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace paywarden {

static_assert(std::endian::native == std::endian::little,
              "formats are written as they lie in memory");

// LEB128, 7 bits a byte, low bits first: at most kVarintBytesMax bytes at `to`; answers their end.
inline constexpr size_t kVarintBytesMax = 10;
inline char* put_varint(char* to, uint64_t v) {
  for (; v >= 0x80; v >>= 7) *to++ = static_cast<char>(v | 0x80);
  *to++ = static_cast<char>(v);
  return to;
}
// Signed, small magnitudes first.
inline uint64_t zigzag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}

class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  void u8(uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void u16(uint16_t v) { raw(&v, 2); }
  void u32(uint32_t v) { raw(&v, 4); }
  void u64(uint64_t v) { raw(&v, 8); }
  void i64(int64_t v) { raw(&v, 8); }
  void f32(float v) { raw(&v, 4); }
  void f64(double v) { raw(&v, 8); }
  void varint(uint64_t v) {
    char bytes[kVarintBytesMax];
    out_.append(bytes, put_varint(bytes, v));
  }
  void svarint(int64_t v) { varint(zigzag(v)); }
  // varint length, then the bytes.
  void text(std::string_view s) {
    varint(s.size());
    out_.append(s);
  }
  void raw(const void* p, size_t n) { out_.append(static_cast<const char*>(p), n); }
  std::string& out() { return out_; }

 private:
  std::string& out_;
};

// The same into memory that the caller knows to be large enough: for the small pieces of a record,
// which are then appended as one.
class ByteCursor {
 public:
  explicit ByteCursor(char* to) : begin_(to), at_(to) {}
  void u8(uint8_t v) { *at_++ = static_cast<char>(v); }
  void i64(int64_t v) { raw(&v, 8); }
  void f64(double v) { raw(&v, 8); }
  void varint(uint64_t v) { at_ = put_varint(at_, v); }
  void svarint(int64_t v) { varint(zigzag(v)); }
  void raw(const void* p, size_t n) {
    std::memcpy(at_, p, n);
    at_ += n;
  }
  std::string_view bytes() const { return {begin_, static_cast<size_t>(at_ - begin_)}; }

 private:
  char* begin_;
  char* at_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}
  uint8_t u8() { return get<uint8_t>(); }
  uint16_t u16() { return get<uint16_t>(); }
  uint32_t u32() { return get<uint32_t>(); }
  uint64_t u64() { return get<uint64_t>(); }
  int64_t i64() { return get<int64_t>(); }
  float f32() { return get<float>(); }
  double f64() { return get<double>(); }
  uint64_t varint() {
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      uint8_t byte = u8();
      v |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (!(byte & 0x80)) return v;
    }
    ok_ = false;
    return 0;
  }
  int64_t svarint() {
    uint64_t v = varint();
    return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
  }
  std::string_view text() { return raw(varint()); }  // points into the input
  std::string_view raw(size_t n) {
    if (n > in_.size() - at_) {
      ok_ = false;
      at_ = in_.size();
      return {};
    }
    std::string_view s = in_.substr(at_, n);
    at_ += n;
    return s;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return at_ == in_.size(); }
  size_t position() const { return at_; }

 private:
  template <typename T>
  T get() {
    static_assert(std::is_trivially_copyable_v<T>);
    T v{};
    std::string_view s = raw(sizeof(T));
    if (s.size() == sizeof(T)) std::memcpy(&v, s.data(), sizeof(T));
    return v;
  }
  std::string_view in_;
  size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace paywarden
