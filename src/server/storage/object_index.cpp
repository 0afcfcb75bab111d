#include "server/storage/object_index.hpp"

#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <system_error>

#include <unistd.h>

#include <spdlog/spdlog.h>

#include "server/base/encoding.hpp"
#include "server/storage/state_names.hpp"

namespace hoist::server {
namespace {

constexpr std::size_t read_bytes = 64 * 1024; // at a time: few calls, and nothing beside an index

std::vector<std::string_view> split(std::string_view line, char separator, std::size_t parts_max) {
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < parts_max) {
    const auto end = line.find(separator);
    if (end == std::string_view::npos) break;
    parts.push_back(line.substr(0, end));
    line.remove_prefix(end + 1);
  }
  parts.push_back(line);
  return parts;
}

template <typename Number>
bool read(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end == text.data() + text.size();
}

template <typename Value>
bool read_digest(std::string_view text, std::optional<Value>& into) {
  if (text == "-") return true;
  into.emplace();
  return from_hex(text, *into);
}

bool read_time(std::string_view text, unix_time& into) {
  std::int64_t seconds = 0;
  if (!read(text, seconds)) return false;
  into = unix_time{std::chrono::seconds{seconds}};
  return true;
}

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

[[noreturn]] void refuse_index(const std::filesystem::path& path) {
  throw std::runtime_error(path.string() + " is no index of this program; move it away or choose another --state");
}

} // namespace

std::string object_info::etag() const {
  // Without a digest the tag must not look like an MD5, or a client would compare it with one.
  std::string tag(1, '"');
  if (md5) {
    append_hex(tag, *md5);
  } else {
    tag.append("undigested-").append(std::to_string(size)).append("-").append(std::to_string(generation));
  }
  return tag.append(1, '"');
}

std::string to_log_line(const file_id& id, const object_info& info) {
  std::string line;
  line.reserve(200);
  const auto number = [&](auto value) { line.append("\t").append(std::to_string(value)); };
  line.append(info.deleted ? "D\t" : "P\t").append(id.text());
  number(info.generation);
  number(info.puts);
  number(info.size);
  line.append("\t").append(info.md5 ? to_hex(*info.md5) : "-").append("\t");
  line.append(info.sha256 ? to_hex(*info.sha256) : "-");
  number(info.stored_at.time_since_epoch().count());
  number(info.delete_at.time_since_epoch().count());
  number(info.body_kept ? 1 : 0);
  return line.append("\t").append(info.content_type).append("\n");
}

std::optional<std::pair<file_id, object_info>> from_log_line(std::string_view line) {
  const auto parts = split(line, '\t', 11);
  if (parts.size() != 11 || (parts[0] != "P" && parts[0] != "D")) return std::nullopt;
  const auto id = file_id::parse(parts[1]);
  object_info info;
  info.deleted = parts[0] == "D";
  info.body_kept = parts[9] == "1";
  info.content_type = parts[10];
  const bool good = id && read(parts[2], info.generation) && read(parts[3], info.puts) && read(parts[4], info.size) &&
                    read_digest(parts[5], info.md5) && read_digest(parts[6], info.sha256) &&
                    read_time(parts[7], info.stored_at) && read_time(parts[8], info.delete_at);
  if (!good) return std::nullopt;
  return std::pair{*id, std::move(info)};
}

object_index::object_index(const folder& state, durability wanted) : durability_(wanted) {
  const auto log = state.read(index_name);
  const auto superseded = log ? read_log(log, state.path() / index_name) : 0;
  if (!log || superseded > 0) rewrite_log(state);
  fd_ = state.append(index_name);
  if (!fd_) throw std::runtime_error("cannot open " + (state.path() / index_name).string());
}

