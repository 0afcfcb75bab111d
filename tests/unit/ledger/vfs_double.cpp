#include "vfs_double.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace hoist::ledger {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t sector_bytes = 512;

vfs_double* current = nullptr;
sqlite3_vfs* real_vfs = nullptr;
std::map<sqlite3_file*, std::string> paths;

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

struct vfs_double::calls {
  static void opened(const std::string& path) { current->opened(path); }
  static int write(sqlite3_file* f, std::string_view bytes, std::int64_t at, const real_call& real) {
    return current->write(paths[f], bytes, at, real);
  }
  static int truncate(sqlite3_file* f, std::int64_t size, const real_call& real) {
    return current->truncate(paths[f], size, real);
  }
  static int sync(sqlite3_file* f, const real_call& real) { return current->sync(paths[f], real); }
  static int remove(const std::string& path, bool for_good, const real_call& real) {
    return current->remove(path, for_good, real);
  }
};

/// The database and its journals differ in how they lock, so each kind has a table of its own.
template <int Kind>
struct vfs_double::methods_of_kind {
  static inline const sqlite3_io_methods* real;
  static inline sqlite3_io_methods ours;

  static void put_on(sqlite3_file* f) {
    real = f->pMethods;
    ours = *real;
    ours.xWrite = [](sqlite3_file* g, const void* p, int n, sqlite3_int64 at) {
      return calls::write(g, {static_cast<const char*>(p), static_cast<std::size_t>(n)}, at,
                          [=] { return real->xWrite(g, p, n, at); });
    };
    ours.xTruncate = [](sqlite3_file* g, sqlite3_int64 size) {
      return calls::truncate(g, size, [=] { return real->xTruncate(g, size); });
    };
    ours.xSync = [](sqlite3_file* g, int how) { return calls::sync(g, [=] { return real->xSync(g, how); }); };
    ours.xClose = [](sqlite3_file* g) {
      paths.erase(g);
      return real->xClose(g);
    };
    f->pMethods = &ours;
  }
};

vfs_double::vfs_double() {
  current = this;
  real_vfs = sqlite3_vfs_find(nullptr);
  vfs_ = *real_vfs;
  vfs_.zName = "double";
  vfs_.pNext = nullptr;
  vfs_.xOpen = [](sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out) {
    if (name != nullptr) calls::opened(name);
    const int result = real_vfs->xOpen(real_vfs, name, f, flags, out);
    if (result != SQLITE_OK) return result;
    paths[f] = name != nullptr ? name : "";
    (flags & SQLITE_OPEN_MAIN_DB) != 0 ? methods_of_kind<0>::put_on(f) : methods_of_kind<1>::put_on(f);
    return result;
  };
  vfs_.xDelete = [](sqlite3_vfs*, const char* name, int sync_folder) {
    return calls::remove(name, sync_folder != 0, [=] { return real_vfs->xDelete(real_vfs, name, sync_folder); });
  };
  sqlite3_vfs_register(&vfs_, 1);
}

vfs_double::~vfs_double() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_vfs, 1);
  current = nullptr;
}

// ---- power_cut --------------------------------------------------------------------------------------------------

void power_cut::opened(const std::string& path) {
  const auto [at, first] = files_.try_emplace(path);
  platter& file = at->second;
  if (first || file.removed)
    file = {.exists = fs::exists(path), .removed = false, .synced = content_of(path), .since = {}};
}

int power_cut::write(const std::string& path, std::string_view bytes, std::int64_t at, const real_call& real) {
  if (happened()) return SQLITE_IOERR_WRITE;
  files_[path].since.push_back({at, std::string(bytes)});
  return still_on() ? real() : SQLITE_IOERR_WRITE;
}

int power_cut::truncate(const std::string& path, std::int64_t size, const real_call& real) {
  if (happened()) return SQLITE_IOERR_TRUNCATE;
  files_[path].since.push_back({-size - 1, {}});
  return still_on() ? real() : SQLITE_IOERR_TRUNCATE;
}

/// The real disk need not: nobody pulls its plug. With a new journal SQLite's layer syncs the folder, so that what was
/// removed before is gone.
int power_cut::sync(const std::string& path, const real_call&) {
  if (!still_on()) return SQLITE_IOERR_FSYNC;
  if (!files_[path].exists) std::erase_if(files_, [](const auto& each) { return each.second.removed; });
  files_[path] = {.exists = true, .removed = false, .synced = content_of(path), .since = {}};
  return SQLITE_OK;
}

int power_cut::remove(const std::string& path, bool for_good, const real_call& real) {
  if (happened()) return SQLITE_IOERR_DELETE;
  files_[path].removed = true;
  if (!still_on()) return SQLITE_IOERR_DELETE;
  if (for_good) files_.erase(path);
  return real();
}

void power_cut::settle(unsigned seed) {
  std::mt19937 random(seed);
  const auto so_it_may_be = [&] { return random() % 2 == 0; };
  for (auto& [path, file] : files_) {
    std::string content = std::move(file.synced);
    for (const change& c : file.since) {
      if (c.at < 0) {
        const auto size = static_cast<std::size_t>(-c.at - 1);
        if (so_it_may_be() && size < content.size()) content.resize(size);
        continue;
      }
      for (std::size_t i = 0; i < c.bytes.size(); i += sector_bytes) {
        const auto piece = c.bytes.substr(i, sector_bytes);
        const auto begin = static_cast<std::size_t>(c.at) + i;
        if (!so_it_may_be()) continue;
        content.resize(std::max(content.size(), begin + piece.size()));
        content.replace(begin, piece.size(), piece);
      }
    }
    const bool there = (file.exists || so_it_may_be()) && (!file.removed || so_it_may_be());
    if (!there) {
      fs::remove(path);
      continue;
    }
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  }
}

} // namespace hoist::ledger
