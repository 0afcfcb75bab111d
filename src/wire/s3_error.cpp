#include "wire/s3_error.hpp"

#include "wire/header_rules.hpp"

#include <pugixml.hpp>

#include <algorithm>

namespace hoist::wire {

namespace {

constexpr std::size_t message_bytes_max = 256;
constexpr std::size_t id_bytes_max = 128;
constexpr std::size_t endpoint_bytes_max = 256;
constexpr int error_depth_max =
    3; ///< <ErrorResponse><Errors><Error>, as some of AWS's and its imitators' services nest it

/// An element's name without a namespace's prefix.
std::string_view local_name(const pugi::xml_node& node) {
  const std::string_view name = node.name();
  return name.substr(name.find(':') + 1); // npos + 1 is 0
}

pugi::xml_node child_named(const pugi::xml_node& parent, std::string_view name) {
  for (const auto& node : parent.children())
    if (equal_ignoring_case(local_name(node), name)) return node;
  return {};
}

/// The `<Error>` below `parent`, found in elements that hold nothing else of interest; its depth, or 0.
int find_error(const pugi::xml_node& parent, int depth, pugi::xml_node& out) {
  out = child_named(parent, "Error");
  if (out) return depth;
  if (depth == error_depth_max) return 0;
  for (const auto& node : parent.children())
    if (const int found = find_error(node, depth + 1, out); found != 0) return found;
  return 0;
}

std::string text_of(const pugi::xml_node& error, std::string_view name, std::size_t bytes_max) {
  return std::string(std::string_view(child_named(error, name).child_value()).substr(0, bytes_max));
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto begin = std::min(text.find_first_not_of(blanks), text.size());
  text.remove_prefix(begin);
  return std::string(text.substr(0, text.find_last_not_of(blanks) + 1));
}

} // namespace

s3_error parse_s3_error(std::string_view body) {
  pugi::xml_document document;
  constexpr auto options = pugi::parse_minimal | pugi::parse_escapes | pugi::parse_cdata;
  if (!document.load_buffer(body.data(), body.size(), options)) return {};
  pugi::xml_node error;
  const int depth = find_error(document, 1, error);
  if (depth == 0) return {};
  return {trimmed(text_of(error, "Code", id_bytes_max)), text_of(error, "Message", message_bytes_max),
          text_of(error, "RequestId", id_bytes_max), trimmed(text_of(error, "Endpoint", endpoint_bytes_max)),
          depth == 1};
}

} // namespace hoist::wire
