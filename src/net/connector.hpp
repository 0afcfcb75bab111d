#pragma once

// From an origin to a connected and verified stream: name, address rule, TCP, TLS. One attempt; the engine decides
// about another. How each address of a name fared is told to the resolver, so that the next attempt begins with a
// better one.

#include "net/connect_race.hpp"
#include "net/resolver.hpp"
#include "net/stream.hpp"
#include "net/tls_context.hpp"
#include "wire/url.hpp"

#include <memory>

namespace hoist::net {

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
  explicit connector(connect_context context) : context_(context), race_(context.ex) {}

  /// `doing` moves when the attempt begins and when TLS does, not from address to address: the limit of a connection
  /// holds for the name and all addresses together.
  ///
  /// Of several things that stood in the way, `why` tells the one that another attempt could find changed: that a peer
  /// did not answer, before that we ran out of something, before that an address is out of reach.
  /// Lifetime: `to` and `doing` stay in place, and this does, until the task is done.
  /// `by`: who is to encrypt; the kernel is asked only where a probe of this process found that it can.
  task<connect_result> connect(const wire::origin& to, reach allowed, activity& doing,
                               sealing by = sealing::in_process);
  /// Ends the attempt under way, which then fails as timed_out or cancelled, as `why` says.
  void shut(error_code why);

 private:
  task<race_result> connect_socket(const wire::origin& to, reach allowed, failure& why);
  failure reason(const race_result& raced, const wire::origin& to) const;

  connect_context context_;
  connect_race race_;
  stream* handshaking_ = nullptr;
  error_code shut_;
};

} // namespace hoist::net
