#include "net/tls_engine.hpp"

#include "net/sigpipe_guard.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace hoist::net {

namespace {

/// What OpenSSL asks a BIO when it wants keys to go to the kernel; its public header has the number in a comment alone.
constexpr int bio_ctrl_set_ktls = 72;

/// What OpenSSL has to say while nothing is sent: answers to key updates, which are some 30 bytes each.
constexpr std::size_t spill_max = 64 * 1024;

/// SSL_get_error needs an empty queue. Emptying an empty one would cost 800 instructions.
void forget_errors() noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

} // namespace

/// OpenSSL's view of a tls_engine: reads take from its input span, writes append to its output.
struct memory_bio {
  static tls_engine& engine(BIO* b) { return *static_cast<tls_engine*>(BIO_get_data(b)); }

  static int read(BIO* b, char* out, int room) {
    BIO_clear_retry_flags(b);
    tls_engine& e = engine(b);
    if (e.input_.empty()) {
      BIO_set_retry_read(b);
      return -1;
    }
    const std::size_t n = std::min(e.input_.size(), static_cast<std::size_t>(room));
    std::memcpy(out, e.input_.data(), n);
    e.input_ = e.input_.subspan(n);
    return static_cast<int>(n);
  }

  static int write(BIO* b, const char* bytes, int count) {
    BIO_clear_retry_flags(b);
    tls_engine& e = engine(b);
    const auto n = static_cast<std::size_t>(count);
    if (n > e.output_.size() - e.written_) {
      if (e.spill_.size() > spill_max) return -1; // a peer that asks and asks, and never lets us say anything else
      e.spill_.insert(e.spill_.end(), bytes, bytes + n);
      return count;
    }
    std::memcpy(e.output_.data() + e.written_, bytes, n);
    e.written_ += n;
    return count;
  }

  static long control(BIO* b, int command, long sending, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    // Once the kernel seals, OpenSSL 3.2 and later ask for a kernel again when the peer wants our keys changed, and
    // could not even be read from any more if it were refused. Nothing that it seals from then on is sent.
    return command == bio_ctrl_set_ktls && sending != 0 && engine(b).kernel_seals_ ? 1 : 0;
  }

  static int create(BIO* b) {
    BIO_set_init(b, 1);
    return 1;
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "hoist memory");
      BIO_meth_set_read(m, read);
      BIO_meth_set_write(m, write);
      BIO_meth_set_ctrl(m, control);
      BIO_meth_set_create(m, create);
      return m;
    }();
    return made;
  }
};

tls_engine::tls_engine(const tls_context& context, const std::string& host)
    : session_(context.new_session(host, resumes_)) {
  BIO* bio = BIO_new(memory_bio::method());
  BIO_set_data(bio, this);
  SSL_set_bio(session_.get(), bio, bio); // one BIO for both ways; the session owns it
  SSL_set_read_ahead(session_.get(), 1);
}

void tls_engine::offer_kernel(int socket) {
#ifndef OPENSSL_NO_KTLS
  BIO* writing = BIO_new_socket(socket, BIO_NOCLOSE); // asks the kernel for its TLS layer by itself
  if (writing == nullptr) return;
  SSL_set_options(session_.get(), SSL_OP_ENABLE_KTLS);
  SSL_set0_wbio(session_.get(), writing);
  kernel_offered_ = true;
#else
  static_cast<void>(socket);
#endif
}

/// OpenSSL never writes to the socket again. With the keys in the kernel, whatever it may still have to say (an answer
/// to a KeyUpdate) would be sealed with keys that the kernel does not follow: it stays in the spill, where it is
/// noticed.
void tls_engine::take_back_writing() {
#ifndef OPENSSL_NO_KTLS
  kernel_seals_ = BIO_get_ktls_send(SSL_get_wbio(session_.get()));
  // Else OpenSSL 3.2 and later offer the kernel each new key of the peer's as well, are refused, and lose on the way
  // back what they had read ahead: all that came together with a KeyUpdate.
  SSL_clear_options(session_.get(), SSL_OP_ENABLE_KTLS);
#endif
  BIO* memory = SSL_get_rbio(session_.get());
  BIO_up_ref(memory);
  SSL_set0_wbio(session_.get(), memory);
  kernel_offered_ = false;
}

