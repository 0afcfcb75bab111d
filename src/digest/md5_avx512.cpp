// Compiled for AVX-512 VL (CMakeLists.txt), and called where that is there: its rotations and its logic of three operands,
// in registers of 256 bits. Those of 512 bits were no faster in measurements, and slow some processors down.

#include "digest/md5_kernels.hpp"
#include "digest/md5_steps.hpp"

namespace hoist::digest {

namespace {

void eight(std::uint32_t* state, const unsigned char* const* messages, std::size_t blocks) {
  run<8, 1>(state, messages, blocks);
}

void sixteen(std::uint32_t* state, const unsigned char* const* messages, std::size_t blocks) {
  run<8, 2>(state, messages, blocks);
}

} // namespace

constinit const md5_kernels md5_avx512 = {"avx512", {{{1, md5_one_lane}, {8, eight}, {16, sixteen}}}};

} // namespace hoist::digest
