#include "server/storage/object_store.hpp"

#include <optional>
#include <system_error>

#include <unistd.h>

#include <spdlog/spdlog.h>

#include "server/base/encoding.hpp"
#include "server/storage/state_folder.hpp"
#include "server/storage/state_names.hpp"

namespace hoist::server {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

const folder& judged(const folder& state) {
  refuse_foreign(state);
  return state;
}

folder made_below(const folder& parent, const std::string& name) {
  parent.make_below(name);
  return own_folder(parent, name);
}

// What others put into the folder: told once, not named one by one.
struct strangers {
  std::size_t count = 0;
  fs::path example;

  void add(const folder& where, const std::string& name) {
    if (count++ == 0) example = where.path() / name;
  }
};

} // namespace

object_store::object_store(const folder& state, const storage_rules& rules)
    : rules_(rules)
    , index_(judged(state), rules.wanted)
    , objects_(made_below(state, objects_name))
    , aside_(made_below(state, aside_folder_name)) {
  // All folders at once: a PUT then never has to make one. With --discard none is needed.
  for (unsigned i = 0; i < 256 && !rules.discard; ++i) {
    const auto byte = static_cast<std::uint8_t>(i);
    objects_.make_below(to_hex({&byte, 1}));
  }
  remove_leftovers(state);
}

object_store::object_store(const fs::path& state, const storage_rules& rules)
    : object_store(folder::at(state), rules) {}

bool object_store::vouched_for(const file_id& id, std::uint32_t generation) const {
  const auto info = index_.find(id);
  return info && !info->deleted && info->body_kept && info->generation == generation;
}

void object_store::remove_leftovers(const folder& state) const {
  std::size_t removed = 0;
  strangers met;
  for (const auto& name : state.names()) {
    if (!is_state_file(name) && name != objects_name && name != aside_folder_name) met.add(state, name);
  }
  const auto remove_or_leave = [&](const folder& where, const std::string& name) {
    if (where.remove(name))
      ++removed;
    else
      met.add(where, name);
  };
  for (const auto& name : aside_.names()) {
    if (is_aside_name(name))
      remove_or_leave(aside_, name);
    else
      met.add(aside_, name);
  }
  for (const auto& folder_name : objects_.names()) {
    if (!is_body_folder(folder_name)) {
      met.add(objects_, folder_name);
      continue;
    }
    const auto bodies = own_folder(objects_, folder_name);
    for (const auto& name : bodies.names()) {
      const auto parsed = parse_body_name(folder_name, name);
      if (!parsed)
        met.add(bodies, name);
      else if (!vouched_for(parsed->first, parsed->second))
        remove_or_leave(bodies, name);
    }
  }
  if (removed > 0) spdlog::info("state: removed {} bodies that no PUT was confirmed for", removed);
  if (met.count == 0) return;
  spdlog::warn("state: {} entries that hoist-server did not make are left alone, such as {}", met.count,
               printable(met.example.string()));
}

unique_fd object_store::create_aside(std::string& name) {
  // Numbers that somebody else's entries have are passed over.
  for (;;) {
    name = aside_name(next_name_.fetch_add(1));
    if (auto file = aside_.create(name)) return file;
  }
}

object_store::upload::upload(object_store& store, const admitted_put& put)
    : store_(store), put_(put), digest_(kind_for(put)) {
  if (!store_.rules_.discard) {
    file_ = store_.create_aside(aside_);
  }
  store_.index_.begin_put(put_.id);
}

object_store::upload::~upload() {
  store_.index_.end_put(put_.id);
  if (!aside_.empty()) store_.aside_.remove(aside_);
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
    if (count < 0) fail("cannot write " + (store_.aside_.path() / aside_).string());
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
  const auto home = store_.objects_.below(body_folder(put_.id));
  const bool sync = store_.rules_.wanted == durability::survives_power_cut;
  if (sync && ::fdatasync(file_.get()) != 0) fail("cannot sync " + (store_.aside_.path() / aside_).string());
  store_.aside_.move(aside_, home, body_name(put_.id, generation));
  aside_.clear();
  if (sync) home.sync();
}

void object_store::remove_body(const file_id& id, const object_info& info) const {
  if (!info.body_kept) return;
  const auto home = objects_.find_below(body_folder(id));
  if (home && home->remove(body_name(id, info.generation))) return;
  spdlog::warn("state: the body of {} could not be removed; the next start tries again", id.text());
}

std::optional<object_store::stored> object_store::open(const file_id& id, unix_time now) const {
  // A PUT over the object may remove the body between the look-up and the open: then the index has a newer one.
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto info = index_.find(id);
    if (!info || !info->live_at(now)) return std::nullopt;
    if (!info->body_kept) return stored{*std::move(info), unique_fd{}};
    const auto home = objects_.find_below(body_folder(id));
    auto body = home ? home->find(body_name(id, info->generation)) : unique_fd{};
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
