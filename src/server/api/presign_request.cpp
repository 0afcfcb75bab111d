#include "server/api/presign_request.hpp"

#include <algorithm>
#include <array>

#include "server/base/encoding.hpp"

namespace hoist::server {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t media_type_length_max = 255;
constexpr std::size_t depth_max = 32;

struct field {
  bool present = false; // null counts as absent
  element value;
};

field find(const object& fields, std::string_view name) {
  element value;
  if (fields.at_key(name).get(value) != simdjson::SUCCESS || value.is_null()) return {};
  return {true, value};
}

std::optional<std::string> read_content_type(const object& body, presign_fields& into) {
  const auto found = find(body, "content_type");
  if (!found.present) return "content_type is required";
  std::string_view text;
  if (found.value.get(text) != simdjson::SUCCESS) return "content_type must be a string";
  if (text.empty()) return "content_type is required";
  if (!is_media_type(text)) return "content_type must be a media type such as image/png";
  into.content_type = text;
  return std::nullopt;
}

std::optional<std::string> read_file_type(const object& body) {
  constexpr std::array<std::string_view, 4> known{"image", "video", "audio", "other"};
  const auto found = find(body, "file_type");
  if (!found.present) return std::nullopt;
  std::string_view text;
  if (found.value.get(text) == simdjson::SUCCESS && std::ranges::find(known, text) != known.end()) return std::nullopt;
  return "file_type must be one of image, video, audio, other";
}

std::optional<std::string> read_retention(const object& body, presign_fields& into) {
  const auto found = find(body, "expires_in_seconds");
  if (!found.present) return std::nullopt;
  std::int64_t seconds = 0;
  const bool integer = found.value.get(seconds) == simdjson::SUCCESS;
  if (!integer || seconds < retention_seconds_min || seconds > retention_seconds_max) {
    return "expires_in_seconds must be an integer from 60 to 31536000";
  }
  into.retention = std::chrono::seconds{seconds};
  return std::nullopt;
}

} // namespace

std::variant<presign_fields, presign_refusal> presign_reader::read(std::string_view body) {
  if (parser_.max_depth() != depth_max && parser_.allocate(presign_body_bytes_max, depth_max) != simdjson::SUCCESS) {
    return presign_refusal{"out of memory"};
  }
  element root;
  if (parser_.parse(body.data(), body.size(), true).get(root) != simdjson::SUCCESS) {
    return presign_refusal{"request body is not valid JSON"};
  }
  object fields;
  if (root.get(fields) != simdjson::SUCCESS) return presign_refusal{"request body must be a JSON object"};
  presign_fields wanted;
  if (auto reason = read_content_type(fields, wanted)) return presign_refusal{*std::move(reason)};
  if (auto reason = read_file_type(fields)) return presign_refusal{*std::move(reason)};
  if (auto reason = read_retention(fields, wanted)) return presign_refusal{*std::move(reason)};
  return wanted;
}

bool is_media_type(std::string_view text) noexcept {
  if (text.size() > media_type_length_max) return false;
  const auto is_visible = [](char c) { return c >= 0x20 && c < 0x7F; };
  if (!std::ranges::all_of(text, is_visible)) return false;
  const auto essence = trimmed(text.substr(0, text.find(';')));
  const auto slash = essence.find('/');
  if (slash == std::string_view::npos || text.front() == ' ' || text.back() == ' ') return false;
  return is_token(essence.substr(0, slash)) && is_token(essence.substr(slash + 1));
}

} // namespace hoist::server
