// ledger::sqlite_store: a row written is read back equal, at once and after a reopening; what a failing disk has
// changed is refused or not found, and never believed.
//
// The input's first byte chooses: a row of these fields, or changes to the bytes of a ledger that was whole.

#include "fuzz.hpp"
#include "ledger/sqlite_store.hpp"

#include <boost/system/system_error.hpp>
#include <fuzzer/FuzzedDataProvider.h>

#include <fstream>
#include <iterator>
#include <optional>

#include <unistd.h>

namespace {

using namespace hoist;
using fuzz::require;

const ledger::owner owner{"https://api.example", "0123456789abcdef0123456789abcdef"};

/// A folder of this process in memory, gone at its end.
class scratch {
 public:
  scratch() {
    std::string name = "/dev/shm/hoist-fuzz-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~scratch() { std::filesystem::remove_all(folder_); }
  std::filesystem::path file(const char* name) const { return folder_ / name; }

 private:
  std::filesystem::path folder_;
};

const scratch& folder() {
  static const scratch made;
  return made;
}

ledger::row row_of(FuzzedDataProvider& in) {
  const auto text = [&] { return in.ConsumeRandomLengthString(300); };
  const auto time = [&]() -> std::optional<core::wall_time> {
    if (!in.ConsumeBool()) return std::nullopt;
    return core::wall_time{core::millis{in.ConsumeIntegral<std::int64_t>()}};
  };
  ledger::row r;
  r.path = text();
  r.state = in.PickValueInArray({ledger::row_state::leased, ledger::row_state::done, ledger::row_state::failed});
  r.size = in.ConsumeIntegral<std::uint64_t>();
  r.mtime_ns = in.ConsumeIntegral<std::int64_t>();
  r.ctime_ns = in.ConsumeIntegral<std::int64_t>();
  r.id = text();
  r.public_url = text();
  r.etag = text();
  r.content_type = text();
  r.verified = in.PickValueInArray({verification::none, verification::size, verification::md5});
  r.retained_until = time();
  r.expires = time();
  r.attempts = in.ConsumeIntegral<int>();
  r.presigns = in.ConsumeIntegral<int>();
  r.cause = static_cast<errc>(in.ConsumeIntegral<int>());
  r.message = text();
  return r;
}

/// One store for all inputs, as in a run; opened anew now and then.
void check_round_trip(FuzzedDataProvider& in) {
  static std::optional<ledger::sqlite_store> store;
  static int uses = 0;
  if (!store || ++uses % 256 == 0) {
    store.reset();
    std::filesystem::remove(folder().file("rows"));
    store.emplace(folder().file("rows"), owner);
  }
  const auto first = row_of(in);
  auto second = row_of(in);
  store->put(first);
  require(store->find(first.path) == first, "a staged row is found as it was put");
  if (in.ConsumeBool()) second.path = first.path;
  store->put(second);
  store->commit();
  require(store->find(second.path) == second, "a committed row is found as it was put");
  require(store->find(first.path) == (first.path == second.path ? second : first),
          "a later row takes the place of its own path only");
  if (uses % 64 != 0) return;
  store.reset();
  store.emplace(folder().file("rows"), owner);
  require(store->find(second.path) == second, "a row outlives its process");
}

constexpr int rows = 40;

ledger::row known_row(int n) {
  ledger::row r;
  r.path = "/data/shots/" + std::to_string(n) + ".png";
  r.state = n % 5 == 0 ? ledger::row_state::failed : ledger::row_state::done;
  r.size = static_cast<std::uint64_t>(n) * 1000;
  r.id = "0b5c0f3e-6f1f-4a3a-9f0e-" + std::to_string(n);
  r.public_url = "https://storage.example/" + r.id;
  r.etag = std::string(32, static_cast<char>('a' + n % 6));
  r.content_type = "image/png";
  return r;
}

const std::string& whole_ledger() {
  static const std::string bytes = [] {
    const auto file = folder().file("whole");
    {
      ledger::sqlite_store store(file, owner);
      for (int n = 0; n < rows; ++n) store.put(known_row(n));
      store.commit();
    }
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();
  return bytes;
}

void check_damaged(FuzzedDataProvider& in) {
  std::string bytes = whole_ledger();
  while (in.remaining_bytes() > 0) {
    const auto at = in.ConsumeIntegralInRange<std::size_t>(0, bytes.size() - 1);
    const auto with = in.ConsumeRandomLengthString(16);
    for (std::size_t i = 0; i < with.size() && at + i < bytes.size(); ++i) bytes[at + i] = with[i];
    if (in.ConsumeIntegral<std::uint8_t>() == 0) bytes.resize(at);
    if (bytes.empty()) break;
  }
  const auto file = folder().file("damaged");
  for (const char* rest : {"damaged-journal", "damaged-wal", "damaged-shm"})
    std::filesystem::remove(folder().file(rest));
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  try {
    ledger::sqlite_store store(file, owner);
    for (int n = 0; n < rows; ++n) {
      const auto known = known_row(n);
      if (const auto found = store.find(known.path)) require(*found == known, "what is believed was written");
    }
  } catch (const boost::system::system_error& e) {
    require(e.code() == errc::ledger_failed, "a ledger that cannot be used is refused as one");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return -1;
  FuzzedDataProvider in(data, size);
  if (in.ConsumeIntegral<std::uint8_t>() % 4 != 0)
    check_round_trip(in);
  else
    check_damaged(in);
  return 0;
}
