#include "digest/md5_kernels.hpp"

namespace hoist::digest {

std::span<const md5_kernels* const> md5_kernels_here() noexcept {
#if defined(__x86_64__)
  static constexpr const md5_kernels* all[] = {&md5_portable, &md5_avx2, &md5_avx512};
  static const std::size_t usable = !__builtin_cpu_supports("avx2")       ? 1u
                                    : !__builtin_cpu_supports("avx512vl") ? 2u
                                                                          : 3u;
#else
  static constexpr const md5_kernels* all[] = {&md5_portable};
  static constexpr std::size_t usable = 1;
#endif
  return {all, usable};
}

} // namespace hoist::digest
