#include "net/kernel_tls.hpp"

#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

// Names that an older C library does not have.
#ifndef TCP_ULP
#define TCP_ULP 31
#endif
#ifndef SOL_TLS
#define SOL_TLS 282
#endif

namespace hoist::net {

namespace {

/// Loopback answers at once, or something is wrong with it.
constexpr int patience_ms = 1000;

class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  operator int() const noexcept { return number_; }

 private:
  int number_;
};

int new_socket() {
  return ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/// A connection stands as soon as it waits to be accepted, and nobody needs to.
bool connect_to_ourselves(int listener, int client) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* address = reinterpret_cast<sockaddr*>(&at);
  socklen_t size = sizeof at;
  if (::bind(listener, address, size) != 0 || ::listen(listener, 1) != 0 ||
      ::getsockname(listener, address, &size) != 0)
    return false;
  if (::connect(client, address, size) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd connected{client, POLLOUT, 0};
  int error = 0;
  socklen_t error_size = sizeof error;
  return ::poll(&connected, 1, patience_ms) == 1 &&
         ::getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &error_size) == 0 && error == 0;
}

/// The layer alone would prove little: the ciphers are modules of their own, looked for when a key is set.
bool probe() noexcept {
  const descriptor listener(new_socket()), client(new_socket());
  if (listener < 0 || client < 0 || !connect_to_ourselves(listener, client)) return false;
  if (::setsockopt(client, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") != 0) return false;
  tls12_crypto_info_aes_gcm_128 keys{};
  keys.info.version = TLS_1_3_VERSION;
  keys.info.cipher_type = TLS_CIPHER_AES_GCM_128;
  return ::setsockopt(client, SOL_TLS, TLS_TX, &keys, sizeof keys) == 0;
}

} // namespace

bool kernel_tls_works() noexcept {
  static const bool works = probe();
  return works;
}

} // namespace hoist::net
