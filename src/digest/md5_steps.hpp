// MD5's compression (RFC 1321) of `Lanes` messages at once, word i of all of them side by side in vectors. Included by
// one .cpp for each instruction set, compiled for that set: hence everything in here is of the including file alone,
// and nothing but templates of our own is used, since an inline function of another header could be kept in the form
// that an older machine cannot run.

#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace hoist::digest {
namespace {

template <int Words>
struct vector_of;
template <>
struct vector_of<1> {
  using type = std::uint32_t;
};
// One line each: GCC 12 forgets a vector_size that depends on a template parameter.
template <>
struct vector_of<4> {
  typedef std::uint32_t type __attribute__((vector_size(16)));
};
template <>
struct vector_of<8> {
  typedef std::uint32_t type __attribute__((vector_size(32)));
};
template <int Words>
using vector = typename vector_of<Words>::type;

// ---- one step ---------------------------------------------------------------------------------------------------

constexpr std::uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

constexpr int rotations[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

constexpr int word_of_step(int i) {
  constexpr int factor[] = {1, 5, 3, 7}, offset[] = {0, 1, 5, 0};
  return (factor[i / 16] * i + offset[i / 16]) % 16;
}

// `sum` plus the round's function. b is what the step before has just made.
template <int Round, class V>
[[gnu::always_inline]] inline V plus_mixed(V sum, V b, V c, V d) {
  if constexpr (Round == 0) return sum + (d ^ (b & (c ^ d)));
  if constexpr (Round == 1) return (sum + (~d & c)) + (d & b);
  if constexpr (Round == 2) return sum + (b ^ (c ^ d));
  if constexpr (Round == 3) return sum + (c ^ (b | ~d));
}

template <int I, class V>
[[gnu::always_inline]] inline void step(V (&state)[4], const V (&words)[16]) {
  constexpr int bits = rotations[I / 16][I % 4];
  V& a = state[(64 - I) % 4];
  const V b = state[(65 - I) % 4];
  V known = a + (words[word_of_step(I)] + sines[I]);
  // Added up before b is there. Compilers like another order, by which every step has to wait for one addition more:
  // CMakeLists.txt asks GCC to leave it, and for Clang this says so where it made a difference, in a single lane.
  if constexpr (sizeof(V) == sizeof(std::uint32_t)) asm("" : "+r"(known));
  const V sum = plus_mixed<I / 16, V>(known, b, state[(66 - I) % 4], state[(67 - I) % 4]);
  a = ((sum << bits) | (sum >> (32 - bits))) + b;
}

// ---- words of several messages, side by side --------------------------------------------------------------------

/// Of the two vectors that are rows r and r + H, exchanges blocks of H words; done for H = 1, 2, 4 … it transposes.
template <int H, int N, class V, int... I>
[[gnu::always_inline]] inline void exchange(V& upper, V& lower, std::integer_sequence<int, I...>) {
  const V a = upper, b = lower;
  upper = __builtin_shufflevector(a, b, (I / H % 2 == 0 ? I : N + I - H)...);
  lower = __builtin_shufflevector(a, b, (I / H % 2 == 0 ? I + H : N + I)...);
}

template <int H, int N, class V, int... Pair>
[[gnu::always_inline]] inline void exchange_all(V* rows, std::integer_sequence<int, Pair...>) {
  (exchange<H, N>(rows[Pair / H * 2 * H + Pair % H], rows[Pair / H * 2 * H + Pair % H + H],
                  std::make_integer_sequence<int, N>{}),
   ...);
}

template <int N, class V>
[[gnu::always_inline]] inline void transpose(V* rows) {
  constexpr std::make_integer_sequence<int, N / 2> pairs{};
  if constexpr (N > 1) exchange_all<1, N>(rows, pairs);
  if constexpr (N > 2) exchange_all<2, N>(rows, pairs);
  if constexpr (N > 4) exchange_all<4, N>(rows, pairs);
  static_assert(N <= 8);
}

template <class V>
[[gnu::always_inline]] inline V little_endian(V v) {
  if constexpr (std::endian::native == std::endian::little) return v;
  return (v << 24) | ((v & 0xff00) << 8) | ((v >> 8) & 0xff00) | (v >> 24);
}

template <class V>
[[gnu::always_inline]] inline V load(const void* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

template <class V>
[[gnu::always_inline]] inline void store(void* to, V v) {
  __builtin_memcpy(to, &v, sizeof v);
}

/// The 16 words of the blocks at `at` of N messages.
template <int N, class V, int... I>
[[gnu::always_inline]] inline void load_words(V (&words)[16], const unsigned char* const* messages, std::size_t at,
                                              std::integer_sequence<int, I...>) {
  ((words[I] = little_endian(load<V>(messages[I % N] + at + I / N * N * 4))), ...);
  if constexpr (N == 4)
    (transpose<N>(words + 0), transpose<N>(words + 4), transpose<N>(words + 8), transpose<N>(words + 12));
  if constexpr (N == 8) (transpose<N>(words + 0), transpose<N>(words + 8));
}

// ---- blocks -----------------------------------------------------------------------------------------------------

/// The steps of all groups in turns: each step waits for the one before of its own group, and while it does the others'
/// can be worked on.
template <int Groups, class V, int... I>
[[gnu::always_inline]] inline void steps(V (&states)[Groups][4], const V (&words)[Groups][16],
                                         std::integer_sequence<int, I...>) {
  if constexpr (Groups == 1) (step<I>(states[0], words[0]), ...);
  if constexpr (Groups == 2) ((step<I>(states[0], words[0]), step<I>(states[1], words[1])), ...);
  static_assert(Groups <= 2);
}

template <class V>
[[gnu::always_inline]] inline void add(V (&to)[4], const V (&what)[4]) {
  to[0] += what[0], to[1] += what[1], to[2] += what[2], to[3] += what[3];
}

/// `blocks` blocks of Groups * N messages, each from its own place. `state`: the four words of MD5's state, each for
/// all messages.
template <int N, int Groups>
[[gnu::always_inline]] inline void run(std::uint32_t* state, const unsigned char* const* messages, std::size_t blocks) {
  using V = vector<N>;
  constexpr std::make_integer_sequence<int, 16> words_each{};
  constexpr std::make_integer_sequence<int, 64> all{};
  V sums[Groups][4];
  for (int g = 0; g < Groups; ++g)
    for (int w = 0; w < 4; ++w) sums[g][w] = load<V>(state + (w * Groups + g) * N);
  for (std::size_t at = 0; at < blocks * 64; at += 64) {
    V words[Groups][16];
    load_words<N>(words[0], messages, at, words_each);
    if constexpr (Groups == 2) load_words<N>(words[1], messages + N, at, words_each);
    V now[Groups][4];
    for (int g = 0; g < Groups; ++g)
      for (int w = 0; w < 4; ++w) now[g][w] = sums[g][w];
    steps(now, words, all);
    for (int g = 0; g < Groups; ++g) add(sums[g], now[g]);
  }
  for (int g = 0; g < Groups; ++g)
    for (int w = 0; w < 4; ++w) store(state + (w * Groups + g) * N, sums[g][w]);
}

} // namespace
} // namespace hoist::digest
