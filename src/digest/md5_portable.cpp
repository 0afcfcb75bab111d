// What every machine can do: vectors of 128 bits (SSE2, NEON; elsewhere the compiler takes them apart), and one lane in
// plain registers, which is as fast as OpenSSL's.

#include "digest/md5_kernels.hpp"
#include "digest/md5_steps.hpp"

namespace hoist::digest {

void md5_one_lane(std::uint32_t* state, const unsigned char* const* messages, std::size_t blocks) {
  run<1, 1>(state, messages, blocks);
}

constinit const md5_kernels md5_portable = {"portable", {{{1, md5_one_lane}, {4, run<4, 1>}, {8, run<4, 2>}}}};

} // namespace hoist::digest
