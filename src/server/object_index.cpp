#include "server/object_index.hpp"

#include <charconv>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "server/encoding.hpp"

namespace hoist::server {
namespace {

constexpr std::string_view log_title = "hoist-server-index 1";

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

object_index::object_index(const std::filesystem::path& log, durability wanted) : durability_(wanted) {
  const auto superseded = read_log(log);
  if (superseded > 0 || !std::filesystem::exists(log)) rewrite_log(log);
  fd_ = ::open(log.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd_ < 0) fail("cannot open " + log.string());
}

object_index::~object_index() {
  if (fd_ >= 0) ::close(fd_);
}

// Returns how many lines are no longer needed, a torn one included.
std::size_t object_index::read_log(const std::filesystem::path& log) {
  std::ifstream in(log, std::ios::binary);
  if (!in) return 0;
  std::string line;
  if (!std::getline(in, line) || line != log_title) {
    throw std::runtime_error(log.string() + " is no index of this program; move it away or choose another --state");
  }
  std::size_t superseded = 0;
  while (std::getline(in, line)) {
    const bool torn = in.eof(); // getline met the end before a newline
    if (torn || !take_line(line)) ++superseded;
  }
  return superseded;
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

void object_index::rewrite_log(const std::filesystem::path& log) const {
  auto aside = log;
  aside += ".new";
  std::ofstream out(aside, std::ios::binary | std::ios::trunc);
  out << log_title << '\n';
  for (const auto& part : shards_) {
    for (const auto& [id, info] : part.objects) out << to_log_line(id, info);
  }
  out.close();
  if (!out) fail("cannot write " + aside.string());
  std::filesystem::rename(aside, log);
}

void object_index::append(const std::string& line) {
  // One write to a file opened with O_APPEND: lines of several threads never interleave.
  if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) fail("cannot write the index");
  if (durability_ == durability::survives_power_cut && ::fdatasync(fd_) != 0) fail("cannot sync the index");
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
