// TLS: certificates made here, clients through OpenSSL, files that are wrong, and certificates
// exchanged while serving.
#include <gmock/gmock.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <fstream>

#include "http/test_server.h"

namespace paywarden::http {
namespace {

// Writes a self-signed certificate and its key.
struct TestCertificate {
  TlsFiles files;

  explicit TestCertificate(const std::string& name) {
    std::string base =
        testing::TempDir() + "paywarden-http-tls-" + std::to_string(::getpid()) + "-" + name;
    files = {base + ".crt", base + ".key"};
    write(files, name);
  }
  ~TestCertificate() {
    std::remove(files.certificate_file.c_str());
    std::remove(files.key_file.c_str());
  }

  static void write(const TlsFiles& files, const std::string& name) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_sign(certificate, key, EVP_sha256());
    FILE* file = std::fopen(files.certificate_file.c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen(files.key_file.c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
};

// A TLS session over a TestClient's socket.
class TlsClient {
 public:
  explicit TlsClient(uint16_t port, int version_max = TLS1_3_VERSION)
      : tcp_(port), context_(SSL_CTX_new(TLS_client_method())), ssl_(nullptr) {
    SSL_CTX_set_max_proto_version(context_, version_max);
    SSL_CTX_set_min_proto_version(context_, std::min(version_max, TLS1_2_VERSION));
    SSL_CTX_set_security_level(context_, 0);
    ssl_ = SSL_new(context_);
    static const unsigned char offered[] = "\x02h2\x08http/1.1";
    SSL_set_alpn_protos(ssl_, offered, sizeof offered - 1);
    SSL_set_fd(ssl_, tcp_.fd());
    shaken_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  TlsClient(const TlsClient&) = delete;
  bool shaken() const { return shaken_; }
  std::string protocol() const {
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &chosen, &size);
    return {reinterpret_cast<const char*>(chosen), size};
  }
  std::string peer_name() const {
    X509* certificate = SSL_get1_peer_certificate(ssl_);
    char name[100] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
    X509_free(certificate);
    return name;
  }
  // Sends the request and reads until `size` bytes of body are there, or the end.
  std::string exchange(std::string_view request, size_t size) {
    SSL_write(ssl_, request.data(), static_cast<int>(request.size()));
    std::string answer;
    char bytes[16 * 1024];
    for (;;) {
      size_t head = answer.find("\r\n\r\n");
      if (head != std::string::npos && answer.size() >= head + 4 + size) return answer;
      int n = SSL_read(ssl_, bytes, sizeof bytes);
      if (n <= 0) return answer;
      answer.append(bytes, static_cast<size_t>(n));
    }
  }

 private:
  TestClient tcp_;
  SSL_CTX* context_;
  SSL* ssl_;
  bool shaken_ = false;
};

struct TlsServer : TestServer {
  TestCertificate certificate{"first"};
  TlsServer() {
    options.tls = certificate.files;
    router.add(Method::get, "/tls", kOpenToAll, [](RequestPtr request, Reply reply) {
      reply(Response::text(200, request->is_tls ? "secure" : "plain"));
    });
  }
};

std::string get(const char* path) {
  return std::string("GET ") + path + " HTTP/1.1\r\nHost: t\r\n\r\n";
}

TEST(HttpTls, ServesRequests) {
  TlsServer test;
  static const std::string large(300'000, 'x');
  test.router.add_static("/large", kOpenToAll, {.content_type = "text/plain", .bytes = large});
  test.start();
  EXPECT_THAT(test.server->url(), testing::StartsWith("https://127.0.0.1:"));
  TlsClient client(test.server->port());
  ASSERT_TRUE(client.shaken());
  EXPECT_EQ(client.protocol(), "http/1.1");
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(client.exchange(get("/tls"), 6), testing::EndsWith("\r\n\r\nsecure"));
  EXPECT_THAT(client.exchange(get("/large"), large.size()), testing::EndsWith(large));
  std::string body(100'000, 'y');
  EXPECT_THAT(
      client.exchange("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n" + body,
                      body.size()),
      testing::EndsWith(body));
}

TEST(HttpTls, OldVersionsAndPlainTextAreRefused) {
  TlsServer test;
  test.options.handshake_timeout = Duration(1000);
  test.start();
  EXPECT_FALSE(TlsClient(test.server->port(), TLS1_1_VERSION).shaken());
  EXPECT_TRUE(TlsClient(test.server->port(), TLS1_2_VERSION).shaken());
  TestClient plain = test.client();
  plain.request("GET", "/tls");
  EXPECT_TRUE(plain.closes());
  TestClient silent = test.client();
  EXPECT_TRUE(silent.closes());
  EXPECT_TRUE(eventually([&] { return test.stats().handshakes_failed == 3; }));
}

TEST(HttpTls, CertificatesAreExchangedWhileServing) {
  TlsServer test;
  test.start();
  TlsClient before(test.server->port());
  EXPECT_EQ(before.peer_name(), "first");
  std::ofstream(test.certificate.files.certificate_file) << "rubbish";
  Status failed = test.server->reload_tls();
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().line(),
              testing::StartsWith(test.certificate.files.certificate_file + ": no certificate"));
  EXPECT_EQ(TlsClient(test.server->port()).peer_name(), "first") << "the old one stays";
  TestCertificate::write(test.certificate.files, "second");
  ASSERT_TRUE(test.server->reload_tls());
  EXPECT_EQ(TlsClient(test.server->port()).peer_name(), "second");
  EXPECT_THAT(before.exchange(get("/tls"), 6), testing::EndsWith("secure"))
      << "open connections live on";
}

TEST(HttpTls, FilesThatAreWrong) {
  TestCertificate good("good"), other("other");
  TestServer test;
  auto error = [&](TlsFiles files) {
    ServerOptions options;
    options.address = "0.0.0.0";
    options.port = 0;
    options.tls = files;
    auto made = Server::create(options, Router(), {test.clock, test.log, {}, {}});
    return made ? std::string() : made.error().line();
  };
  EXPECT_EQ(error(good.files), "");
  EXPECT_EQ(error({"/nowhere/a.crt", good.files.key_file}),
            "/nowhere/a.crt: cannot read the TLS file; give the path of a PEM file that this user "
            "may read");
  EXPECT_THAT(error({good.files.certificate_file, "/nowhere/a.key"}),
              testing::StartsWith("/nowhere/a.key: cannot read"));
  EXPECT_THAT(error({good.files.key_file, good.files.key_file}),
              testing::HasSubstr("no certificate"));
  EXPECT_THAT(error({good.files.certificate_file, other.files.key_file}),
              testing::HasSubstr("must be PEM, without passphrase, and belong to"));
}

}  // namespace
}  // namespace paywarden::http
