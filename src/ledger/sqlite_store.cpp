#include "ledger/sqlite_store.hpp"

#include <boost/system/system_error.hpp>
#include <sqlite3.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

namespace hoist::ledger {

namespace {

constexpr int schema_version = 1;
constexpr int application_id = 0x686f6973; // "hois", so that file(1) and we can tell a ledger from any other database

// Without rowid: the path is the key, found in one descent, and stored once. A row's checksum makes sure that what a
// failing disk has changed is not believed; SQLite's own check sees its pages, not the text in them.
constexpr const char* tables = R"sql(
  CREATE TABLE ledger (api_origin TEXT NOT NULL, key_fingerprint TEXT NOT NULL, runs INTEGER NOT NULL);
  CREATE TABLE files (
    path BLOB PRIMARY KEY, state INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL, id TEXT, public_url TEXT, etag TEXT, content_type TEXT, verified INTEGER,
    retained_until_ms INTEGER, expires_ms INTEGER, attempts INTEGER, presigns INTEGER, cause INTEGER, message TEXT,
    run INTEGER NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID;
)sql";

constexpr const char* find_sql =
    "SELECT state, size, mtime_ns, ctime_ns, id, public_url, etag, content_type, verified, retained_until_ms, "
    "expires_ms, attempts, presigns, cause, message, run, checksum FROM files WHERE path = ?1";

constexpr const char* put_sql =
    "INSERT OR REPLACE INTO files VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18)";

constexpr const char* disk_full = "cannot be written: the disk is full; free some space and run the same command again";
constexpr const char* read_only = "cannot be written: it, or its folder, is read-only; name another with --ledger";
constexpr const char* no_memory = "cannot be used: out of memory; raise ulimit -v or lower --concurrency";
constexpr const char* no_memory_to_write = "the ledger cannot be written: out of memory";
constexpr const char* damaged = "is damaged; move it aside to start anew, or restore a copy";

// ---- a row's checksum: FNV-1a -----------------------------------------------------------------------------------

class checksum {
 public:
  void add(std::string_view text) {
    add(static_cast<std::int64_t>(text.size()));
    for (const char c : text) add_byte(static_cast<unsigned char>(c));
  }
  void add(std::int64_t number) {
    for (int shift = 0; shift < 64; shift += 8) add_byte(static_cast<unsigned char>(number >> shift));
  }
  void add(const std::optional<core::wall_time>& time) {
    add(std::int64_t{time ? 1 : 0});
    if (time) add(std::int64_t{time->time_since_epoch().count()});
  }
  std::int64_t value() const { return static_cast<std::int64_t>(hash_); }

 private:
  void add_byte(unsigned char byte) { hash_ = (hash_ ^ byte) * 0x100000001b3u; }
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

std::int64_t checksum_of(const row& r, std::int64_t run) {
  checksum sum;
  for (const std::string_view text :
       {std::string_view(r.path), std::string_view(r.id), std::string_view(r.public_url), std::string_view(r.etag),
        std::string_view(r.content_type), std::string_view(r.message)})
    sum.add(text);
  for (const std::int64_t number : {static_cast<std::int64_t>(r.state), static_cast<std::int64_t>(r.size), r.mtime_ns,
                                    r.ctime_ns, static_cast<std::int64_t>(r.verified), std::int64_t{r.attempts},
                                    std::int64_t{r.presigns}, static_cast<std::int64_t>(r.cause), run})
    sum.add(number);
  sum.add(r.retained_until);
  sum.add(r.expires);
  return sum.value();
}

// ---- SQLite's values --------------------------------------------------------------------------------------------

std::string text_of(sqlite3_stmt* s, int column) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(s, column));
  return bytes == nullptr ? std::string{}
                          : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(s, column)));
}

std::optional<core::wall_time> time_of(sqlite3_stmt* s, int column) {
  if (sqlite3_column_type(s, column) == SQLITE_NULL) return std::nullopt;
  return core::wall_time{core::millis{sqlite3_column_int64(s, column)}};
}

