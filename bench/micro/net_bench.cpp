// The send path by the batch: reading a file's bytes, and sealing and sending them to a peer that only takes bytes from
// its socket. The peer is a thread; what is counted is the CPU time of the sending one.
#include "fake_peer.hpp"
#include "net_client.hpp"

#include "net/file_source.hpp"

#include <benchmark/benchmark.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

namespace hoist::net {
namespace {

constexpr std::size_t file_batches = 256; // 16 MiB: stays in the page cache, not in the processor's

void swallow(test::peer_connection& from) {
  std::vector<char> into(256 * 1024);
  while (::recv(from.descriptor(), into.data(), into.size(), 0) > 0) {
  }
}

// A stream to a peer of its own.
struct sending {
  sending() : peer(identity, swallow) {
    auto made = client.connect(wire::scheme::https, peer.port());
    if (made.why) throw std::runtime_error(std::string("no connection: ") + std::string(made.why.text));
    connection = std::move(made.connected);
  }
  ~sending() { connection.reset(); }

  // Seals and sends what is in room(); waits when the kernel is full.
  bool send(std::size_t n) {
    error_code ec;
    connection->send(n, ec);
    if (ec == asio::error::would_block) ec = flushed();
    return !ec;
  }

  error_code flushed() { return test::run(client.io, connection->flush()); }

  test::tls_identity identity = test::tls_identity::make();
  test::net_client client{identity.pem};
  test::fake_peer peer;
  std::unique_ptr<stream> connection;
};

void seal_and_send(benchmark::State& state) {
  sending to;
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(to.connection->room().data());
    if (!to.send(bytes)) state.SkipWithError("the connection was lost");
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(seal_and_send)->ArgName("bytes")->Arg(batch_bytes / 4)->Arg(batch_bytes);

void read_seal_and_send(benchmark::State& state) {
  sending to;
  const auto path = to.client.folder.write("body", std::string(file_batches * batch_bytes, 'x'));
  file_source body;
  const auto what = source::file(path);
  const auto identity = look_at(source::file(path)).identity;
  for (auto _ : state) {
    if (body.left() == 0 && body.open(what, identity).status != source_status::ok) state.SkipWithError("cannot open");
    std::size_t n = 0;
    const auto read = body.read(to.connection->room().first(batch_bytes), n);
    if (read != source_status::ok || !to.send(n)) state.SkipWithError("the file or the connection was lost");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(batch_bytes));
}
BENCHMARK(read_seal_and_send);

// A TLS session over a blocking socket, for batches of sizes that a stream does not have.
struct bare_session {
  bare_session() : peer(identity, swallow), engine(client.tls, "127.0.0.1") {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(peer.port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("no connection");
    std::vector<char> in(32 * 1024);
    for (bool done = false; !done;) {
      engine.set_output(block);
      const auto status = engine.handshake();
      if (!send_block(engine.take_output()) || status == tls_engine::status::failed)
        throw std::runtime_error("no handshake");
      done = status == tls_engine::status::ok;
      if (done) break;
      const auto n = ::recv(socket, in.data(), in.size(), 0);
      if (n <= 0) throw std::runtime_error("no handshake");
      engine.feed(std::span(in).first(static_cast<std::size_t>(n)));
      engine.hold_input();
    }
  }
  ~bare_session() { ::close(socket); }

  bool send_block(std::size_t n) {
    for (std::size_t sent = 0; sent < n;) {
      const auto taken = ::send(socket, block.data() + sent, n - sent, MSG_NOSIGNAL);
      if (taken <= 0) return false;
      sent += static_cast<std::size_t>(taken);
    }
    return true;
  }

  std::vector<char> block = std::vector<char>(1 << 20);
  test::tls_identity identity = test::tls_identity::make();
  test::net_client client{identity.pem};
  test::fake_peer peer;
  int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  tls_engine engine;
};

// The sweep behind batch_bytes: a file read, sealed and sent in batches of so many bytes, a send for each.
void batch(benchmark::State& state) {
  bare_session to;
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const auto path = to.client.folder.write("body", std::string(file_batches * batch_bytes, 'x'));
  file_source body;
  const auto what = source::file(path);
  const auto identity = look_at(source::file(path)).identity;
  std::vector<char> plain(bytes);
  for (auto _ : state) {
    if (body.left() == 0 && body.open(what, identity).status != source_status::ok) state.SkipWithError("cannot open");
    std::size_t n = 0;
    const auto read = body.read(plain, n);
    to.engine.set_output(to.block);
    const auto sealed = to.engine.seal(std::span(plain).first(n));
    if (read != source_status::ok || sealed != tls_engine::status::ok || !to.send_block(to.engine.take_output()))
      state.SkipWithError("the file or the connection was lost");
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(batch)->ArgName("bytes")->RangeMultiplier(2)->Range(16 * 1024, 512 * 1024);

} // namespace
} // namespace hoist::net
