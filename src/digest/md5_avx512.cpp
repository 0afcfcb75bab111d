// Compiled for AVX-512 VL (CMakeLists.txt), and called where that is there: its rotations and its logic of three
// operands, in registers of 256 bits. Those of 512 bits slow some processors down, and were tried in an early form
// only: slower with Clang, faster with GCC.

#include "digest/md5_kernels.hpp"
#include "digest/md5_steps.hpp"

namespace hoist::digest {

constinit const md5_kernels md5_avx512 = {"avx512", {{{1, md5_one_lane}, {8, run<8, 1>}, {16, run<8, 2>}}}};

} // namespace hoist::digest