// Static: whatever is bound outlives the step, and is unbound by the next row's.
void set(sqlite3_stmt* s, int index, std::string_view text) {
  sqlite3_bind_text(s, index, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}

void set_path(sqlite3_stmt* s, std::string_view path) {
  // A null pointer would bind NULL, and no path is a path too.
  sqlite3_bind_blob(s, 1, path.data() == nullptr ? "" : path.data(), static_cast<int>(path.size()), SQLITE_STATIC);
}

void set(sqlite3_stmt* s, int index, std::int64_t number) {
  sqlite3_bind_int64(s, index, number);
}

void set(sqlite3_stmt* s, int index, const std::optional<core::wall_time>& time) {
  if (time)
    sqlite3_bind_int64(s, index, time->time_since_epoch().count());
  else
    sqlite3_bind_null(s, index);
}

/// What the system said to SQLite, which says "disk I/O error" to each of it but a full disk.
std::string system_reason(int error) {
  return error == 0 ? std::string{} : " (" + std::generic_category().message(error) + ")";
}

/// Of an I/O error that has a remedy, as a full disk has; else empty.
std::string_view known_reason(int error) {
  switch (error) {
  case EFBIG:
    return "cannot be written: it may not grow any more (ulimit -f, or its file system); raise that and run the same "
           "command again";
  case EDQUOT: return "cannot be written: the disk quota is used up; free some space and run the same command again";
  case ENOSPC: return disk_full;
  case EROFS: return read_only;
  case ENOMEM: return no_memory;
  default: return {};
  }
}

row row_from(sqlite3_stmt* s, std::string_view path) {
  row r;
  r.path = path;
  r.state = static_cast<row_state>(sqlite3_column_int(s, 0));
  r.size = static_cast<std::uint64_t>(sqlite3_column_int64(s, 1));
  r.mtime_ns = sqlite3_column_int64(s, 2);
  r.ctime_ns = sqlite3_column_int64(s, 3);
  r.id = text_of(s, 4);
  r.public_url = text_of(s, 5);
  r.etag = text_of(s, 6);
  r.content_type = text_of(s, 7);
  r.verified = static_cast<verification>(sqlite3_column_int(s, 8));
  r.retained_until = time_of(s, 9);
  r.expires = time_of(s, 10);
  r.attempts = sqlite3_column_int(s, 11);
  r.presigns = sqlite3_column_int(s, 12);
  r.cause = static_cast<errc>(sqlite3_column_int(s, 13));
  r.message = text_of(s, 14);
  return r;
}

} // namespace

void sqlite_store::close_database::operator()(sqlite3* db) const noexcept {
  sqlite3_close(db);
}
void sqlite_store::finalize::operator()(sqlite3_stmt* s) const noexcept {
  sqlite3_finalize(s);
}

// ---- opening ----------------------------------------------------------------------------------------------------

sqlite_store::sqlite_store(const std::filesystem::path& file, const owner& whose, opening how)
    : file_(file), earlier_runs_(how.earlier_runs) {
  open_database();
  lock_out_others();
  const int found = version();
  if (found > schema_version)
    fail("was written by a newer hoist (format " + std::to_string(found) + ", this one knows " +
         std::to_string(schema_version) + "); use that one, or name another with --ledger");
  if (found > 0) check_soundness();
  if (found > 0) admit(whose, how.rekey);
  choose_journal();
  if (found == 0) create_tables(whose);
  begin_run();
  find_ = prepare(find_sql);
  put_ = prepare(put_sql);
}

sqlite_store::~sqlite_store() {
  find_.reset();
  put_.reset();
}

/// Root could read and write it anyway. Where modes cannot be changed the file system has none, and there is nothing to
/// be had.
void sqlite_store::refuse_what_others_can_write(unsigned owner, unsigned mode) {
  if (owner != ::geteuid() && owner != 0)
    fail("belongs to another user, who could change what it says; name another with --ledger");
  constexpr unsigned of_others = S_IWGRP | S_IWOTH, all = 07777;
  if ((mode & of_others) == 0) return;
  struct ::stat now {};
  const bool changed = ::chmod(file_.c_str(), mode & all & ~of_others) == 0 && ::lstat(file_.c_str(), &now) == 0;
  if (!changed || (now.st_mode & of_others) != 0) return;
  ::chmod(file_.c_str(), mode & all);
  fail("can be written by others, who could change what it says; take that away with chmod go-w, or name another with "
       "--ledger");
}

