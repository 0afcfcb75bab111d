#include "cli/base/stop_sign.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace hoist::cli {

stop_sign::stop_sign() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!event_) throw std::system_error(errno, std::system_category(), "eventfd");
}

void stop_sign::raise() noexcept {
  up_.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  // It can only fail when the counter is full, and then the sign is up.
  [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
}

stop_sign::readiness stop_sign::wait_for(int fd, short events) const noexcept {
  std::array<pollfd, 2> fds{{{event_.get(), POLLIN, 0}, {fd, events, 0}}};
  while (::poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) {
  }
  return fds[0].revents != 0 ? readiness::stopped : readiness::ready;
}

} // namespace hoist::cli
