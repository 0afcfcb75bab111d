#include "loopback.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <stdexcept>

namespace hoist::test {

namespace {

boost::asio::ip::tcp::endpoint endpoint(const std::string& address, std::uint16_t port) {
  return {boost::asio::ip::make_address(address), port};
}

int new_socket(const std::string& address) {
  const int family = endpoint(address, 0).protocol().family();
  return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

void require(bool held, const char* what) {
  if (!held) throw std::runtime_error(what);
}

} // namespace

silent_place::silent_place(const std::string& address, std::uint16_t port) : descriptor_(new_socket(address)) {
  auto at = endpoint(address, port);
  require(::bind(descriptor_, at.data(), static_cast<socklen_t>(at.size())) == 0, "cannot bind a loopback address");
  socklen_t size = static_cast<socklen_t>(at.capacity());
  require(::getsockname(descriptor_, at.data(), &size) == 0, "cannot tell the port");
  port_ = at.port();
}

silent_place::~silent_place() {
  ::close(descriptor_);
}

quiet_listener::quiet_listener(const std::string& address, std::uint16_t port) : silent_place(address, port) {
  require(::listen(descriptor_, 64) == 0 && ::fcntl(descriptor_, F_SETFL, O_NONBLOCK) == 0, "cannot listen");
}

int quiet_listener::take() {
  for (int n = 0;; ++n) {
    const int one = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
    if (one < 0) return n;
    ::close(one);
  }
}

// A queue of length 0 holds one connection; when it is there, the kernel takes no further one.
black_hole::black_hole(const std::string& address, std::uint16_t port)
    : silent_place(address, port), filler_(new_socket(address)) {
  require(::listen(descriptor_, 0) == 0, "cannot listen");
  const auto at = endpoint(address, port_);
  require(::connect(filler_, at.data(), static_cast<socklen_t>(at.size())) == 0, "cannot fill a listener's queue");
}

black_hole::~black_hole() {
  ::close(filler_);
}

int open_descriptors() {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

} // namespace hoist::test
