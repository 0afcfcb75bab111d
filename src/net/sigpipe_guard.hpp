#pragma once

// While it lives, writing to a connection that the peer has closed raises no SIGPIPE on this thread, and leaves none
// behind: for the calls that know no MSG_NOSIGNAL. What the program does with that signal is not touched.

#include <cerrno>
#include <csignal>
#include <ctime>

namespace hoist::net {

class sigpipe_guard {
 public:
  sigpipe_guard() noexcept {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }

  ~sigpipe_guard() {
    if (sigismember(&before_, SIGPIPE) == 1) return; // whoever blocked it also owns what is pending
    const timespec at_once{};
    while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

  sigpipe_guard(const sigpipe_guard&) = delete;
  sigpipe_guard& operator=(const sigpipe_guard&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
};

} // namespace hoist::net
