#include "engine/loop/from_options.hpp"

#include "engine/loop/descriptors.hpp"

#include <openssl/rand.h>

#include <boost/system/system_error.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>

namespace hoist::engine {

wire::origin api_origin(const options& o) {
  wire::url u;
  wire::parse_url(o.endpoint, u); // validate() has seen to it
  return u.where;
}

core::retry_policy retry_policy_of(const options& o) {
  core::retry_policy p;
  const auto base = core::bounded_millis(o.retry.backoff_base), cap = core::bounded_millis(o.retry.backoff_cap);
  const auto throttle_base = core::bounded_millis(o.retry.throttle_base);
  p.transient = {base, cap};
  p.throttled = {throttle_base, std::max(throttle_base, cap)};
  p.give_up_after = core::bounded_millis(o.retry.give_up_after);
  p.attempts_max = o.retry.attempts_max;
  return p;
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&seed), sizeof seed);
  return seed;
}

namespace {

struct descriptors {
  std::int64_t most = 1 << 20, open = 0;
};

/// What is open is counted where the kernel tells; what it does not tell is taken for few.
descriptors count_descriptors() {
  descriptors d;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    d.most = static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
  std::error_code ec;
  for (std::filesystem::directory_iterator fd("/proc/self/fd", ec), end; !ec && fd != end; fd.increment(ec)) ++d.open;
  d.open = ec ? 8 : d.open - 1; // one is the look itself
  return d;
}

} // namespace

std::int64_t descriptors_free() {
  const auto d = count_descriptors();
  return std::max<std::int64_t>(0, d.most - d.open);
}

std::int64_t descriptors_to_begin_with() {
  const auto d = count_descriptors();
  if (d.most - d.open >= descriptors_min) return d.most - d.open;
  throw boost::system::system_error(make_error_code(errc::invalid_options),
                                    "too few file descriptors: the process may have " + std::to_string(d.most) +
                                        " and has " + std::to_string(d.open) + " open, and an upload needs " +
                                        std::to_string(descriptors_min) + " more; raise the limit (ulimit -n)");
}

} // namespace hoist::engine
