#include "server/api/identity.hpp"

#include <array>
#include <ctime>
#include <fstream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <spdlog/spdlog.h>

#include "server/base/digest.hpp"
#include "server/base/encoding.hpp"
#include "server/base/usage_error.hpp"

namespace hoist::server {
namespace {

namespace fs = std::filesystem;

template <typename Type, void (*Free)(Type*)>
struct openssl_free {
  void operator()(Type* object) const noexcept { Free(object); }
};
using key_ptr = std::unique_ptr<EVP_PKEY, openssl_free<EVP_PKEY, EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, openssl_free<X509, X509_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, openssl_free<X509_EXTENSION, X509_EXTENSION_free>>;
struct free_bio {
  void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
};
using bio_ptr = std::unique_ptr<BIO, free_bio>;

constexpr long day = 24L * 60 * 60;
constexpr long ca_lifetime = 3650 * day;
constexpr long leaf_lifetime = 397 * day; // what strict clients accept at most
constexpr long leaf_renewal = 30 * day;   // a leaf with less left is replaced at the next start

constexpr const char* maker = "hoist-server"; // the organization in what is made here

void require(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("cannot make a certificate: ") + what);
}

std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.good() && !in.eof()) throw std::runtime_error("cannot read " + file.string());
  return text;
}

std::string load_secret(const fs::path& file) {
  const auto text = read_file(file);
  const auto secret = std::string(trimmed(text.substr(0, text.find_first_of("\r\n"))));
  if (secret.empty()) throw std::runtime_error(file.string() + " is empty: write a key into its first line");
  return secret;
}

std::string load_or_make_secret(const folder& state, const std::string& name, std::size_t random_bytes) {
  if (!state.look(name)) {
    std::array<std::uint8_t, 64> bytes{};
    const auto used = std::span(bytes).first(random_bytes);
    fill_random(used);
    state.replace(name, to_hex(used) + "\n", 0600);
  }
  return load_secret(state.path() / name);
}

std::string to_pem(X509* certificate) {
  const bio_ptr out(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(out.get(), certificate) == 1, "PEM");
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

std::string to_pem(EVP_PKEY* key) {
  const bio_ptr out(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1, "PEM");
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

template <typename Pointer, typename Read>
Pointer from_pem(const fs::path& file, Read read) {
  const auto text = read_file(file);
  const bio_ptr in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Pointer object(read(in.get(), nullptr, nullptr, nullptr));
  if (!object) throw std::runtime_error(file.string() + " cannot be read; remove it to have a new one made");
  return object;
}

struct signer {
  X509* certificate;
  EVP_PKEY* key;
};

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const extension_ptr extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, value.c_str());
}

certificate_ptr blank_certificate(const char* name, EVP_PKEY* key, long lifetime) {
  certificate_ptr certificate(X509_new());
  require(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1, "version");
  std::array<std::uint8_t, 16> serial{};
  fill_random(serial);
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7FU) | 0x40U); // RFC 5280: positive, at most 20 bytes
  ASN1_STRING_set(X509_get_serialNumber(certificate.get()), serial.data(), static_cast<int>(serial.size()));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -day); // a day for clocks that run behind
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), lifetime);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(maker), -1, -1, 0);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  require(X509_set_pubkey(certificate.get(), key) == 1, "public key");
  return certificate;
}

void sign(X509* certificate, const signer& by) {
  require(X509_set_issuer_name(certificate, X509_get_subject_name(by.certificate)) == 1, "issuer");
  require(X509_sign(certificate, by.key, EVP_sha256()) > 0, "signature");
}

certificate_ptr make_ca(EVP_PKEY* key) {
  auto ca = blank_certificate("hoist-server local CA", key, ca_lifetime);
  X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get())); // the authority key identifier looks at it
  add_extension(ca.get(), ca.get(), NID_subject_key_identifier, "hash");
  add_extension(ca.get(), ca.get(), NID_authority_key_identifier, "keyid:always");
  add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  sign(ca.get(), {ca.get(), key});
  return ca;
}

bool is_address(const std::string& host) {
  return host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == std::string::npos;
}

std::string alternative_names(const std::string& host) {
  std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
  if (host.empty() || host == "localhost" || host == "127.0.0.1" || host == "::1") return names;
  return names + (is_address(host) ? ",IP:" : ",DNS:") + host;
}

