#include "cli/base/end_watch.hpp"

#include "cli/base/unique_fd.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace hoist::cli {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

// timeout(1) signals its child and then its group, the child among it; a terminal that goes away hangs its jobs up by
// way of the shell, and once more when the shell has gone. Neither asks twice.
constexpr auto echo_time = 50ms;
constexpr auto echo_time_of_hangup = 250ms;

/// As long as a drain and what follows it may take: a run that is in trouble ends sooner, if it can.
constexpr auto trouble_time = 60s;

/// Sent to nobody by a fault of their own: they are waited for.
constexpr std::array asynchronous{
    SIGHUP,    SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGIO, SIGPWR,
#ifdef SIGSTKFLT
    SIGSTKFLT,
#endif
};
/// A thread that makes one of these cannot go on; from another process it is a signal like others. They cannot be
/// blocked without harm to the first kind, so a handler tells the kinds apart.
constexpr std::array faults{SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS};

bool has_default(int number) {
  struct ::sigaction now {};
  return ::sigaction(number, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
}

bool is_ignored(int number) {
  struct ::sigaction now {};
  return ::sigaction(number, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_IGN;
}

bool is_of_keyboard(int number) {
  return number == SIGINT || number == SIGQUIT;
}

// What any thread may say without a lock, a handler included.
std::atomic<int> wake_end{-1};
std::atomic<stop_cause> trouble_cause{stop_cause::none};
std::atomic<int> trouble_error{0};

/// To the watching thread: a signal's number, or 0 for "look".
void nudge(unsigned char number) noexcept {
  const int kept = errno;
  // A full pipe has woken it already.
  [[maybe_unused]] const auto written = ::write(wake_end.load(), &number, 1);
  errno = kept;
}

extern "C" void on_fault(int number, siginfo_t* info, void*) {
  if (info->si_code <= 0 && info->si_pid != ::getpid()) return nudge(static_cast<unsigned char>(number));
  // Our own: what would have happened happens. An instruction that failed is tried again, and the core shows it.
  struct ::sigaction plain {};
  plain.sa_handler = SIG_DFL;
  ::sigaction(number, &plain, nullptr);
  const bool again = number == SIGILL || number == SIGBUS || number == SIGFPE || number == SIGSEGV;
  if (info->si_code <= 0 || !again) ::raise(number);
}

} // namespace

/// Lives as long as the process, since its thread does.
class end_watcher {
 public:
  void begin() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) fail("pipe");
    nudges_ = unique_fd(ends[0]);
    wake_end = ends[1];
    take_signals();
    signals_ = unique_fd(::signalfd(-1, &watched_, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) fail("signalfd");
    try {
      std::thread([this] { watch(); }).detach();
    } catch (const std::system_error& e) {
      throw std::system_error(e.code(),
                              "cannot start a thread; `ulimit -u`, `ulimit -v` or a container allows no more");
    }
  }

  void listen(end_listener* who) {
    const std::lock_guard lock(mutex_);
    listener_ = who;
  }

  void end_within(std::chrono::milliseconds at_most, int status) {
    {
      const std::lock_guard lock(mutex_);
      arm(at_most, status);
    }
    nudge(0);
  }

 private:
  struct arrived {
    int number;
    bool by_kernel;
  };

  [[noreturn]] static void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

  void take_signals() {
    ::sigemptyset(&watched_);
    for (const int number : asynchronous) take(number);
    for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) take(number);
    if (const int error = ::pthread_sigmask(SIG_BLOCK, &watched_, nullptr)) {
      errno = error;
      fail("sigmask");
    }
    // Only now: with its default, one that was ignored could end us before it is blocked.
    for (const int number : {SIGINT, SIGQUIT})
      if (is_ignored(number)) ::signal(number, SIG_DFL);
    for (const int number : faults) {
      if (!has_default(number)) continue; // a sanitizer's, say
      struct ::sigaction ours {};
      ours.sa_sigaction = on_fault;
      ours.sa_flags = SA_SIGINFO | SA_RESTART;
      ::sigemptyset(&ours.sa_mask);
      ::sigaction(number, &ours, nullptr);
    }
  }

  /// What somebody has a handler for (a profiler that was preloaded) stays theirs.
  void take(int number) {
    if (is_ignored(number) && is_of_keyboard(number)) {
      deaf_to_terminal_[static_cast<std::size_t>(number)] = true;
    } else if (!has_default(number)) {
      return;
    }
    ::sigaddset(&watched_, number);
  }

  void watch() {
    while (true) {
      std::array<pollfd, 2> fds{{{signals_.get(), POLLIN, 0}, {nudges_.get(), POLLIN, 0}}};
      ::poll(fds.data(), fds.size(), time_to_next());
      const std::lock_guard lock(mutex_);
      const auto now = clock::now();
      while (const auto one = next_signal()) note(*one, now);
      if (unsaid_ != 0 && now >= echo_until_) say_first();
      say_trouble();
      if (deadline_ && now >= *deadline_) ::_exit(status_);
    }
  }

  int time_to_next() {
    const std::lock_guard lock(mutex_);
    auto next = deadline_;
    if (unsaid_ != 0) next = next ? std::min(*next, echo_until_) : echo_until_;
    if (!next) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
  }

  std::optional<arrived> next_signal() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      const auto number = static_cast<int>(info.ssi_signo);
      const bool by_kernel = info.ssi_code > 0;
      if (by_kernel && deaf_to_terminal_[static_cast<std::size_t>(number)]) continue;
      return arrived{number, by_kernel};
    }
    for (unsigned char byte = 0; ::read(nudges_.get(), &byte, 1) == 1;)
      if (byte != 0) return arrived{byte, false};
    return std::nullopt;
  }

  void note(const arrived& one, clock::time_point now) {
    if (listener_ == nullptr && count_ == 0) ::_exit(128 + one.number);
    if (count_ == 0) {
      count_ = 1;
      first_ = unsaid_ = one.number;
      echo_until_ = now + (one.number == SIGHUP ? echo_time_of_hangup : echo_time);
      if (listener_->bound_ > 0ms) arm(listener_->bound_, 128 + first_);
      return;
    }
    if (unsaid_ == one.number && now < echo_until_) return;
    // Processor time that is used up is told every second: that is no second wish.
    if (one.number == SIGXCPU && first_ == SIGXCPU && one.by_kernel) return;
    say_first();
    ++count_;
    arm(second_signal_time, 128 + first_);
    say({cause_of(one.number), count_, 0});
  }

  void say_first() {
    if (const int number = std::exchange(unsaid_, 0)) say({cause_of(number), 1, 0});
  }

  void say_trouble() {
    const auto trouble = trouble_so_far();
    if (trouble.cause == stop_cause::none || trouble_said_ || listener_ == nullptr) return;
    trouble_said_ = true;
    arm(trouble_time, exit_status::fatal);
    say(trouble);
  }

  void say(const end_ask& ask) noexcept {
    if (listener_ == nullptr) return;
    try {
      listener_->tell_(ask);
    } catch (...) { // no memory to say it with: the deadline stands
      arm(second_signal_time, ask.nth > 0 ? 128 + first_ : exit_status::fatal);
    }
  }

  /// The lock is held.
  void arm(std::chrono::milliseconds at_most, int status) {
    const auto then = clock::now() + at_most;
    if (deadline_ && *deadline_ <= then) return;
    deadline_ = then;
    status_ = status;
  }

  sigset_t watched_{};
  std::array<bool, 128> deaf_to_terminal_{}; ///< by number: only what a process sends counts
  unique_fd signals_, nudges_;

  std::mutex mutex_; ///< all that follows
  end_listener* listener_ = nullptr;
  int count_ = 0, first_ = 0;
  int unsaid_ = 0; ///< the first one, until its echoes have come
  clock::time_point echo_until_{};
  bool trouble_said_ = false;
  std::optional<clock::time_point> deadline_;
  int status_ = 0;
};

namespace {

end_watcher& watcher() {
  static auto* const only = new end_watcher;
  return *only;
}

} // namespace

void watch_for_ends() {
  watcher().begin();
}

void ask_to_end(stop_cause trouble, int error) noexcept {
  auto none = stop_cause::none;
  if (trouble_cause.compare_exchange_strong(none, trouble)) trouble_error = error;
  nudge(0);
}

end_ask trouble_so_far() noexcept {
  return {trouble_cause.load(), 0, trouble_error.load()};
}

void end_within(std::chrono::milliseconds at_most, int status) noexcept {
  watcher().end_within(at_most, status);
}

end_listener::end_listener(std::function<void(const end_ask&)> tell, std::chrono::milliseconds bound)
    : tell_(std::move(tell)), bound_(bound) {
  watcher().listen(this);
  nudge(0); // of a trouble that came before
}

end_listener::~end_listener() {
  watcher().listen(nullptr);
}

} // namespace hoist::cli
