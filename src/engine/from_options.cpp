#include "engine/from_options.hpp"

#include <openssl/rand.h>

#include <sys/resource.h>

#include <algorithm>

namespace hoist::engine {

wire::origin api_origin(const options& o) {
  wire::url u;
  wire::parse_url(o.endpoint, u); // validate() has seen to it
  return u.where;
}

core::retry_policy retry_policy_of(const options& o) {
  core::retry_policy p;
  p.transient = {o.retry.backoff_base, o.retry.backoff_cap};
  p.throttled = {o.retry.throttle_base, std::max(o.retry.throttle_base, o.retry.backoff_cap)};
  p.give_up_after = o.retry.give_up_after;
  p.attempts_max = o.retry.attempts_max;
  return p;
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&seed), sizeof seed);
  return seed;
}

std::uint64_t descriptors_max() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 256;
}

} // namespace hoist::engine
