// hoist-server's reading of a request: head, route, range, signature and presign body. Half of the PUTs are signed
// rightly here, so that what lies behind the signature is reached.

#include "fuzz.hpp"
#include "server/api/presign_api.hpp"
#include "server/base/encoding.hpp"
#include "server/http/byte_range.hpp"
#include "server/service/route.hpp"
#include "server/storage/put_judge.hpp"

#include <algorithm>

namespace {

using namespace hoist;
using namespace hoist::server;
using fuzz::require;

const sigv4_account account{"AKIDEXAMPLE", "secret-0123456789", "us-east-1"};
constexpr unix_time now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 22}};
constexpr std::string_view api_key = "key-0123456789";

bool inside(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_head(std::string_view text, const request_head& head) {
  require(head.bytes <= text.size() && head.bytes <= head_bytes_max, "a head ends within what was read, and its limit");
  require(head.fields().size() <= head_fields_max, "fields have a limit");
  require(inside(head.target, text) && inside(head.path, text) && inside(head.query, text) &&
              inside(head.method_text, text),
          "the request line is where it came from");
  require(head.path.find('?') == std::string_view::npos, "a path ends at its query");
  for (const auto& field : head.fields()) {
    require(inside(field.name, text) && inside(field.value, text), "a field is where it came from");
    require(is_token(field.name) && field.value.find_first_of("\r\n") == std::string_view::npos, "a field is one line");
  }
  require(!(head.chunked && head.content_length), "a body has one length");
}

/// A head is the same however much has arrived behind it, and none before it is whole.
void check_arrival(std::string_view text, const request_head& head) {
  request_head other;
  for (const auto shorter : {head.bytes - 1, head.bytes / 2})
    require(parse_head(text.substr(0, shorter), other) == head_state::incomplete, "no head before its last byte");
  require(parse_head(text.substr(0, head.bytes), other) == head_state::complete, "a head needs nothing behind it");
  require(other.target == head.target && other.fields().size() == head.fields().size() &&
              other.content_length == head.content_length,
          "and is the same without");
}

void check_answer(const reply& answer) {
  require(answer.status >= 200 && answer.status <= 599, "a refusal has a status");
  std::string out;
  append_reply(out, answer, {to_http_date(now), false, std::nullopt});
  const auto head = out.substr(0, out.find("\r\n\r\n") + 4);
  require(out.size() == head.size() + answer.body.size(), "nothing in an answer ends its head early");
}

void check_put(const request_head& head) {
  static signing_keys keys(account);
  const put_policy policy{1'000'000, std::chrono::hours{24}};
  const auto verdict = judge_put(head, keys, policy, now);
  if (const auto* put = std::get_if<admitted_put>(&verdict)) {
    require(put->size <= policy.size_max, "no file over the limit is admitted");
    require(head.path.size() >= bucket_name.size(), "an admitted PUT names its bucket");
  } else {
    check_answer(to_reply(std::get<s3_error>(verdict), {"ID", "HOST"}));
  }
}

/// The same head with the signature that belongs to it, if it has all of the rest.
void check_signed(const request_head& head) {
  auto query = parse_query(head.query);
  const auto path = uri_decoded(head.path, plus_sign::literal);
  if (!query || !path) return;
  static signing_keys keys(account);
  const auto credential = account.access_key_id + "/" + credential_scope("20261122", account.region);
  std::erase_if(*query,
                [](const auto& pair) { return pair.first.starts_with("X-Amz-") && pair.first != "X-Amz-Expires"; });
  query->insert(query->end(), {{"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
                               {"X-Amz-Credential", credential},
                               {"X-Amz-Date", "20261122T000000Z"},
                               {"X-Amz-SignedHeaders", "host"}});
  signed_headers headers{{"host", canonical_value(head.find("host"))}};
  const auto canonical = canonical_request({head.method_text, *path, canonical_query(*query), headers});
  const auto signature =
      signature_of(keys.of_day("20261122"),
                   string_to_sign("20261122T000000Z", credential_scope("20261122", account.region), canonical));
  request_head same = head;
  const std::string signed_query = canonical_query(*query) + "&X-Amz-Signature=" + signature;
  same.query = signed_query;
  const bool whole = !head.has("host") || std::ranges::count_if(head.fields(), [](const auto& f) {
                                            return equal_ignoring_case(f.name, "host");
                                          }) == 1;
  const bool amz_fields = std::ranges::any_of(
      head.fields(), [](const auto& f) { return equal_ignoring_case(f.name.substr(0, 6), "x-amz-"); });
  const auto refused = judge_signature(same, *parse_query(signed_query), keys, now);
  if (refused && whole && !amz_fields)
    require(refused->code != "SignatureDoesNotMatch", "a right signature is known to be right");
  check_put(same);
  // A bit of the signature changed is a signature refused.
  std::string broken = signed_query;
  broken.back() = broken.back() == '0' ? '1' : '0';
  same.query = broken;
  require(std::holds_alternative<s3_error>(judge_put(same, keys, {1'000'000, std::chrono::hours{24}}, now)),
          "a wrong signature never admits");
}

void check_range(std::string_view header, std::uint64_t size) {
  const auto chosen = choose_range(header, size);
  if (chosen.answer != range_answer::part) return;
  require(chosen.range.length > 0 && chosen.range.first < size && chosen.range.length <= size - chosen.range.first,
          "a range lies in its file");
}

void check_presign(const request_head& head, std::string_view body) {
  if (const auto refused = refuse_presign_head(head, api_key)) return check_answer(*refused);
  static const server_options options;
  static const origins where{"https://127.0.0.1:1", "https://127.0.0.1:2"};
  static signing_keys keys(account);
  static presign_api api(options, where, keys);
  reply answer;
  api.answer(fuzz::exact_copy(body).text(), now, answer);
  check_answer(answer);
  require(answer.status == 200 || answer.status == 400, "a body is taken or refused");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::exact_copy input(fuzz::text_of(data, size));
  request_head head;
  if (parse_head(input.text(), head) != head_state::complete) return 0;
  check_head(input.text(), head);
  check_arrival(input.text(), head);
  const auto place = route_of(head.path, {});
  require(inside(place.rest, input.text()), "what is behind a route is of the path");
  check_put(head);
  check_signed(head);
  check_range(head.find("range"), head.body_bytes());
  check_presign(head, input.text().substr(head.bytes));
  return 0;
}
