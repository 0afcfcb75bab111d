// wire::response_reader: an HTTP answer is the same whether it arrives whole or in pieces of any size.

#include "fuzz.hpp"
#include "http_answers.hpp"
#include "wire/response_reader.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace hoist;
using fuzz::require;
using progress = wire::response_reader::progress;

struct reading {
  progress ended = progress::need_more;
  std::size_t used = 0;
  std::string_view why;
  wire::response answer;
};

/// Gives `bytes` in pieces as `next_size` says, and what was not taken together with what comes, as the contract asks.
reading read_in_pieces(std::string_view bytes, bool head_only, const std::function<std::size_t()>& next_size) {
  wire::response_reader reader;
  if (head_only) reader.expect_no_body();
  reading r;
  std::string offered;
  for (std::size_t at = 0; at < bytes.size() && r.ended == progress::need_more;) {
    const auto piece = bytes.substr(at, next_size());
    at += piece.size();
    offered += piece;
    std::size_t consumed = 0;
    r.ended = reader.push(offered, consumed);
    require(consumed <= offered.size(), "no more is consumed than was offered");
    r.used += consumed;
    offered.erase(0, consumed);
    require(r.ended != progress::need_more || offered.size() <= wire::response_head_max,
            "what is held back is bounded by the head");
    require((r.ended == progress::broken) == !reader.why().empty(), "what is broken says why, and nothing else does");
  }
  if (r.ended == progress::need_more) r.ended = reader.push_end();
  r.why = reader.why();
  r.answer = reader.result();
  return r;
}

void check(const reading& r, bool head_only) {
  if (r.ended != progress::complete) return;
  require(r.answer.status >= 200 && r.answer.status <= 999, "an answer is final and has three digits");
  require(r.answer.body.size() <= wire::response_body_max, "a body is cut at its bound");
  require(!head_only || r.answer.body.empty(), "the answer to a HEAD has no body");
  require(!r.answer.encoded || !r.answer.body.empty(), "nothing is not encoded");
  for (const std::string* field : {&r.answer.date, &r.answer.retry_after, &r.answer.etag, &r.answer.request_id,
                                   &r.answer.encryption, &r.answer.location, &r.answer.error_code})
    require(std::ranges::none_of(*field, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }),
            "a header is one line");
}

bool same(const reading& a, const reading& b) {
  // What has to be held back is measured, which is less when more comes at once: near a limit the verdict may differ.
  if (a.why.ends_with("over 16 KiB") || b.why.ends_with("over 16 KiB")) return true;
  if ((a.ended == progress::complete) != (b.ended == progress::complete)) return false;
  if (a.ended != progress::complete) return true;
  const wire::response &x = a.answer, &y = b.answer;
  // An answer longer than its bound is given up where that is noticed: how much was read by then may differ.
  const bool cut = x.body.size() == wire::response_body_max;
  return x.status == y.status && x.body == y.body && x.date == y.date && x.retry_after == y.retry_after &&
         x.etag == y.etag && x.request_id == y.request_id && x.encryption == y.encryption && x.location == y.location &&
         x.error_code == y.error_code && x.encoded == y.encoded && x.keep_alive == y.keep_alive &&
         x.content_length == y.content_length && (cut || a.used == b.used);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes = fuzz::unpacked(fuzz::text_of(data, size));
  for (const bool head_only : {false, true}) {
    const auto whole = read_in_pieces(bytes, head_only, [&] { return bytes.size(); });
    check(whole, head_only);
    fuzz::piece_sizes sizes(bytes);
    const std::size_t most = 8 + bytes.size() / 8;
    const auto pieces = read_in_pieces(bytes, head_only, [&] { return sizes.next(most); });
    require(same(whole, pieces), "an answer in pieces is what it is as a whole");
    if (bytes.size() > 512) continue;
    const auto single = read_in_pieces(bytes, head_only, [] { return std::size_t{1}; });
    require(same(whole, single), "an answer byte by byte is what it is as a whole");
  }
  return 0;
}
