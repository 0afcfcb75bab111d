#include "net/head_exchange.hpp"

#include <boost/asio/error.hpp>

namespace hoist::net {

using progress = answer_reader::progress;

task<head_result> head_exchange(stream& connection, answer_reader& reader, std::string_view request, activity& doing) {
  head_result result;
  reader.expect_no_body();
  doing.enter(stage::sending);
  request.copy(connection.room().data(), request.size());
  error_code ec;
  connection.send(request.size(), ec);
  if (ec == asio::error::would_block) ec = co_await connection.flush();

  doing.enter(stage::awaiting);
  auto answered = progress::waiting;
  while (answered == progress::waiting && !ec) {
    co_await connection.wait(interest::read);
    answered = reader.pull(connection, result.why);
  }
  // When the sending broke, what the peer had said before is still looked for; nothing more arrives.
  if (answered == progress::waiting) answered = reader.pull(connection, result.why);
  if (answered == progress::waiting)
    result.why = {failure_kind::closed, "the connection broke while sending: " + ec.message()};
  result.reusable = answered == progress::complete && !ec && reader.answer().keep_alive && !reader.leftover();
  co_return result;
}

} // namespace hoist::net
