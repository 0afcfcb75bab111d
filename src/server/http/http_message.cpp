#include "server/http/http_message.hpp"

#include <algorithm>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/status.hpp>

#include "server/base/encoding.hpp"

namespace hoist::server {
namespace http = boost::beast::http;
namespace beast = boost::beast;

namespace {
std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}
} // namespace

// Keeps views instead of copies: Beast's own containers allocate once per field.
class head_parser final : public http::basic_parser<true> {
 public:
  head_parser(request_head& head, std::string_view input) : head_(head), input_(input) {
    header_limit(static_cast<std::uint32_t>(head_bytes_max));
    body_limit(boost::none);
    head_.field_count_ = 0;
    head_.expects_continue = false;
  }

  void finish() {
    head_.chunked = chunked();
    head_.keep_alive = keep_alive();
    const auto length = content_length();
    head_.content_length = length && !chunked() && head_.has("content-length") ? std::optional(*length) : std::nullopt;
  }

 private:
  void on_request_impl(http::verb method, beast::string_view method_text, beast::string_view target, int version,
                       beast::error_code& ec) override {
    head_.method = method;
    head_.method_text = view(method_text);
    head_.target = view(target);
    const auto mark = head_.target.find('?');
    head_.path = head_.target.substr(0, mark);
    head_.query = mark == std::string_view::npos ? std::string_view{} : head_.target.substr(mark + 1);
    if (version != 10 && version != 11) ec = http::error::bad_version;
  }

  void on_field_impl(http::field name, beast::string_view name_text, beast::string_view value,
                     beast::error_code& ec) override {
    // A folded value lives in a scratch buffer of the parser; RFC 9112 lets a server refuse folding, and this one does.
    const bool folded =
        !value.empty() && (value.data() < input_.data() || value.data() >= input_.data() + input_.size());
    if (folded) ec = http::error::bad_value;
    if (head_.field_count_ == head_fields_max) ec = http::error::header_limit;
    if (ec) return;
    head_.fields_[head_.field_count_++] = {view(name_text), view(value)};
    if (name == http::field::expect && equal_ignoring_case(view(value), "100-continue")) head_.expects_continue = true;
  }

  void on_header_impl(beast::error_code& ec) override { ec = {}; }
  void on_finish_impl(beast::error_code& ec) override { ec = {}; }
  // Only heads are fed to this parser, and only requests: the rest cannot happen.
  void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code&) override {}
  std::size_t on_body_impl(beast::string_view body, beast::error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, beast::error_code&) override {
    return body.size();
  }

  request_head& head_;
  std::string_view input_;
};

std::string_view request_head::find(std::string_view name) const noexcept {
  for (const auto& field : fields()) {
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return {};
}

bool request_head::has(std::string_view name) const noexcept {
  return std::ranges::any_of(fields(), [&](const auto& field) { return equal_ignoring_case(field.name, name); });
}

head_state parse_head(std::string_view input, request_head& head) {
  const auto end = input.substr(0, head_bytes_max).find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return input.size() >= head_bytes_max ? head_state::too_large : head_state::incomplete;
  }
  head.bytes = end + 4;
  const auto text = input.substr(0, head.bytes);
  head_parser parser(head, text);
  beast::error_code ec;
  const auto used = parser.put(boost::asio::buffer(text.data(), text.size()), ec);
  if (ec == http::error::header_limit) return head_state::too_large;
  if (ec || used != text.size() || !parser.is_header_done()) return head_state::malformed;
  const auto is_host = [](const header_field& field) { return equal_ignoring_case(field.name, "host"); };
  // Of two, one could be signed and the other believed.
  if (std::ranges::count_if(head.fields(), is_host) > 1) return head_state::malformed;
  parser.finish();
  return head_state::complete;
}

void reply::start(unsigned new_status, std::string_view type) {
  status = new_status;
  content_type = type;
  fields.clear();
  body.clear();
  code.clear();
}

void reply::add(std::string_view name, std::string_view value) {
  fields.append(name).append(": ").append(value).append("\r\n");
}

void append_reply(std::string& out, const reply& answer, const reply_frame& frame) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(answer.status));
  out.append("HTTP/1.1 ").append(std::to_string(answer.status)).append(" ").append(reason.data(), reason.size());
  out.append("\r\n");
  if (!frame.date.empty()) out.append("Date: ").append(frame.date).append("\r\n");
  out.append("Server: hoist-server\r\n");
  if (!answer.content_type.empty()) out.append("Content-Type: ").append(answer.content_type).append("\r\n");
  out.append(answer.fields);
  if (answer.status != 204) {
    const auto length = frame.length_of_other_body.value_or(answer.body.size());
    out.append("Content-Length: ").append(std::to_string(length)).append("\r\n");
  }
  if (frame.close) out.append("Connection: close\r\n");
  out.append("\r\n");
  if (!frame.length_of_other_body) out.append(answer.body);
}

reply json_refusal(unsigned status, std::string_view message) {
  reply answer;
  answer.start(status, "application/json");
  answer.body = R"({"error":")";
  append_json_escaped(answer.body, message);
  answer.body += "\"}";
  return answer;
}

} // namespace hoist::server