/// OpenSSL answers a KeyUpdate when it is next called, so the answer may be still to come or in the spill already.
bool tls_engine::sending_is_over() const noexcept {
  return kernel_seals_ && (!spill_.empty() || SSL_get_key_update_type(session_.get()) != SSL_KEY_UPDATE_NONE);
}

tls_engine::status tls_engine::handshake() {
  forget_errors();
  std::optional<sigpipe_guard> quiet;
  if (kernel_offered_) quiet.emplace(); // OpenSSL writes to sockets without MSG_NOSIGNAL
  const int result = SSL_do_handshake(session_.get());
  if (result == 1) {
    if (kernel_offered_) take_back_writing();
    return status::ok;
  }
  const int why = SSL_get_error(session_.get(), result);
  switch (why) {
  case SSL_ERROR_WANT_READ: return status::want_input;
  case SSL_ERROR_WANT_WRITE: return status::want_room;
  default: socket_broke_ = why == SSL_ERROR_SYSCALL; return status::failed;
  }
}

failure tls_engine::handshake_failure() const {
  const long verified = SSL_get_verify_result(session_.get());
  if (verified != X509_V_OK)
    return {failure_kind::certificate,
            std::string("certificate not acceptable: ") + X509_verify_cert_error_string(verified)};
  if (socket_broke_) return {failure_kind::handshake, "connection lost during the TLS handshake"};
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  const std::string text = std::string("TLS refused: ") + (reason != nullptr ? reason : "unknown reason");
  if (!resumes_) return {failure_kind::tls_protocol, text};
  // It may be the session that the peer cannot go on with (machines behind one name differ): without it that will show.
  tls_tickets::forget(session_.get());
  return {failure_kind::session_refused, text + ", on resuming a session"};
}

tls_engine::status tls_engine::seal(std::span<const char> plain) {
  if (!spill_.empty()) { // what OpenSSL had to say earlier goes first
    if (spill_.size() > output_.size() - written_) return status::failed;
    std::memcpy(output_.data() + written_, spill_.data(), spill_.size());
    written_ += spill_.size();
    spill_.clear();
  }
  if (plain.empty()) return status::ok;
  forget_errors();
  const int result = SSL_write(session_.get(), plain.data(), static_cast<int>(plain.size()));
  return result == static_cast<int>(plain.size()) ? status::ok : status::failed;
}

bool tls_engine::needs_input() const noexcept {
  return input_.empty() && SSL_has_pending(session_.get()) == 0 && SSL_get_shutdown(session_.get()) == 0;
}

tls_engine::status tls_engine::open(std::span<char> out, std::size_t& n) {
  forget_errors();
  const int result = SSL_read(session_.get(), out.data(), static_cast<int>(out.size()));
  n = result > 0 ? static_cast<std::size_t>(result) : 0;
  if (result > 0) return status::ok;
  switch (SSL_get_error(session_.get(), result)) {
  case SSL_ERROR_WANT_READ: return status::want_input;
  case SSL_ERROR_ZERO_RETURN: return status::closed;
  default: return status::failed;
  }
}

void tls_engine::hold_input() {
  if (input_.empty()) return;
  // The input may be a part of what is held already: built aside, then exchanged.
  std::vector<char> rest(input_.begin(), input_.end());
  held_.swap(rest);
  input_ = held_;
}

const char* tls_engine::suite() const noexcept {
  return SSL_get_cipher_name(session_.get());
}
const char* tls_engine::protocol() const noexcept {
  return SSL_get_version(session_.get());
}

} // namespace hoist::net
