#include "tls_identity.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace hoist::test {

void ssl_free::operator()(X509* x) const noexcept {
  X509_free(x);
}
void ssl_free::operator()(EVP_PKEY* k) const noexcept {
  EVP_PKEY_free(k);
}
void ssl_free::operator()(SSL_CTX* c) const noexcept {
  SSL_CTX_free(c);
}
void ssl_free::operator()(SSL* s) const noexcept {
  SSL_free(s);
}

namespace {

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("OpenSSL: cannot ") + what);
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  check(extension != nullptr, "make an extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

std::string pem_of(X509* certificate) {
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(out, certificate);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out, &text);
  std::string result(text, static_cast<std::size_t>(size));
  BIO_free(out);
  return result;
}

} // namespace

tls_identity tls_identity::make(const std::string& names, long begin, long end) {
  tls_identity made;
  made.key.reset(EVP_EC_gen("P-256"));
  check(made.key != nullptr, "make a key");
  made.certificate.reset(X509_new());
  X509* c = made.certificate.get();
  X509_set_version(c, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
  X509_gmtime_adj(X509_getm_notBefore(c), begin);
  X509_gmtime_adj(X509_getm_notAfter(c), end);
  X509_set_pubkey(c, made.key.get());
  X509_NAME* subject = X509_get_subject_name(c);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("hoist test"), -1, -1,
                             0);
  X509_set_issuer_name(c, subject);
  add_extension(c, NID_subject_alt_name, names);
  add_extension(c, NID_basic_constraints, "CA:TRUE");
  check(X509_sign(c, made.key.get(), EVP_sha256()) != 0, "sign");
  made.pem = pem_of(c);
  return made;
}

std::unique_ptr<SSL_CTX, ssl_free> tls_identity::server_context(int protocol) const {
  std::unique_ptr<SSL_CTX, ssl_free> made(SSL_CTX_new(TLS_server_method()));
  check(made != nullptr, "make a context");
  if (protocol != 0) {
    SSL_CTX_set_security_level(made.get(), 0);
    SSL_CTX_set_cipher_list(made.get(), "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(made.get(), protocol);
    SSL_CTX_set_max_proto_version(made.get(), protocol);
  }
  check(SSL_CTX_use_certificate(made.get(), certificate.get()) == 1, "use the certificate");
  check(SSL_CTX_use_PrivateKey(made.get(), key.get()) == 1, "use the key");
  return made;
}

} // namespace hoist::test
