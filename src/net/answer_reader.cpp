#include "net/answer_reader.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <cstring>

namespace hoist::net {

void answer_reader::restart() {
  begin_ = end_ = 0;
  next();
}

void answer_reader::next() {
  reader_.reset();
  any_byte_ = leftover();
}

answer_reader::progress answer_reader::pull(stream& from, failure& why) {
  for (;;) {
    if (leftover())
      if (const auto state = parse(why); state != progress::waiting) return state;
    error_code ec;
    const std::size_t n = from.receive({buffer_.get() + end_, capacity - end_}, ec);
    if (ec == asio::error::would_block) return progress::waiting;
    if (ec) return stopped(ec, why);
    any_byte_ = true;
    end_ += n;
  }
}

answer_reader::progress answer_reader::parse(failure& why) {
  std::size_t consumed = 0;
  const auto state = reader_.push({buffer_.get() + begin_, end_ - begin_}, consumed);
  begin_ += consumed;
  if (begin_ == end_) begin_ = end_ = 0;
  if (state == wire::response_reader::progress::complete) return progress::complete;
  if (state == wire::response_reader::progress::broken) {
    why = {failure_kind::bad_response, "the answer " + std::string(reader_.why())};
    return progress::broken;
  }
  // The rest of a line that is not whole yet moves to the front, so that there is room behind it.
  std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (end_ < capacity) return progress::waiting;
  why = {failure_kind::bad_response, "the answer has a line over 16 KiB"};
  return progress::broken;
}

answer_reader::progress answer_reader::stopped(const error_code& ec, failure& why) {
  // A body that ends with its connection needs no word of TLS for it: JSON and XML tell whether they are whole, and of
  // a stored file's answer nothing but the head matters.
  const bool ended = ec == asio::error::eof || ec == asio::ssl::error::stream_truncated;
  if (ended && any_byte_ && reader_.push_end() == wire::response_reader::progress::complete) {
    reader_.result().cut_off = ec != asio::error::eof;
    return progress::complete;
  }
  if (ec == asio::error::timed_out)
    why = {failure_kind::timed_out, "no answer in time"};
  else if (ec == asio::error::operation_aborted)
    why = {failure_kind::cancelled, "given up"};
  else
    why = {any_byte_ ? failure_kind::broken : failure_kind::closed,
           ended ? "the connection was closed before the answer was whole" : "the connection broke: " + ec.message()};
  return progress::broken;
}

} // namespace hoist::net
