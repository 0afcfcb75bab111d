// Every request of ours, made of arbitrary parts that have passed the rules, as hoist-server's parser reads it: one
// request, with the fields that were meant and no others.
//
// The input is lines: target, host, API key, id, media type, body size, then "name: value" of required headers.

#include "fuzz.hpp"
#include "server/api/presign_request.hpp"
#include "server/http/http_message.hpp"
#include "wire/delete_request.hpp"
#include "wire/head_request.hpp"
#include "wire/put_head.hpp"

#include <algorithm>
#include <charconv>

namespace {

using namespace hoist;
using fuzz::require;

struct parts {
  wire::ticket ticket;
  std::string api_key, id, media_type;
  std::uint64_t size = 0;
};

/// Nothing: one of the parts is refused by the rule that stands before it.
bool read(std::string_view text, parts& p) {
  const auto target = fuzz::take_line(text), host = fuzz::take_line(text);
  if (!wire::parse_url("https://" + std::string(host) + std::string(target), p.ticket.put_url).empty()) return false;
  p.api_key = fuzz::take_line(text);
  p.id = fuzz::take_line(text);
  p.media_type = fuzz::take_line(text);
  const auto digits = fuzz::take_line(text);
  std::from_chars(digits.data(), digits.data() + digits.size(), p.size);
  while (!text.empty()) {
    const auto line = fuzz::take_line(text);
    const auto colon = std::min(line.find(": "), line.size());
    p.ticket.required_headers.push_back(
        {std::string(line.substr(0, colon)), std::string(line.substr(std::min(colon + 2, line.size())))});
  }
  return !p.api_key.empty() && wire::is_field_value(p.api_key) && wire::is_field_value(p.media_type) &&
         !p.media_type.empty();
}

/// One head that ends where the text does, or in front of `body`.
server::request_head parsed(const std::string& text, std::size_t body, std::string_view method, std::string_view target,
                            const wire::origin& where) {
  server::request_head head;
  const auto state = server::parse_head(text, head);
  require(state == server::head_state::complete, "our request is whole and well formed");
  require(head.bytes + body == text.size(), "our request is one and no more");
  require(head.method_text == method && head.target == target, "our request asks for what was meant");
  require(head.find("host") == where.authority(), "our request names its host");
  require(!head.chunked && head.keep_alive && !head.expects_continue, "nothing changes the framing of our request");
  for (const auto& field : head.fields())
    require(std::ranges::count_if(head.fields(),
                                  [&](const auto& f) { return wire::equal_ignoring_case(f.name, field.name); }) == 1,
            "no field stands twice");
  return head;
}

void check_put(const parts& p) {
  std::string text;
  if (!wire::refuse_headers(p.ticket.required_headers, p.api_key).empty()) return;
  if (!wire::append_put_head(text, p.ticket, p.media_type, p.size).empty()) return;
  if (text.size() > server::head_bytes_max || text.find("\r\n\r\n") + 4 > server::head_bytes_max)
    return; // more than that server takes
  const auto head = parsed(text, 0, "PUT", p.ticket.put_url.target, p.ticket.put_url.where);
  require(head.content_length == p.size, "a PUT announces its file's size");
  require(!head.has("x-api-key"), "no PUT has the key's field");
  std::size_t own = 5; // Host, Content-Length, Content-Type, User-Agent, none of them twice
  for (const auto& [name, value] : p.ticket.required_headers) {
    if (wire::equal_ignoring_case(name, "host")) continue; // the same in another case, at most
    require(head.find(name) == value, "a required header goes out as it was required");
  }
  require(head.fields().size() < p.ticket.required_headers.size() + own, "a PUT has no field that nobody asked for");
}

void check_delete(const parts& p) {
  if (!wire::refuse_id(p.id).empty()) return;
  std::string text;
  wire::delete_writer(p.ticket.put_url.where, p.api_key).append(text, p.id);
  server::request_head head;
  require(server::parse_head(text, head) == server::head_state::complete && head.bytes == text.size(),
          "a DELETE is one request");
  require(head.target.starts_with("/v1/files/") && head.target.find_first_of("/?#", 10) == std::string_view::npos,
          "an id is one step of a path");
  require(head.find("x-api-key") == p.api_key, "a DELETE has the key");
}

void check_presign(const parts& p) {
  std::string text;
  const std::chrono::seconds lifetime{static_cast<std::int64_t>(p.size % 31'536'001)};
  wire::presign_writer(p.ticket.put_url.where, p.api_key, lifetime).append(text, p.media_type);
  const auto body = text.find("\r\n\r\n") + 4;
  const auto head = parsed(text, text.size() - body, "POST", "/v1/upload/presign", p.ticket.put_url.where);
  require(head.content_length == text.size() - body, "a presign announces its body");
  require(head.find("x-api-key") == p.api_key, "a presign has the key");
  static server::presign_reader reader;
  const auto wanted = reader.read(std::string_view(text).substr(body));
  if (const auto* fields = std::get_if<server::presign_fields>(&wanted)) {
    require(fields->content_type == p.media_type, "a media type is asked for as it is");
    require(!fields->retention || *fields->retention == lifetime, "and so is the time to keep it");
  } else if (server::is_media_type(p.media_type) && (lifetime.count() == 0 || lifetime.count() >= 60)) {
    require(false, "a request of good parts is a good request");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  parts p;
  if (!read(fuzz::text_of(data, size), p)) return -1;
  check_put(p);
  check_delete(p);
  check_presign(p);
  std::string head;
  wire::append_head_request(head, p.ticket.put_url);
  if (head.size() <= server::head_bytes_max) parsed(head, 0, "HEAD", p.ticket.put_url.target, p.ticket.put_url.where);
  return 0;
}