void sqlite_store::open_database() {
  // Created by us, so that it is private from its first byte on; SQLite makes its journal with the same mode. One that
  // is there is not opened beside SQLite: to close it again would take away the locks of whoever in this process has
  // it.
  const int made = ::open(file_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (made >= 0) ::close(made);
  if (made < 0 && errno != EEXIST) fail("cannot be opened: " + std::generic_category().message(errno));
  struct ::stat status {};
  if (::lstat(file_.c_str(), &status) != 0) fail("cannot be opened: " + std::generic_category().message(errno));
  if (S_ISLNK(status.st_mode)) fail("is a symbolic link; name the file itself");
  if (S_ISDIR(status.st_mode)) fail("is a directory; name a file");
  if (!S_ISREG(status.st_mode)) fail("is no regular file; name another");
  if (made < 0) refuse_what_others_can_write(status.st_uid, status.st_mode);
  sqlite3* db = nullptr;
  const int opened = sqlite3_open_v2(file_.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  db_.reset(db);
  if (opened != SQLITE_OK) fail("cannot be opened");
  sqlite3_extended_result_codes(db, 1);
}

/// The order matters: the lock first, then WAL, so that WAL never needs shared memory.
void sqlite_store::lock_out_others() {
  run("PRAGMA locking_mode=EXCLUSIVE");
  run("BEGIN EXCLUSIVE; COMMIT");
}

/// Of the file's format; 0: it is empty and will be ours.
int sqlite_store::version() {
  const auto found = number("PRAGMA user_version");
  const bool ours = number("PRAGMA application_id") == application_id;
  const bool empty = number("SELECT count(*) FROM sqlite_schema") == 0;
  if (!ours && !(empty && found == 0)) fail("is a database, but not one of hoist's; name another with --ledger");
  return static_cast<int>(found);
}

void sqlite_store::check_soundness() {
  if (text("PRAGMA quick_check(1)") != "ok") fail(damaged);
}

void sqlite_store::choose_journal() {
  if (text("PRAGMA journal_mode=WAL") != "wal")
    notice_ =
        "the ledger " + file_.string() + " is on a file system without write-ahead logging; it is safe, and slower";
  run("PRAGMA synchronous=FULL");
  // 16 MB between checkpoints: neighbouring groups change the same pages, which are then written back once.
  run("PRAGMA wal_autocheckpoint=4000");
  run("PRAGMA journal_size_limit=67108864");
  run("PRAGMA cache_size=-16384");
}

void sqlite_store::create_tables(const owner& whose) {
  run("BEGIN");
  run(tables);
  const statement s = prepare("INSERT INTO ledger VALUES (?1, ?2, 0)");
  set(s.get(), 1, whose.api_origin);
  set(s.get(), 2, whose.key_fingerprint);
  if (sqlite3_step(s.get()) != SQLITE_DONE) fail("cannot be written");
  run(("PRAGMA user_version=" + std::to_string(schema_version)).c_str());
  run(("PRAGMA application_id=" + std::to_string(application_id)).c_str());
  run("COMMIT");
}

void sqlite_store::admit(const owner& whose, bool rekey) {
  const auto origin = text("SELECT api_origin FROM ledger");
  if (origin.empty()) fail(damaged);
  if (origin != whose.api_origin)
    fail("belongs to the API at " + origin + ", not to " + whose.api_origin + "; name another with --ledger");
  if (text("SELECT key_fingerprint FROM ledger") == whose.key_fingerprint) return;
  if (!rekey)
    fail("belongs to another API key; if it is one of the same account, add --rekey, else name another with --ledger");
  const statement s = prepare("UPDATE ledger SET key_fingerprint = ?1");
  set(s.get(), 1, whose.key_fingerprint);
  if (sqlite3_step(s.get()) != SQLITE_DONE) fail("cannot be written");
}

void sqlite_store::begin_run() {
  run("UPDATE ledger SET runs = runs + 1");
  run_ = number("SELECT runs FROM ledger");
}

// ---- rows -------------------------------------------------------------------------------------------------------

std::optional<row> sqlite_store::find(std::string_view path) {
  const std::lock_guard lock(mutex_);
  const auto newest = std::find_if(staged_.rbegin(), staged_.rend(), [&](const row& r) { return r.path == path; });
  if (newest != staged_.rend()) return *newest;
  sqlite3_stmt* const s = find_.get();
  set_path(s, path);
  const int result = sqlite3_step(s);
  std::optional<row> found;
  bool sound = true;
  if (result == SQLITE_ROW) {
    found = row_from(s, path);
    const auto run = sqlite3_column_int64(s, 15);
    sound = checksum_of(*found, run) == sqlite3_column_int64(s, 16);
    if (!earlier_runs_ && run != run_) found.reset();
  }
  sqlite3_reset(s);
  if (!sound) fail(damaged);
  if (result != SQLITE_ROW && result != SQLITE_DONE) fail("cannot be read");
  return found;
}

void sqlite_store::put(row r) {
  const std::lock_guard lock(mutex_);
  staged_.push_back(std::move(r));
}

void sqlite_store::commit() {
  const std::lock_guard lock(mutex_);
  if (staged_.empty()) return;
  try {
    write_staged();
  } catch (const std::bad_alloc&) { // half a group is none
    roll_back();
    throw boost::system::system_error(make_error_code(errc::ledger_failed), no_memory_to_write);
  }
}

void sqlite_store::write_staged() {
  const auto group = std::exchange(staged_, {});
  // In the order of their paths neighbours share pages, at a third of the cost; of equal paths the last one counts.
  std::vector<const row*> sorted;
  sorted.reserve(group.size());
  for (const row& r : group) sorted.push_back(&r);
  std::ranges::stable_sort(sorted, {}, [](const row* r) -> const std::string& { return r->path; });
  run("BEGIN IMMEDIATE");
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (i + 1 == sorted.size() || sorted[i + 1]->path != sorted[i]->path) write(*sorted[i]);
  run("COMMIT");
}

void sqlite_store::write(const row& r) {
  sqlite3_stmt* const s = put_.get();
  set_path(s, r.path);
  set(s, 2, static_cast<std::int64_t>(r.state));
  set(s, 3, static_cast<std::int64_t>(r.size));
  set(s, 4, r.mtime_ns);
  set(s, 5, r.ctime_ns);
  set(s, 6, r.id);
  set(s, 7, r.public_url);
  set(s, 8, r.etag);
  set(s, 9, r.content_type);
  set(s, 10, static_cast<std::int64_t>(r.verified));
  set(s, 11, r.retained_until);
  set(s, 12, r.expires);
  set(s, 13, std::int64_t{r.attempts});
  set(s, 14, std::int64_t{r.presigns});
  set(s, 15, static_cast<std::int64_t>(r.cause));
  set(s, 16, r.message);
  set(s, 17, run_);
  set(s, 18, checksum_of(r, run_));
  const int result = sqlite3_step(s);
  sqlite3_reset(s);
  if (result != SQLITE_DONE) fail("cannot be written");
}

// ---- SQLite -----------------------------------------------------------------------------------------------------

void sqlite_store::run(const char* sql) {
  if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail("cannot be used");
}

sqlite_store::statement sqlite_store::prepare(const char* sql) {
  sqlite3_stmt* s = nullptr;
  if (sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &s, nullptr) != SQLITE_OK)
    fail("cannot be used");
  return statement(s);
}

std::int64_t sqlite_store::number(const char* sql) {
  const statement s = prepare(sql);
  const int result = sqlite3_step(s.get());
  if (result != SQLITE_ROW && result != SQLITE_DONE) fail("cannot be used");
  return result == SQLITE_ROW ? sqlite3_column_int64(s.get(), 0) : 0;
}

std::string sqlite_store::text(const char* sql) {
  const statement s = prepare(sql);
  const int result = sqlite3_step(s.get());
  if (result != SQLITE_ROW && result != SQLITE_DONE) fail("cannot be used");
  return result == SQLITE_ROW ? text_of(s.get(), 0) : std::string{};
}

/// A transaction that is left open would keep what was half written; its own failure would tell nothing new.
void sqlite_store::roll_back() noexcept {
  if (db_ && sqlite3_get_autocommit(db_.get()) == 0) sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

/// What SQLite found wrong is told before what we were about to do.
void sqlite_store::fail(const std::string& what) {
  const int latest = errno; // a failed step has its own in no other place
  const int code = db_ ? sqlite3_errcode(db_.get()) & 0xff : SQLITE_OK;
  const std::string reason = db_ ? sqlite3_errmsg(db_.get()) : "";
  int error = db_ ? sqlite3_system_errno(db_.get()) : 0; // before the next call has another
  if (error == 0 && code == SQLITE_IOERR) error = latest;
  roll_back();
  const bool opening = !put_; // then nothing is wrong with the ledger, nor with the name it was given
  if (opening && (code == SQLITE_NOMEM || (code == SQLITE_IOERR && error == ENOMEM))) throw std::bad_alloc();
  std::string text = what;
  switch (code) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED: text = "is in use by another process; wait for that one, or name another with --ledger"; break;
  case SQLITE_NOTADB: text = "is no ledger of hoist's, or damaged; name another with --ledger"; break;
  // SQLite says the same of a page that makes no sense and of one that the disk does not give (EIO).
  case SQLITE_CORRUPT: text = "is damaged, or its disk is; move it aside to start anew, or restore a copy"; break;
  case SQLITE_FULL: text = disk_full; break;
  case SQLITE_READONLY: text = read_only; break;
  case SQLITE_NOMEM: text = no_memory; break;
  case SQLITE_OK:
  case SQLITE_ROW:
  case SQLITE_DONE: break;
  case SQLITE_IOERR:
    if (const auto known = known_reason(error); !known.empty()) {
      text = known;
      break;
    }
    [[fallthrough]];
  default: text += ": " + reason + system_reason(error);
  }
  throw boost::system::system_error(make_error_code(errc::ledger_failed), "the ledger " + file_.string() + " " + text);
}

} // namespace hoist::ledger
