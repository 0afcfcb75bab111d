#include "wire/s3_error.hpp"

#include <pugixml.hpp>

namespace hoist::wire {

namespace {

constexpr std::size_t message_bytes_max = 256;
constexpr std::size_t id_bytes_max = 128;

std::string child(const pugi::xml_node& error, const char* name, std::size_t bytes_max) {
  return std::string(std::string_view(error.child_value(name)).substr(0, bytes_max));
}

} // namespace

s3_error parse_s3_error(std::string_view body) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size(), pugi::parse_minimal | pugi::parse_escapes)) return {};
  const pugi::xml_node error = document.child("Error");
  return {child(error, "Code", id_bytes_max), child(error, "Message", message_bytes_max),
          child(error, "RequestId", id_bytes_max)};
}

} // namespace hoist::wire
