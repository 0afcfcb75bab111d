#include "engine/loop/sweeper.hpp"

namespace hoist::engine {

bool sweeper::overdue(std::size_t i, const net::activity& doing, core::instant now) {
  observation& o = seen_[i];
  if (!o.looked || o.moves != doing.moves) {
    o = {doing.moves, now, true};
    return false;
  }
  if (now - o.since <= limit_of(doing.at)) return false;
  o.since = now;
  return true;
}

core::millis sweeper::limit_of(net::stage at) const noexcept {
  switch (at) {
  case net::stage::idle: return limits_.idle;
  case net::stage::connecting: return limits_.connect;
  case net::stage::handshaking: return limits_.handshake;
  case net::stage::sending: return limits_.progress;
  case net::stage::awaiting: return limits_.response;
  }
  return limits_.response;
}

} // namespace hoist::engine
