#pragma once

// Places on loopback where nobody speaks, at an address and port of the test's choice. All of 127/8 leads to this
// machine, so that one port is many addresses: one that answers, one that refuses, one that says nothing at all.

#include <cstdint>
#include <string>

namespace hoist::test {

/// Bound to `address`; port 0 takes a free one. Nobody listens: connections are refused, and nobody else can listen
/// here.
class silent_place {
 public:
  explicit silent_place(const std::string& address, std::uint16_t port = 0);
  ~silent_place();
  silent_place(const silent_place&) = delete;
  silent_place& operator=(const silent_place&) = delete;

  std::uint16_t port() const noexcept { return port_; }

 protected:
  int descriptor_;
  std::uint16_t port_ = 0;
};

/// Connections stand, made by the kernel; nothing is read and nothing said.
class quiet_listener : public silent_place {
 public:
  explicit quiet_listener(const std::string& address, std::uint16_t port = 0);
  /// Takes the connections that have come since the last call, drops them, and tells how many there were.
  int take();
};

/// A listener whose queue is full: the kernel drops what comes, as if nobody were there.
class black_hole : public silent_place {
 public:
  explicit black_hole(const std::string& address, std::uint16_t port = 0);
  ~black_hole();

 private:
  int filler_;
};

/// Descriptors that this process has open.
int open_descriptors();

} // namespace hoist::test
