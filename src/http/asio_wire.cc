#include "http/asio_wire.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <fstream>
#include <optional>

namespace paywarden::http {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

constexpr size_t kKeptWriteBytes =
    128 * 1024;  // a write buffer larger than this is given back after use

class AsioWire final : public Wire {
 public:
  AsioWire(Socket socket, TlsContext context)
      : socket_(std::move(socket)), context_(std::move(context)) {
    if (context_) tls_.emplace(socket_, *context_);
  }

  void handshake(std::shared_ptr<WireUser> user) override {
    tls_->async_handshake(asio::ssl::stream_base::server,
                          [user = std::move(user)](ErrorCode ec) { user->on_handshake(!ec); });
  }

  void read(std::shared_ptr<WireUser> user, size_t room) override {
    reading_ = true;
    auto [at, bytes] = input_.prepare(room);
    on_stream([&, at = at, bytes = bytes](auto& stream) {
      stream.async_read_some(asio::buffer(at, bytes),
                             [this, user = std::move(user)](ErrorCode ec, size_t n) {
                               reading_ = false;
                               if (ec) return user->on_end();
                               input_.commit(n);
                               user->on_bytes(n);
                             });
    });
  }

  void write(std::shared_ptr<WireUser> user, std::string& head, std::string_view tail) override {
    writing_ = true;
    written_ = 0;
    head_.swap(head);
    head.clear();
    if (head.capacity() > kKeptWriteBytes) head.shrink_to_fit();
    tail_ = tail;
    write_some(std::move(user));
  }

  void shutdown_send() override {
    ErrorCode ignored;  // the other side may be gone
    socket_.shutdown(Tcp::socket::shutdown_send, ignored);
  }

  void close() override {
    ErrorCode ignored;
    socket_.close(ignored);
  }

  bool reading() const override { return reading_; }
  bool writing() const override { return writing_; }

 private:
  template <typename Use>
  void on_stream(Use use) {
    if (tls_)
      use(*tls_);
    else
      use(socket_);
  }

  std::array<asio::const_buffer, 2> rest() const {
    size_t of_head = std::min(written_, head_.size());
    size_t of_tail = written_ - of_head;
    return {asio::const_buffer(head_.data() + of_head, head_.size() - of_head),
            asio::const_buffer(tail_.data() + of_tail, tail_.size() - of_tail)};
  }

  void write_some(std::shared_ptr<WireUser> user) {
    on_stream([&](auto& stream) {
      stream.async_write_some(rest(),
                              [this, user = std::move(user)](ErrorCode ec, size_t n) mutable {
                                written_ += n;
                                if (!ec && written_ < head_.size() + tail_.size())
                                  return write_some(std::move(user));
                                writing_ = false;
                                user->on_written(written_, !ec);
                              });
    });
  }

  Socket socket_;
  const TlsContext context_;
  std::optional<asio::ssl::stream<Socket&>> tls_;
  bool reading_ = false, writing_ = false;
  std::string head_;
  std::string_view tail_;
  size_t written_ = 0;
};

int select_http11(SSL*, const unsigned char** out, unsigned char* out_size,
                  const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kHttp11, sizeof kHttp11 - 1, offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// TLS 1.2 with forward secrecy and authenticated ciphers, or 1.3 (RFC 9325).
void harden(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // 34 KB less for an idle connection
  SSL_CTX_set_alpn_select_cb(context, select_http11, nullptr);
  SSL_CTX_set_default_passwd_cb(
      context, [](char*, int, int, void*) { return 0; });  // else it asks the terminal
}

Status readable(const std::string& path) {
  if (std::ifstream(path).good()) return {};
  return fail("cannot read the TLS file", path,
              "give the path of a PEM file that this user may read");
}

}  // namespace

std::unique_ptr<Wire> make_wire(Socket socket, TlsContext tls) {
  return std::make_unique<AsioWire>(std::move(socket), std::move(tls));
}

Result<TlsContext> load_tls(const TlsFiles& files) {
  TRY(readable(files.certificate_file));
  TRY(readable(files.key_file));
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  harden(context->native_handle());
  ErrorCode ec;
  context->use_certificate_chain_file(files.certificate_file, ec);
  if (ec)
    return fail("no certificate: " + ec.message(), files.certificate_file, "the file must be PEM");
  context->use_private_key_file(files.key_file, asio::ssl::context::pem, ec);
  if (ec)
    return fail("no usable private key: " + ec.message(), files.key_file,
                "it must be PEM, without passphrase, and belong to " + files.certificate_file);
  return context;
}

}  // namespace paywarden::http
