// TLS: who is believed. A local authority signs, or does not sign, the certificates of local servers.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>

#include "http/client.hpp"
#include "unit/http_server.hpp"

namespace etl::http {
namespace {

template <typename T, void (*Free)(T*)>
struct Freer {
  void operator()(T* thing) const { Free(thing); }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509, X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freer<SSL_CTX, SSL_CTX_free>>;

struct Identity {
  Key key;
  Certificate certificate;
};

// A certificate valid from `begin` to `end` seconds from now; its own authority if `issuer` is null.
Identity make_identity(const char* name, const char* alternative, const Identity* issuer, long begin, long end) {
  Identity identity{Key(EVP_EC_gen("P-256")), Certificate(X509_new())};
  X509* certificate = identity.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), rand());
  X509_gmtime_adj(X509_getm_notBefore(certificate), begin);
  X509_gmtime_adj(X509_getm_notAfter(certificate), end);
  X509_set_pubkey(certificate, identity.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509* signer = issuer ? issuer->certificate.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  const auto extend = [&](int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, signer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  };
  if (issuer == nullptr) extend(NID_basic_constraints, "critical,CA:TRUE");
  if (alternative != nullptr) extend(NID_subject_alt_name, alternative);
  X509_sign(certificate, issuer ? issuer->key.get() : identity.key.get(), EVP_sha256());
  return identity;
}

// Serves one exchange per connection; counts the requests that came through a finished handshake.
class TlsServer {
 public:
  explicit TlsServer(const Identity& identity, int max_version = 0) : context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_use_certificate(context_.get(), identity.certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), identity.key.get());
    if (max_version != 0) {
      SSL_CTX_set_security_level(context_.get(), 0);
      SSL_CTX_set_max_proto_version(context_.get(), max_version);
    }
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), length);
    ::listen(listener_, 8);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~TlsServer() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
  }
  int port() const { return port_; }
  int requests() const { return requests_; }

 private:
  void run() {
    while (!stop_) {
      pollfd polled{listener_, POLLIN, 0};
      if (::poll(&polled, 1, 20) <= 0) continue;
      const int fd = ::accept(listener_, nullptr, nullptr);
      const timeval limit{2, 0};
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
      SSL* ssl = SSL_new(context_.get());
      SSL_set_fd(ssl, fd);
      char bytes[4096];
      if (SSL_accept(ssl) == 1 && SSL_read(ssl, bytes, sizeof bytes) > 0) {
        ++requests_;
        const std::string reply = test::HttpServer::reply(200, "safe");
        SSL_write(ssl, reply.data(), static_cast<int>(reply.size()));
        SSL_shutdown(ssl);
      }
      SSL_free(ssl);
      ::close(fd);
    }
  }

  Context context_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<int> requests_ = 0;
  std::thread thread_;
};

class TlsTest : public testing::Test {
 protected:
  static constexpr long kDay = 86400;

  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);
    FILE* file = fopen(ca_file.c_str(), "w");
    PEM_write_X509(file, authority.certificate.get());
    fclose(file);
  }
  void TearDown() override { remove(ca_file.c_str()); }

  std::string exchange(const TlsServer& server, Tls tls, const std::string& host = "localhost") {
    PollWaiter waiter;
    Client client(waiter, AddressPolicy::parse("127.0.0.0/8"), std::move(tls), 1);
    Request request;
    request.url = "https://" + host + ":" + std::to_string(server.port()) + "/";
    const Reply reply = client.perform(request);
    if (!reply.failure) return reply.body;
    EXPECT_FALSE(reply.failure->detail.empty());
    EXPECT_NE(reply.failure->hint.find("ca_file"), std::string::npos) << reply.failure->message;
    EXPECT_EQ(server.requests(), 0);
    return reply.failure->sqlstate;
  }

  Tls trusting() const { return Tls{ca_file, true}; }

  std::string ca_file = testing::TempDir() + "http_tls_test_" + std::to_string(getpid()) + ".pem";
  Identity authority = make_identity("authority", nullptr, nullptr, -kDay, kDay);
};

TEST_F(TlsTest, AcceptsWhatTheAuthoritySigned) {
  const TlsServer server(make_identity("x", "DNS:localhost,IP:127.0.0.1", &authority, -kDay, kDay));
  EXPECT_EQ(exchange(server, trusting()), "safe");
  EXPECT_EQ(exchange(server, trusting(), "127.0.0.1"), "safe");
}

TEST_F(TlsTest, RefusesAnUnknownAuthority) {
  const TlsServer server(make_identity("x", "DNS:localhost", &authority, -kDay, kDay));
  EXPECT_EQ(exchange(server, Tls{}), "08001");
}

TEST_F(TlsTest, RefusesAForeignAuthority) {
  const Identity foreign = make_identity("authority", nullptr, nullptr, -kDay, kDay);
  const TlsServer server(make_identity("x", "DNS:localhost", &foreign, -kDay, kDay));
  EXPECT_EQ(exchange(server, trusting()), "08001");
}

TEST_F(TlsTest, RefusesAnotherName) {
  const TlsServer server(make_identity("localhost", "DNS:other.example", &authority, -kDay, kDay));
  EXPECT_EQ(exchange(server, trusting()), "08001");
}

TEST_F(TlsTest, RefusesAnExpiredCertificate) {
  const TlsServer server(make_identity("x", "DNS:localhost", &authority, -2 * kDay, -kDay));
  EXPECT_EQ(exchange(server, trusting()), "08001");
}

TEST_F(TlsTest, RefusesACertificateOfTomorrow) {
  const TlsServer server(make_identity("x", "DNS:localhost", &authority, kDay, 2 * kDay));
  EXPECT_EQ(exchange(server, trusting()), "08001");
}

TEST_F(TlsTest, RefusesASelfSignedCertificate) {
  const TlsServer server(make_identity("localhost", "DNS:localhost", nullptr, -kDay, kDay));
  EXPECT_EQ(exchange(server, trusting()), "08001");
}

TEST_F(TlsTest, RefusesOldVersions) {
  const Identity identity = make_identity("x", "DNS:localhost", &authority, -kDay, kDay);
  const TlsServer current(identity, TLS1_2_VERSION);
  EXPECT_EQ(exchange(current, trusting()), "safe");
  const TlsServer old(identity, TLS1_1_VERSION);
  EXPECT_EQ(exchange(old, trusting()), "08001");
}

TEST_F(TlsTest, RefusesAMissingAuthorityFile) {
  const TlsServer server(make_identity("x", "DNS:localhost", &authority, -kDay, kDay));
  EXPECT_EQ(exchange(server, Tls{ca_file + ".missing", true}), "08001");
}

TEST_F(TlsTest, VerificationIsOffOnlyWhenTold) {
  const TlsServer server(make_identity("x", "DNS:other.example", nullptr, -kDay, kDay));
  EXPECT_EQ(exchange(server, Tls{"", false}), "safe");
}

}  // namespace
}  // namespace etl::http