// Returns how many lines are no longer needed, a torn one included.
std::size_t object_index::read_log(const unique_fd& log, const std::filesystem::path& path) {
  std::vector<char> portion(read_bytes);
  std::string unread;
  std::size_t superseded = 0;
  bool titled = false;
  for (;;) {
    const auto count = ::read(log.get(), portion.data(), portion.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("cannot read " + path.string());
    if (count == 0) break;
    unread.append(portion.data(), static_cast<std::size_t>(count));
    std::size_t begin = 0;
    for (auto end = unread.find('\n'); end != std::string::npos; end = unread.find('\n', begin)) {
      const auto line = std::string_view(unread).substr(begin, end - begin);
      begin = end + 1;
      if (titled) {
        superseded += take_line(line) ? 0 : 1;
      } else if (line == index_title) {
        titled = true;
      } else {
        refuse_index(path);
      }
    }
    unread.erase(0, begin);
  }
  if (!titled) refuse_index(path);
  return superseded + (unread.empty() ? 0 : 1); // without its newline a line is torn
}

// False when the line replaced an older one or could not be read.
bool object_index::take_line(std::string_view line) {
  auto parsed = from_log_line(line);
  if (!parsed) {
    spdlog::warn("index: a line that cannot be read was skipped");
    return false;
  }
  auto& [id, info] = *parsed;
  return shard_of(id).objects.insert_or_assign(id, std::move(info)).second;
}

void object_index::rewrite_log(const folder& state) const {
  const std::string aside = std::string(index_name) + ".new";
  const auto what = "cannot write " + (state.path() / aside).string();
  state.remove(aside); // of a process that was killed
  const auto out = state.create(aside);
  if (!out) throw std::runtime_error(what + ": something else has its name");
  auto text = std::string(index_title) + '\n';
  for (const auto& part : shards_) {
    for (const auto& [id, info] : part.objects) text += to_log_line(id, info);
    write_all(out.get(), text, what);
    text.clear();
  }
  state.move(aside, state, index_name);
}

void object_index::append(const std::string& line) {
  // One write to a file opened with O_APPEND: lines of several threads never interleave.
  if (::write(fd_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) fail("cannot write the index");
  if (durability_ == durability::survives_power_cut && ::fdatasync(fd_.get()) != 0) fail("cannot sync the index");
}

std::optional<object_info> object_index::find(const file_id& id) const {
  const auto& part = shard_of(id);
  const std::lock_guard lock(part.mutex);
  const auto found = part.objects.find(id);
  return found == part.objects.end() ? std::nullopt : std::optional(found->second);
}

void object_index::begin_put(const file_id& id) {
  auto& part = shard_of(id);
  const std::lock_guard lock(part.mutex);
  ++part.being_written[id];
}

void object_index::end_put(const file_id& id) {
  auto& part = shard_of(id);
  const std::lock_guard lock(part.mutex);
  const auto found = part.being_written.find(id);
  if (--found->second == 0) part.being_written.erase(found);
}

object_index::replaced object_index::put(const file_id& id, object_info fresh,
                                         const std::function<void(std::uint32_t)>& place_body) {
  auto& part = shard_of(id);
  const std::lock_guard lock(part.mutex);
  auto [slot, inserted] = part.objects.try_emplace(id);
  const auto before = inserted ? std::nullopt : std::optional(slot->second);
  fresh.generation = slot->second.generation + 1;
  fresh.puts = slot->second.puts + 1;
  try {
    place_body(fresh.generation);
    append(to_log_line(id, fresh));
  } catch (...) {
    if (inserted) part.objects.erase(slot);
    throw;
  }
  slot->second = fresh;
  return {std::move(fresh), before};
}

object_index::erased object_index::erase(const file_id& id) {
  auto& part = shard_of(id);
  const std::lock_guard lock(part.mutex);
  if (part.being_written.contains(id)) return {erasure::being_written, std::nullopt};
  const auto found = part.objects.find(id);
  if (found == part.objects.end()) return {erasure::unknown, std::nullopt};
  if (found->second.deleted) return {erasure::already_gone, std::nullopt};
  const auto before = found->second;
  auto gone = before;
  gone.deleted = true;
  append(to_log_line(id, gone));
  found->second = std::move(gone);
  return {erasure::erased, before};
}

std::vector<std::pair<file_id, object_info>> object_index::take_expired(unix_time now) {
  std::vector<std::pair<file_id, object_info>> expired;
  for (auto& part : shards_) {
    const std::lock_guard lock(part.mutex);
    for (auto& [id, info] : part.objects) {
      if (info.deleted || now < info.delete_at) continue;
      expired.emplace_back(id, info);
      info.deleted = true;
      append(to_log_line(id, info));
    }
  }
  return expired;
}

void object_index::for_each(std::size_t number,
                            const std::function<void(const file_id&, const object_info&)>& visit) const {
  const auto& part = shards_.at(number);
  const std::lock_guard lock(part.mutex);
  for (const auto& [id, info] : part.objects) {
    if (!info.deleted) visit(id, info);
  }
}

} // namespace hoist::server
