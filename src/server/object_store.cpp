#include "server/object_store.hpp"

#include <array>
#include <charconv>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "server/encoding.hpp"

namespace hoist::server {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

fs::path made(const fs::path& folder) {
  fs::create_directories(folder);
  return folder;
}

void sync_folder(const fs::path& folder) {
  const unique_fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) fail("cannot sync " + folder.string());
}

// <id>.<generation>, as body_path() writes it.
std::optional<std::pair<file_id, std::uint32_t>> parse_body_name(const std::string& name) {
  if (name.size() < 38 || name[36] != '.') return std::nullopt;
  const auto id = file_id::parse(std::string_view(name).substr(0, 36));
  std::uint32_t generation = 0;
  const auto* last = name.data() + name.size();
  const auto [end, error] = std::from_chars(name.data() + 37, last, generation);
  if (!id || error != std::errc{} || end != last) return std::nullopt;
  return std::pair{*id, generation};
}

} // namespace

unique_fd::~unique_fd() {
  if (fd_ >= 0) ::close(fd_);
}

object_store::object_store(const fs::path& state, const storage_rules& rules)
    : rules_(rules)
    , objects_(made(state / "objects"))
    , aside_(made(state / "aside"))
    , index_(state / "index", rules.wanted) {
  // All folders at once: a PUT then never has to make one. With --discard none is needed.
  for (unsigned i = 0; i < 256 && !rules.discard; ++i) {
    const auto byte = static_cast<std::uint8_t>(i);
    fs::create_directories(objects_ / to_hex({&byte, 1}));
  }
  remove_leftovers();
}

void object_store::remove_leftovers() const {
  std::size_t removed = 0;
  for (const auto& entry : fs::directory_iterator(aside_)) removed += fs::remove(entry.path()) ? 1 : 0;
  for (const auto& entry : fs::recursive_directory_iterator(objects_)) {
    if (!entry.is_regular_file()) continue;
    const auto parsed = parse_body_name(entry.path().filename().string());
    const auto info = parsed ? index_.find(parsed->first) : std::nullopt;
    const bool vouched_for = info && !info->deleted && info->body_kept && info->generation == parsed->second;
    if (!vouched_for) removed += fs::remove(entry.path()) ? 1 : 0;
  }
  if (removed > 0) spdlog::info("state: removed {} bodies that no PUT was confirmed for", removed);
}

fs::path object_store::body_path(const file_id& id, std::uint32_t generation) const {
  return objects_ / to_hex(std::span(id.bytes).first(1)) / (id.text() + "." + std::to_string(generation));
}

fs::path object_store::next_aside() {
  return aside_ / std::to_string(next_name_.fetch_add(1));
}

object_store::upload::upload(object_store& store, const admitted_put& put)
    : store_(store), put_(put), digest_(kind_for(put)) {
  if (!store_.rules_.discard) {
    aside_ = store_.next_aside();
    file_ = unique_fd(::open(aside_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file_) fail("cannot create " + aside_.string());
  }
  store_.index_.begin_put(put_.id);
}

object_store::upload::~upload() {
  store_.index_.end_put(put_.id);
  if (!aside_.empty()) ::unlink(aside_.c_str());
}

digest_kind object_store::upload::kind_for(const admitted_put& put) const {
  // Stored objects always have an MD5, and a Content-MD5 cannot be checked without one.
  const bool md5_needed = !store_.rules_.discard || put.content_md5.has_value();
  return store_.rules_.digest == digest_kind::none && md5_needed ? digest_kind::md5 : store_.rules_.digest;
}

void object_store::upload::write(std::span<const char> bytes) {
  digest_.update(bytes);
  while (file_ && !bytes.empty()) {
    const auto count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("cannot write " + aside_.string());
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

std::optional<std::string> object_store::upload::mismatch() {
  if (digest_.has_md5()) md5_ = digest_.md5();
  if (!put_.content_md5 || *put_.content_md5 == *md5_) return std::nullopt;
  return to_base64(*md5_);
}

object_info object_store::upload::finish(unix_time now) {
  if (digest_.has_md5() && !md5_) md5_ = digest_.md5();
  object_info info;
  info.size = put_.size;
  info.md5 = md5_;
  if (digest_.has_sha256()) info.sha256 = digest_.sha256();
  info.content_type = put_.content_type;
  info.stored_at = now;
  info.delete_at = now + put_.retention;
  info.body_kept = !store_.rules_.discard;
  auto done = store_.index_.put(put_.id, std::move(info), [this](std::uint32_t generation) { place(generation); });
  if (done.before && !done.before->deleted) store_.remove_body(put_.id, *done.before);
  return std::move(done.now);
}

void object_store::upload::place(std::uint32_t generation) {
  if (!file_) return;
  const auto path = store_.body_path(put_.id, generation);
  const bool sync = store_.rules_.wanted == durability::survives_power_cut;
  if (sync && ::fdatasync(file_.get()) != 0) fail("cannot sync " + aside_.string());
  if (::rename(aside_.c_str(), path.c_str()) != 0) fail("cannot rename to " + path.string());
  aside_.clear();
  if (sync) sync_folder(path.parent_path());
}

void object_store::remove_body(const file_id& id, const object_info& info) const {
  if (info.body_kept) ::unlink(body_path(id, info.generation).c_str());
}

std::optional<object_store::stored> object_store::open(const file_id& id, unix_time now) const {
  // A PUT over the object may remove the body between the look-up and the open: then the index has a newer one.
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto info = index_.find(id);
    if (!info || !info->live_at(now)) return std::nullopt;
    if (!info->body_kept) return stored{*std::move(info), unique_fd{}};
    unique_fd body(::open(body_path(id, info->generation).c_str(), O_RDONLY | O_CLOEXEC));
    if (body) return stored{*std::move(info), std::move(body)};
  }
  return std::nullopt;
}

object_index::erasure object_store::erase(const file_id& id, unix_time now) {
  const auto done = index_.erase(id);
  if (done.before) remove_body(id, *done.before);
  const bool lapsed = done.before && !done.before->live_at(now);
  return lapsed ? object_index::erasure::already_gone : done.result;
}

std::size_t object_store::sweep(unix_time now) {
  const auto expired = index_.take_expired(now);
  for (const auto& [id, info] : expired) remove_body(id, info);
  return expired.size();
}

} // namespace hoist::server
