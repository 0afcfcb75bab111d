#include "server/faults/ticket_spoiler.hpp"

#include <algorithm>

#include "server/base/encoding.hpp"

namespace hoist::server {
namespace {

constexpr std::size_t url_bytes = 1024UL * 1024;
constexpr std::size_t value_bytes = 70UL * 1024; // more than Beast's fields can hold
constexpr int nesting = 20'000;

struct ticket {
  std::string& json;
  std::string_view content_type;

  // Where a member's value begins; all values that are asked for are strings.
  [[nodiscard]] std::size_t value_of(std::string_view member) const {
    std::string mark(1, '"');
    mark.append(member).append("\":\"");
    return json.find(mark) + mark.size();
  }
  void replace_value(std::string_view member, std::string_view value) const {
    const auto begin = value_of(member);
    json.replace(begin, json.find('"', begin) - begin, value);
  }
  void append_to_value(std::string_view member, std::string_view text) const {
    json.insert(json.find('"', value_of(member)), text);
  }
  // From the scheme to the path.
  void replace_origin(std::string_view origin) const {
    const auto begin = value_of("presigned_url");
    json.replace(begin, json.find('/', json.find("//", begin) + 2) - begin, origin);
  }
  void remove_member(std::string_view member) const {
    const auto begin = value_of(member) - member.size() - 4;
    json.erase(begin, json.find('"', begin + member.size() + 4) + 2 - begin);
  }
  // Into required_headers, in JSON's spelling.
  void add_header(std::string_view name, std::string_view value) const {
    std::string member;
    member.append(",\"").append(name).append("\":\"").append(value).append("\"");
    json.insert(json.size() - 2, member);
  }
};

struct spoiler {
  std::string_view name;
  void (*apply)(const ticket&);
};

void add_many_headers(const ticket& t) {
  for (int i = 0; i < 100; ++i) t.add_header(std::string("x-amz-meta-").append(std::to_string(i)), "v");
}

void nest_deeply(const ticket& t) {
  t.json.assign(nesting, '[');
  t.json.append(nesting, ']');
}

void add_user(const ticket& t) {
  t.json.insert(t.json.find("//", t.value_of("presigned_url")) + 2, "user:password@");
}

void repeat_key(const ticket& t) {
  t.json.insert(1, R"("id":"00000000-0000-4000-8000-000000000000",)");
}

void drop_tls(const ticket& t) {
  const auto begin = t.value_of("presigned_url");
  t.json.replace(begin, t.json.find("//", begin) - begin, "http:");
}

void add_content_type(const ticket& t) {
  std::string value;
  append_json_escaped(value, t.content_type);
  t.add_header("Content-Type", value);
}

constexpr spoiler spoilers[] = {
    {"malformed-json", [](const ticket& t) { t.json.back() = ']'; }},
    {"truncated-json", [](const ticket& t) { t.json.resize(t.json.size() / 2); }},
    {"empty-body", [](const ticket& t) { t.json.clear(); }},
    {"not-an-object", [](const ticket& t) { t.json = "[]"; }},
    {"deep-json", nest_deeply},
    {"invalid-utf8", [](const ticket& t) { t.append_to_value("public_url", "\xff\xfe"); }},
    {"duplicate-key", repeat_key},
    {"id-missing", [](const ticket& t) { t.remove_member("id"); }},
    {"url-missing", [](const ticket& t) { t.remove_member("presigned_url"); }},
    {"url-plain-http", drop_tls},
    {"url-userinfo", add_user},
    {"url-fragment", [](const ticket& t) { t.append_to_value("presigned_url", "#fragment"); }},
    {"url-space", [](const ticket& t) { t.append_to_value("presigned_url", " x"); }},
    {"url-crlf", [](const ticket& t) { t.append_to_value("presigned_url", R"(\r\nX-Injected: 1)"); }},
    {"url-huge",
     [](const ticket& t) { t.append_to_value("presigned_url", std::string("&x=").append(url_bytes, 'a')); }},
    {"url-metadata-address", [](const ticket& t) { t.replace_origin("https://169.254.169.254"); }},
    {"url-mapped-address", [](const ticket& t) { t.replace_origin("https://[::ffff:169.254.169.254]"); }},
    {"url-decimal-address", [](const ticket& t) { t.replace_origin("https://2852039166"); }},
    {"url-private-address", [](const ticket& t) { t.replace_origin("https://10.255.255.1"); }},
    {"url-encoded-slash", [](const ticket& t) { t.replace_origin("https://127.0.0.1%2f.example.com"); }},
    {"header-crlf", [](const ticket& t) { t.add_header("x-amz-meta-a", R"(b\r\nX-Injected: 1)"); }},
    {"header-nul", [](const ticket& t) { t.add_header("x-amz-meta-a", R"(b\u0000c)"); }},
    {"header-bad-name", [](const ticket& t) { t.add_header("x-amz meta", "b"); }},
    {"header-host", [](const ticket& t) { t.add_header("Host", "elsewhere.example"); }},
    {"header-content-length", [](const ticket& t) { t.add_header("Content-Length", "7"); }},
    {"header-transfer-encoding", [](const ticket& t) { t.add_header("Transfer-Encoding", "chunked"); }},
    {"header-connection", [](const ticket& t) { t.add_header("Connection", "close"); }},
    {"header-twice", [](const ticket& t) { t.add_header("X-AMZ-META-FILE-ID", "other"); }},
    {"header-content-type", add_content_type}, // honest: some presigners do this
    {"huge-header", [](const ticket& t) { t.add_header("x-amz-meta-a", std::string(value_bytes, 'a')); }},
    {"many-headers", add_many_headers},
    {"public-url-control", [](const ticket& t) { t.append_to_value("public_url", R"(\u001b[31m\n)"); }},
    {"expires-missing", [](const ticket& t) { t.remove_member("expires_at"); }},
    {"expires-garbage", [](const ticket& t) { t.replace_value("expires_at", "soon"); }},
    {"expires-past", [](const ticket& t) { t.replace_value("expires_at", "2001-01-01T00:00:00Z"); }},
    {"expires-no-zone", [](const ticket& t) { t.json.erase(t.json.find('"', t.value_of("expires_at")) - 1, 1); }},
};

} // namespace

bool can_spoil_ticket(std::string_view name) noexcept {
  return std::ranges::any_of(spoilers, [&](const spoiler& each) { return each.name == name; });
}

std::vector<std::string_view> ticket_spoiler_names() {
  std::vector<std::string_view> names;
  for (const auto& each : spoilers) names.push_back(each.name);
  return names;
}

void spoil_ticket(std::string_view name, std::string& json, std::string_view content_type) {
  for (const auto& each : spoilers) {
    if (each.name == name) each.apply({json, content_type});
  }
}

} // namespace hoist::server
