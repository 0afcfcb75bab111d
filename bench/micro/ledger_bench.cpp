// The record on disk: one commit of a group of rows. Its disk is that of the temporary folder (TMPDIR).
#include "temporary_folder.hpp"

#include "ledger/sqlite_store.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace hoist::ledger {
namespace {

row done_row(std::size_t n) {
  row r;
  r.path = "/srv/photos/2026/11/" + std::to_string(n) + ".jpg";
  r.size = 4096;
  r.id = "0cf5fc88-9684-4e8c-924e-454ed52f869d";
  r.public_url = "https://storage.example/files/" + r.id;
  r.etag = "9b2cf535f27731c974343645a3985328";
  r.content_type = "image/jpeg";
  r.verified = verification::size;
  r.attempts = r.presigns = 1;
  return r;
}

void ledger_commit(benchmark::State& state) {
  const test::temporary_folder folder;
  sqlite_store tested(folder.path() / "ledger", {"https://api.example", "fingerprint"});
  std::size_t n = 0;
  for (auto _ : state) {
    for (std::int64_t i = 0; i < state.range(0); ++i) tested.put(done_row(n++));
    tested.commit();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(ledger_commit)->ArgName("rows")->Arg(100)->Arg(2000);

} // namespace
} // namespace hoist::ledger