certificate_ptr make_leaf(EVP_PKEY* key, const signer& ca, const std::string& host) {
  auto leaf = blank_certificate("localhost", key, leaf_lifetime);
  add_extension(leaf.get(), ca.certificate, NID_subject_key_identifier, "hash");
  add_extension(leaf.get(), ca.certificate, NID_authority_key_identifier, "keyid:always");
  add_extension(leaf.get(), ca.certificate, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(leaf.get(), ca.certificate, NID_key_usage, "critical,digitalSignature");
  add_extension(leaf.get(), ca.certificate, NID_ext_key_usage, "serverAuth");
  add_extension(leaf.get(), ca.certificate, NID_subject_alt_name, alternative_names(host));
  sign(leaf.get(), ca);
  return leaf;
}

bool still_good(X509* leaf, X509* ca, const std::string& host) {
  std::time_t soon = std::time(nullptr) + leaf_renewal;
  if (X509_cmp_time(X509_get0_notAfter(leaf), &soon) <= 0) return false;
  const key_ptr ca_key(X509_get_pubkey(ca));
  if (X509_verify(leaf, ca_key.get()) != 1) return false;
  if (host.empty()) return true;
  return is_address(host) ? X509_check_ip_asc(leaf, host.c_str(), 0) == 1
                          : X509_check_host(leaf, host.c_str(), host.size(), 0, nullptr) == 1;
}

// Somebody may have put a certificate of another maker's into our folder: it must not be lost to a renewal.
bool is_of_our_making(X509* certificate) {
  std::array<char, 64> organization{};
  const auto* subject = X509_get_subject_name(certificate);
  const int length = X509_NAME_get_text_by_NID(subject, NID_organizationName, organization.data(), organization.size());
  return length > 0 && std::string_view(organization.data()) == maker;
}

key_ptr load_or_make_key(const folder& state, const std::string& name) {
  if (!state.look(name)) {
    const key_ptr fresh(EVP_EC_gen("P-256"));
    require(fresh != nullptr, "key");
    state.replace(name, to_pem(fresh.get()), 0600);
  }
  return from_pem<key_ptr>(state.path() / name, PEM_read_bio_PrivateKey);
}

void load_or_make_certificates(const identity_wishes& wishes, identity& who) {
  const auto& state = wishes.state;
  who.ca_certificate = state.path() / "ca.pem";
  who.certificate = state.path() / "server.pem";
  who.key = state.path() / "server.key";
  const auto ca_key = load_or_make_key(state, "ca.key");
  if (!state.look("ca.pem")) state.replace("ca.pem", to_pem(make_ca(ca_key.get()).get()), 0644);
  const auto ca = from_pem<certificate_ptr>(who.ca_certificate, PEM_read_bio_X509);
  const auto key = load_or_make_key(state, "server.key");
  if (state.look("server.pem")) {
    const auto leaf = from_pem<certificate_ptr>(who.certificate, PEM_read_bio_X509);
    if (still_good(leaf.get(), ca.get(), wishes.host)) return;
    if (!is_of_our_making(leaf.get())) {
      throw usage_error("--state: " + who.certificate.string() +
                        " was not made by hoist-server and would be replaced; " +
                        "move it away, or give it as --cert, with its --key");
    }
    spdlog::info("identity: the leaf certificate is renewed");
  }
  const auto leaf = make_leaf(key.get(), {ca.get(), ca_key.get()}, wishes.host);
  state.replace("server.pem", to_pem(leaf.get()) + to_pem(ca.get()), 0644);
}

} // namespace

identity load_or_make_identity(const identity_wishes& wishes) {
  identity who;
  if (!wishes.certificate.empty()) {
    // Whoever brings a certificate also knows what it chains to; a self-signed one is its own anchor.
    who.ca_certificate = wishes.certificate;
    who.certificate = wishes.certificate;
    who.key = wishes.key;
  } else if (wishes.tls) {
    load_or_make_certificates(wishes, who);
  }
  if (!wishes.api_key_file.empty() && !fs::exists(wishes.api_key_file)) {
    throw std::runtime_error("--api-key-file " + wishes.api_key_file.string() + " does not exist");
  }
  if (wishes.api_key_file.empty()) {
    who.api_key_file = wishes.state.path() / "api-key";
    who.api_key = load_or_make_secret(wishes.state, "api-key", 24);
  } else {
    who.api_key_file = fs::absolute(wishes.api_key_file);
    who.api_key = load_secret(who.api_key_file);
  }
  who.signing_secret = load_or_make_secret(wishes.state, "signing-secret", 32);
  // Derived, so that URLs name the same account after a restart; it tells nothing about the secret.
  const auto fingerprint = sha256("id of " + who.signing_secret);
  who.access_key_id = "HOIST" + to_hex(std::span(fingerprint).first(8));
  return who;
}

} // namespace hoist::server
