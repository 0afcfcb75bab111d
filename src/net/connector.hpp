#pragma once

// From an origin to a connected and verified stream: name, address rule, TCP, TLS. One attempt; the engine decides about
// another.

#include "net/resolver.hpp"
#include "net/stream.hpp"
#include "net/tls_context.hpp"
#include "wire/url.hpp"

#include <memory>

namespace hoist::net {

/// Where a connection may lead. Checked on the address, after name resolution.
enum class reach : std::uint8_t {
  anywhere,             ///< the caller's own choice: the API
  not_loopback,         ///< a public API, and private storage allowed
  public_only,          ///< a public API: no loopback, link-local, private or special address
};

struct connect_result {
  std::unique_ptr<stream> connected; ///< null after a failure
  failure why;
  bool peer_is_public = true; ///< of the address that was connected to
};

/// The parts of a thread that connecting needs; all outlive every connection.
struct connect_context {
  executor ex;
  resolver& names;
  const tls_context& tls;
  buffer_pool& pool;
  stream_tallies& tallies;
};

/// A connection attempt that can be shut from outside while it is under way.
class connector {
 public:
  explicit connector(connect_context context) : context_(context) {}

  task<connect_result> connect(const wire::origin& to, reach allowed, activity& doing);
  /// Ends the attempt under way, which then fails as timed_out or cancelled, as `why` says.
  void shut(error_code why);

 private:
  task<failure> connect_socket(tcp_socket& socket, const wire::origin& to, reach allowed, connect_result& result);

  connect_context context_;
  tcp_socket* connecting_ = nullptr;
  stream* handshaking_ = nullptr;
  error_code shut_;
};

} // namespace hoist::net
