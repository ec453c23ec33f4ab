// One TCP connection, plain or TLS, with at most one read and one write under way: the only place
// where a connection meets Asio. All on the connection's thread. Inside of http/ only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/padded_buffer.h"

namespace paywarden::http {

// What happens on the wire. Never called from inside the Wire's own functions.
class WireUser {
 public:
  virtual void on_handshake(bool ok) = 0;
  virtual void on_bytes(size_t count) = 0;  // in input()
  virtual void on_end() = 0;  // the other side closed, or the connection broke; nothing more comes
  virtual void on_written(size_t count, bool ok) = 0;  // all of what write() was given

 protected:
  ~WireUser() = default;
};

// Received and not yet used. Pointers into it are good until the next read().
class InputBuffer {
 public:
  std::string_view view() const { return {bytes_.get() + begin_, end_ - begin_}; }
  void use(size_t count) { begin_ += count; }
  // Where the next bytes go: room for `least` of them or more; kBodyPadding readable bytes lie
  // behind.
  std::pair<char*, size_t> prepare(size_t least);
  void commit(size_t count) { end_ += count; }
  void release() { *this = {}; }  // its memory too
  size_t capacity() const { return capacity_; }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t begin_ = 0, end_ = 0, capacity_ = 0;
};

class Wire {
 public:
  virtual ~Wire() = default;
  virtual void handshake(std::shared_ptr<WireUser> user) = 0;
  virtual void read(std::shared_ptr<WireUser> user,
                    size_t room) = 0;  // asks for `room` bytes or more
  // `head` is taken (and comes back empty, with memory to use again); `tail` must stay until
  // on_written().
  virtual void write(std::shared_ptr<WireUser> user, std::string& head, std::string_view tail) = 0;
  virtual void shutdown_send() = 0;
  virtual void close() = 0;  // no more calls to the user but on_written/on_end of what is under way
  virtual bool reading() const = 0;
  virtual bool writing() const = 0;
  InputBuffer& input() { return input_; }

 protected:
  InputBuffer input_;
};

}  // namespace paywarden::http
