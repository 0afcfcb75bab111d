#pragma once

// A connected socket, with TLS over it or without: batches out, bytes in, and one way to wait.
//
// How to use it for sending: ask `room()` where plaintext goes, fill a part of it, `send(n)`; while `unsent()`, wait
// and `send_more()`. For receiving: `receive` until it says would_block, then wait. All of these return at once; only
// `wait`, `handshake` and `flush` suspend. Everything runs on the thread of the socket's io_context.

#include "net/buffer_pool.hpp"
#include "net/failure.hpp"
#include "net/file_source.hpp"
#include "net/tls_engine.hpp"
#include "net/types.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace hoist::net {

/// Counted where it happens; read by the engine for its counters.
struct stream_tallies {
  std::uint64_t batches = 0;
  std::uint64_t sends = 0;     ///< system calls, sendfile among them
  std::uint64_t sendfiles = 0; ///< of them
};

/// Who encrypts what is sent. `in_kernel` is a wish: where it cannot be, it is `in_process`.
enum class sealing : std::uint8_t { in_process, in_kernel };

enum class interest : std::uint8_t { read = 1, write = 2, read_or_write = 3, wake = 4, read_or_wake = 5, anything = 7 };

class stream {
 public:
  stream(tcp_socket socket, buffer_pool& pool, stream_tallies& tallies);
  ~stream();
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  using executor_type = executor;
  executor_type get_executor() noexcept { return ex_; }

  /// Puts TLS over the connected socket. Ends with a failure that names the reason.
  task<failure> handshake(const tls_context& context, const std::string& host, activity& doing,
                          sealing by = sealing::in_process);
  bool encrypted() const noexcept { return tls_.has_value(); }
  const tls_engine& tls() const noexcept { return *tls_; }

  /// Where to put the next plaintext; at most this much goes into one `send`. Precondition: !unsent().
  std::span<char> room();
  /// How much of a body to put there, beside a head: less while many batches wait for the kernel.
  std::size_t batch_limit() const noexcept { return pool_.batch_limit(); }
  /// Seals the first `n` bytes of `room()` and gives them to the kernel; `would_block` when some are left.
  void send(std::size_t n, error_code& ec);
  void send_more(error_code& ec);
  bool unsent() const noexcept { return pending_begin_ != pending_end_; }
  /// Until nothing is unsent.
  task<error_code> flush();

  /// Whether files can go from the page cache to the socket: there is no TLS, or the kernel does it.
  bool takes_files() const noexcept { return !sealed_here(); }
  /// Gives up to `most` bytes of `body` to the kernel; how many it took, which is fewer after `would_block`, and when
  /// `what` says that the file gave out, or when it turns out that this file cannot be sent so (it is then no longer
  /// `sendable`) or is cold. Preconditions: takes_files(), body.sendable(), !unsent().
  std::size_t send_file(file_source& body, std::size_t most, source_status& what, error_code& ec);

  /// What has arrived, opened; `would_block` when nothing has, `asio::error::eof` when nothing will, and
  /// `asio::ssl::error::stream_truncated` when nothing will although TLS was not ended. After a read that
  /// left room in the buffer the kernel is not asked again before a `wait` for reading has returned.
  std::size_t receive(std::span<char> out, error_code& ec);

  /// Suspends until one of the things of interest may have happened; spurious returns are allowed. One waiter at a
  /// time.
  task<void> wait(interest what);
  /// Ends the current, or else the next, wait that is interested in `wake`.
  void wake();

  /// From now on every operation fails with `why`; a waiter wakes up.
  void shut(error_code why);
  bool is_open() const noexcept { return !shut_; }

 private:
  struct waiting;

  bool sealed_here() const noexcept { return tls_ && !tls_->kernel_seals(); }
  error_code unfit_to_send() const noexcept;
  void give_back_block();
  std::size_t receive_tls(std::span<char> out, error_code& ec);
  std::size_t receive_some(std::span<char> into, error_code& ec);

  tcp_socket socket_;
  executor ex_;
  buffer_pool& pool_;
  stream_tallies& tallies_;
  std::optional<tls_engine> tls_;
  std::shared_ptr<waiting> waiting_; ///< shared with the reactor's pending waits, which may outlive the stream

  buffer_pool::block block_;
  std::size_t pending_begin_ = 0, pending_end_ = 0;
  bool drained_ = false;     ///< the last read took all there was
  std::size_t unopened_ = 0; ///< ciphertext received since any of it was data
  error_code shut_;
};

} // namespace hoist::net
