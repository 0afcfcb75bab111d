// The text work of one file: its presign request, the reply, the head of its PUT. No I/O.
#include "wire/presign.hpp"
#include "wire/put_head.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace hoist::wire {
namespace {

constexpr std::string_view key = "key-of-thirty-two-characters-000";

// As hoist-server and S3 write it: a URL of some 400 bytes with a signature in its query.
std::string reply_text() {
  const std::string id = "0cf5fc88-9684-4e8c-924e-454ed52f869d";
  return R"({"id":")" + id + R"(","presigned_url":"https://storage.example/hoist-uploads/)" + id +
         "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261122%2Fus-east-1%2Fs3%2Faws4_"
         "request"
         "&X-Amz-Date=20261122T173627Z&X-Amz-Expires=900&X-Amz-SignedHeaders=content-type%3Bhost%3Bx-amz-meta-file-id"
         "&X-Amz-Signature=0dd5f2aa4b95c4a33383f047eb8a4fbba85a960f50f55c2401140ff9be175ebe"
         R"(","public_url":"https://storage.example/files/)" +
         id + R"(","expires_at":"2026-11-22T17:51:27Z","required_headers":{"x-amz-meta-file-id":")" + id + R"("}})";
}

void presign_write(benchmark::State& state) {
  const presign_writer writer({scheme::https, "api.example", 443}, key, std::chrono::seconds{0});
  std::string out;
  for (auto _ : state) {
    out.clear();
    writer.append(out, "image/png");
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(presign_write);

void presign_parse(benchmark::State& state) {
  std::string body = reply_text();
  const std::size_t size = body.size();
  body.append(presign_reader::padding(), ' ');
  presign_reader reader({std::string(key), false});
  ticket read;
  for (auto _ : state) {
    const auto refused = reader.parse(std::string_view(body).substr(0, size), read);
    if (refused) state.SkipWithError("the reply was refused");
    benchmark::DoNotOptimize(read);
  }
}
BENCHMARK(presign_parse);

void put_head_write(benchmark::State& state) {
  std::string body = reply_text();
  const std::size_t size = body.size();
  body.append(presign_reader::padding(), ' ');
  ticket read;
  presign_reader reader({std::string(key), false});
  if (reader.parse(std::string_view(body).substr(0, size), read)) state.SkipWithError("the reply was refused");
  std::string out;
  for (auto _ : state) {
    out.clear();
    if (!append_put_head(out, read, "image/png", 4096).empty()) state.SkipWithError("the ticket was refused");
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(put_head_write);

} // namespace
} // namespace hoist::wire
