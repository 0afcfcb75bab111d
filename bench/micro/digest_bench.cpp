// MD5 by the kernel and by the lane, and of whole uploads that take turns: per byte of message.
#include "digest/md5_lanes.hpp"

#include <benchmark/benchmark.h>

#include <deque>
#include <string>
#include <vector>

namespace hoist::digest {
namespace {

constexpr std::size_t piece = 64 * 1024; // what an upload reads at a time

void kernel(benchmark::State& state, const md5_kernel& of) {
  const std::vector<unsigned char> bytes(of.lanes * piece, 'x');
  std::vector<const unsigned char*> messages;
  for (std::size_t lane = 0; lane < of.lanes; ++lane) messages.push_back(bytes.data() + lane * piece);
  std::vector<std::uint32_t> words(4 * of.lanes);
  for (auto _ : state) {
    of.run(words.data(), messages.data(), piece / md5_block_bytes);
    benchmark::DoNotOptimize(words.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}

const bool kernels_registered = [] {
  for (const md5_kernels* set : md5_kernels_here())
    for (const md5_kernel& one : set->by_lanes)
      benchmark::RegisterBenchmark(
          ("md5_" + std::string(set->instructions) + "/lanes:" + std::to_string(one.lanes)).c_str(),
          [&one](benchmark::State& state) { kernel(state, one); });
  return true;
}();

// So many uploads, each with a piece in its turn: copies and all.
void md5_uploads(benchmark::State& state) {
  md5_lanes lanes;
  std::deque<md5> uploads;
  for (auto n = state.range(0); n > 0; --n) uploads.emplace_back(lanes);
  const std::vector<char> bytes(piece, 'x');
  for (auto _ : state)
    for (md5& one : uploads) one.update(bytes);
  state.SetBytesProcessed(state.iterations() * state.range(0) * static_cast<std::int64_t>(piece));
}
BENCHMARK(md5_uploads)->ArgName("at_once")->Arg(1)->Arg(2)->Arg(4)->Arg(8)->Arg(16)->Arg(32);

} // namespace
} // namespace hoist::digest
