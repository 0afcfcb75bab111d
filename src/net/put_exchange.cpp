#include "net/put_exchange.hpp"

#include "digest/company_wait.hpp"
#include "net/disk_waiters.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

namespace hoist::net {

namespace {

using progress = answer_reader::progress;

// A kernel that takes everything at once would never let us look for an early refusal, nor the other files have a turn.
constexpr std::size_t turn_bytes = 1 << 20;

/// How much of the body goes into a batch of `batch` bytes that begins with `head_bytes`: all that is left when it
/// fits, else what fills whole records.
std::size_t body_share(std::size_t batch, std::size_t head_bytes, std::uint64_t left) noexcept {
  const std::size_t room = batch + head_bytes_max;
  if (left <= room - head_bytes) return static_cast<std::size_t>(left);
  return batch > head_bytes ? batch - head_bytes : room - head_bytes;
}

/// Head and the beginning of the body, or the next piece of the body, into the stream's room, and sent from there. How
/// much of the body it was. Of a cold body nothing, and the head stays as well.
std::size_t send_batch(stream& connection, std::string_view head, std::size_t share, file_source& body,
                       put_result& result, error_code& ec) {
  const auto room = connection.room();
  head.copy(room.data(), head.size());
  std::size_t n = 0;
  result.source = body.read(room.subspan(head.size(), share), n);
  if (result.source == source_status::ok && !body.is_cold()) connection.send(head.size() + n, ec);
  return n;
}

/// The next piece of head and body to the kernel, `result.source` and `ec` saying what stood in the way. Where the
/// kernel takes files the head goes alone, so that the file's pages are sent whole.
std::size_t send_piece(stream& connection, std::string_view head, file_source& body, put_result& result,
                       error_code& ec) {
  const bool as_file = connection.takes_files() && body.sendable();
  if (as_file && head.empty()) return connection.send_file(body, turn_bytes, result.source, ec);
  const std::size_t batch = body.is_digested() ? small_batch_bytes : connection.batch_limit();
  const std::size_t share = as_file ? 0 : body_share(batch, head.size(), body.left());
  return send_batch(connection, head, share, body, result, ec);
}

/// Pulls until there is an answer or none can come. `doing` does not move meanwhile, so that an answer that drips is
/// late like one that does not come. `write_error`: what ended the sending, if anything did; on such a connection
/// nothing more arrives, so there is nothing to wait for.
task<progress> await_answer(stream& connection, answer_reader& reader, error_code write_error, put_result& result,
                            activity& doing) {
  doing.enter(stage::awaiting);
  for (;;) {
    // Waiting comes first: right after the last byte the answer cannot be there, and asking would be in vain.
    if (!write_error) co_await connection.wait(interest::read);
    const auto answered = reader.pull(connection, result.why);
    if (answered != progress::waiting) co_return answered;
    if (!write_error) continue;
    result.why = {failure_kind::closed, "the connection broke while sending: " + write_error.message()};
    co_return progress::broken;
  }
}

/// Until the beginning of a cold body is in memory; an answer, or being shut, ends it before.
task<progress> await_disk(stream& connection, answer_reader& reader, file_source& body, put_result& result) {
  const disk_fetch fetch(body.from_disk(), connection.get_executor(), [&connection] { connection.wake(); });
  auto answered = progress::waiting;
  while (!fetch.done() && answered == progress::waiting) {
    co_await connection.wait(interest::read_or_wake);
    answered = reader.pull(connection, result.why);
  }
  co_return answered;
}

/// The kernel has enough left to send meanwhile.
task<void> await_company(stream& connection) {
  timer moment(connection.get_executor(), digest::company_wait::longest);
  error_code passed;
  co_await moment.async_wait(asio::redirect_error(use_task, passed));
}

} // namespace

task<put_result> put_exchange(stream& connection, answer_reader& reader, std::string_view head, file_source& body,
                              activity& doing) {
  put_result result;
  auto answered = progress::waiting;
  error_code ec;
  bool more = true;
  std::size_t unheard = 0; ///< sent since the connection was last listened to
  digest::company_wait company;
  doing.enter(stage::sending);
  while (more && answered == progress::waiting && !ec) {
    if (body.lacks_company(small_batch_bytes) && company.is_due()) {
      co_await await_company(connection);
      company.waited(body.lacks_company(small_batch_bytes));
    }
    const std::size_t n = send_piece(connection, head, body, result, ec);
    if (result.source != source_status::ok) co_return result;
    if (body.is_cold()) {
      answered = co_await await_disk(connection, reader, body, result);
      continue;
    }
    doing.body_bytes += n;
    unheard += head.size() + n;
    head = {};
    more = body.left() > 0;
    ++doing.moves;
    // A turn ends sooner where others can come to be digested side by side with this body.
    if (more && !ec && unheard < turn_bytes && body.awaits_company())
      co_await asio::post(connection.get_executor(), use_task);
    while ((ec == asio::error::would_block || (unheard >= turn_bytes && !ec)) && answered == progress::waiting) {
      unheard = 0;
      co_await connection.wait(interest::read_or_write);
      answered = reader.pull(connection, result.why);
      if (ec) connection.send_more(ec);
      ++doing.moves;
    }
  }
  result.sent_all = !more && !ec;
  if (answered == progress::waiting) answered = co_await await_answer(connection, reader, ec, result, doing);
  result.reusable =
      answered == progress::complete && result.sent_all && reader.answer().keep_alive && !reader.leftover();
  co_return result;
}

} // namespace hoist::net
