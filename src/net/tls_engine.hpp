#pragma once

// One TLS session over memory. Ciphertext comes in as a span that OpenSSL reads in place, and goes out straight into a
// block of the caller's; no BIO of OpenSSL's own keeps a copy in between.
//
// Where the kernel is to encrypt (kernel TLS), OpenSSL must have the socket at the moment at which the keys are made:
// what the handshake sends goes there without us, and after it the kernel has the keys, or has not and all is as ever.
// What arrives is opened here in either case.
//
// Not thread-safe. It knows nothing else of sockets: `want_input` means "feed me more".

#include "net/failure.hpp"
#include "net/tls_context.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace hoist::net {

class tls_engine {
 public:
  tls_engine(const tls_context& context, const std::string& host);
  tls_engine(const tls_engine&) = delete;
  tls_engine& operator=(const tls_engine&) = delete;

  /// want_room: the socket of `offer_kernel` is full.
  enum class status : std::uint8_t { ok, want_input, want_room, closed, failed };

  /// From now to the end of the handshake OpenSSL writes to `socket`, which is connected and non-blocking.
  /// Precondition: the handshake has not begun.
  void offer_kernel(int socket);
  /// After the handshake: the kernel has the keys, and seals what is written to the socket. Else `seal` does.
  bool kernel_seals() const noexcept { return kernel_seals_; }
  /// What is sent must be preceded by a word of OpenSSL's, and the kernel cannot be told: nothing may be sent any more.
  bool sending_is_over() const noexcept;

  /// Goes on with the handshake; `ok` when it is finished.
  status handshake();
  /// Why the handshake failed: certificate or protocol, with OpenSSL's reason.
  failure handshake_failure() const;

  /// Seals `plain` into the output. `failed` ends the session.
  status seal(std::span<const char> plain);

  /// Nothing can come of `open` before more is fed.
  bool needs_input() const noexcept;
  /// Opens what has been fed into `out`; `n` bytes were written when `ok`. `closed` after the peer's close_notify.
  status open(std::span<char> out, std::size_t& n);

  /// Where sealed bytes go until the next call. The room must suffice for what is sealed; see buffer_pool.hpp.
  void set_output(std::span<char> room) noexcept {
    output_ = room;
    written_ = 0;
  }
  /// How much was sealed into it. Ends its use: what OpenSSL has to say later (key updates, alerts) is kept for the
  /// next.
  std::size_t take_output() noexcept {
    output_ = {};
    return std::exchange(written_, 0);
  }

  /// Precondition: what was fed before is used up or held. The bytes must stay until they are consumed or held.
  void feed(std::span<const char> ciphertext) noexcept { input_ = ciphertext; }
  /// Copies what is left of the input, so that the caller's buffer is free.
  void hold_input();

  const char* suite() const noexcept;
  const char* protocol() const noexcept;

 private:
  friend struct memory_bio;

  void take_back_writing();

  bool resumes_ = false; ///< before session_, which sets it
  tls_context::session session_;
  bool kernel_offered_ = false;
  bool socket_broke_ = false; ///< while OpenSSL wrote to it by itself
  bool kernel_seals_ = false;
  std::span<char> output_;
  std::size_t written_ = 0;
  std::vector<char> spill_; ///< sealed bytes that found no room: alerts and key updates while nothing is being sent
  std::span<const char> input_;
  std::vector<char> held_;
};

} // namespace hoist::net
