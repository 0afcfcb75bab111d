// net::answer_reader on a socket: the answers of one connection, pipelined and in any pieces, are those that
// wire::response_reader makes of the whole; and a connection's end is told as what it was.

#include "fuzz.hpp"
#include "http_answers.hpp"
#include "net/answer_reader.hpp"

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace hoist;
using namespace hoist::net;
using fuzz::require;

struct reading {
  std::vector<wire::response> answers;
  bool whole = false; ///< ended with nothing begun
  std::string_view why;
};

/// The rule, without sockets or pieces.
reading read_whole(std::string_view bytes) {
  reading r;
  wire::response_reader reader;
  while (!bytes.empty()) {
    std::size_t consumed = 0;
    auto state = reader.push(bytes, consumed);
    bytes.remove_prefix(consumed);
    if (state == wire::response_reader::progress::need_more) {
      state = reader.push_end();
      bytes = {};
    }
    r.why = reader.why();
    if (state == wire::response_reader::progress::broken) return r;
    r.answers.push_back(reader.result());
    reader.reset();
  }
  r.whole = true;
  return r;
}

bool same(const wire::response& x, const wire::response& y) {
  return x.status == y.status && x.body == y.body && x.date == y.date && x.retry_after == y.retry_after &&
         x.etag == y.etag && x.request_id == y.request_id && x.encryption == y.encryption && x.location == y.location &&
         x.error_code == y.error_code && x.encoded == y.encoded && x.keep_alive == y.keep_alive &&
         x.content_length == y.content_length;
}

/// An answer that is cut at its bound is given up in mid-body, and what follows is no answer of the connection any
/// more.
bool cut(const reading& r) {
  for (const auto& answer : r.answers)
    if (answer.body.size() == wire::response_body_max) return true;
  return false;
}

class connection {
 public:
  connection() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    peer_ = ends[0];
    tcp_socket socket(context_);
    socket.assign(tcp::v4(), ends[1]);
    stream_ = std::make_unique<stream>(std::move(socket), pool_, tallies_);
  }
  ~connection() {
    stream_.reset();
    ::close(peer_);
  }

  reading read_in_pieces(std::string_view bytes) {
    reading r;
    std::exception_ptr thrown;
    auto all = [&]() -> task<void> { co_await run(bytes, r); };
    asio::co_spawn(context_, all, [&](std::exception_ptr e) { thrown = e; });
    context_.run();
    context_.restart();
    if (thrown) std::rethrow_exception(thrown);
    return r;
  }

 private:
  task<void> run(std::string_view bytes, reading& r) {
    answer_reader reader;
    failure why;
    fuzz::piece_sizes sizes(bytes);
    bool ended = false;
    for (;;) {
      const auto state = reader.pull(*stream_, why);
      if (state == answer_reader::progress::complete) {
        require(reader.any_byte(), "an answer has bytes");
        r.answers.push_back(reader.answer());
        reader.next();
        continue;
      }
      if (state == answer_reader::progress::broken) break;
      require(!ended, "a connection that has ended is not waited for");
      const auto piece = bytes.substr(0, sizes.next(16 + bytes.size() / 8));
      bytes.remove_prefix(piece.size());
      if (piece.empty()) {
        ::shutdown(peer_, SHUT_WR);
        ended = true;
      } else if (::send(peer_, piece.data(), piece.size(), MSG_DONTWAIT) != static_cast<ssize_t>(piece.size())) {
        std::abort();
      }
      co_await stream_->wait(interest::read);
    }
    require(bool(why) && !why.text.empty(), "what is broken says why");
    require((why.kind == failure_kind::closed) == (ended && !reader.any_byte()),
            "an end between answers is told from one within");
    r.whole = why.kind == failure_kind::closed;
    require(why.kind == failure_kind::closed || why.kind == failure_kind::broken ||
                why.kind == failure_kind::bad_response,
            "and as what it was");
  }

  asio::io_context context_{1};
  buffer_pool pool_;
  stream_tallies tallies_;
  std::unique_ptr<stream> stream_;
  int peer_ = -1;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes = fuzz::unpacked(fuzz::text_of(data, size));
  const auto whole = read_whole(bytes);
  connection made;
  const auto pieces = made.read_in_pieces(bytes);
  for (std::size_t n = 0; n < std::min(whole.answers.size(), pieces.answers.size()); ++n)
    require(same(whole.answers[n], pieces.answers[n]), "an answer in pieces is what it is as a whole");
  // Near a limit the pieces may decide: it is met earlier when less has been taken in before it.
  if (cut(whole) || whole.why == "has a line over 16 KiB" || bytes.size() > wire::response_head_max) return 0;
  require(whole.answers.size() == pieces.answers.size(),
          "a connection has as many answers in pieces as it has as a whole");
  return 0;
}
