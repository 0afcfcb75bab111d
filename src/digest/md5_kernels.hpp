#pragma once

// MD5's compression of several messages at once, for the instructions that this machine has. Pure arithmetic: what is
// put into which lane is md5_lanes' business.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hoist::digest {

constexpr std::size_t md5_block_bytes = 64;
constexpr std::size_t md5_lanes_max = 16; ///< of any kernel

/// Takes `blocks` blocks of each of `lanes` messages into `state`: the four words of MD5's state, each for all lanes.
struct md5_kernel {
  std::size_t lanes;
  void (*run)(std::uint32_t* state, const unsigned char* const* messages, std::size_t blocks);
};

/// The kernels of one instruction set, the narrowest first. A wider one takes about as long as a narrower one.
struct md5_kernels {
  const char* instructions;
  std::array<md5_kernel, 3> by_lanes;
};

/// Those that run on this machine, the best last; never empty.
std::span<const md5_kernels* const> md5_kernels_here() noexcept;

void md5_one_lane(std::uint32_t* state, const unsigned char* const* messages, std::size_t blocks);

extern const md5_kernels md5_portable;
#if defined(__x86_64__)
extern const md5_kernels md5_avx2;
extern const md5_kernels md5_avx512;
#endif

} // namespace hoist::digest
