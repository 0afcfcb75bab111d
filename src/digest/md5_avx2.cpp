// Compiled for AVX2 (CMakeLists.txt), and called where that is there: eight lanes to a register.

#include "digest/md5_kernels.hpp"
#include "digest/md5_steps.hpp"

namespace hoist::digest {

constinit const md5_kernels md5_avx2 = {"avx2", {{{1, md5_one_lane}, {8, run<8, 1>}, {16, run<8, 2>}}}};

} // namespace hoist::digest
