#include "cli/base/process.hpp"

#include <boost/system/system_error.hpp>
#include <openssl/crypto.h>

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <system_error>

namespace hoist::cli {

namespace {

using namespace std::chrono_literals;

// ---- descriptors and limits -------------------------------------------------------------------------------------

/// A descriptor of the first three that is closed would be given to the next file that is opened, and rows would land
/// in it. Read-only, so that writing to a closed stdout still fails; where there is no /dev/null, what can be neither
/// read nor written.
void occupy_standard_descriptors() {
  while (true) {
    int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0) fd = ::open("/", O_PATH | O_CLOEXEC);
    if (fd > STDERR_FILENO) ::close(fd);
    if (fd < 0 || fd > STDERR_FILENO) return;
  }
}

/// The soft limit is there for programs that use select(2); ours is better served by the hard one.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// `ulimit -t` sets both limits, and at the hard one the kernel kills. With a soft one below it there is a signal
/// before.
void be_told_of_used_up_time() {
  constexpr rlim_t to_end_in = 2;
  rlimit limit{};
  if (::getrlimit(RLIMIT_CPU, &limit) != 0 || limit.rlim_max == RLIM_INFINITY || limit.rlim_max <= to_end_in) return;
  limit.rlim_cur = std::min(limit.rlim_cur, limit.rlim_max - to_end_in);
  ::setrlimit(RLIMIT_CPU, &limit);
}

// ---- memory -----------------------------------------------------------------------------------------------------

/// The name of the limit, for `ulimit`, and its value.
struct memory_limit {
  const char* option;
  rlim_t bytes;
};

std::optional<memory_limit> limit_of_memory() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) return memory_limit{"-v", limit.rlim_cur};
  if (::getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    return memory_limit{"-d", limit.rlim_cur};
  return std::nullopt;
}

/// A limit counts what is set aside and never touched: 8 MiB of stack for each thread and 64 to 128 MiB of heap, of
/// which ours use a few hundred KiB. With one heap and small stacks a run fits into what its connections need.
void be_small() {
  constexpr std::size_t stack_bytes = 512 * 1024;
  ::mallopt(M_ARENA_MAX, 1);
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return;
  // GNU's own, as `ulimit -s` comes too late for a process that has begun.
  if (::pthread_attr_setstacksize(&attributes, stack_bytes) == 0) ::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
}

/// Enough to tell what has come to an end: rows that wait, the manifest, a summary. Set aside as a mapping of its own,
/// so that giving it back is of use to whoever asks next; nothing of it is touched.
constexpr std::size_t reserve_bytes = 2 << 20;
std::atomic<void*> reserve{nullptr};

/// When a call found no memory: true when it may try again, once in a process, and that one ends.
bool give_reserve() noexcept {
  void* const kept = reserve.exchange(nullptr);
  if (kept == nullptr) return false;
  std::free(kept);
  ask_to_end(stop_cause::out_of_memory);
  return true;
}

void make_room() {
  if (!give_reserve()) throw std::bad_alloc();
}

/// OpenSSL asks malloc, and what it finds none for looks like a refused certificate.
void* allocate_for_openssl(std::size_t bytes, const char*, int) {
  void* got = std::malloc(bytes);
  return got == nullptr && bytes > 0 && give_reserve() ? std::malloc(bytes) : got;
}
void* reallocate_for_openssl(void* from, std::size_t bytes, const char*, int) {
  void* got = std::realloc(from, bytes);
  return got == nullptr && bytes > 0 && give_reserve() ? std::realloc(from, bytes) : got;
}
void free_for_openssl(void* what, const char*, int) {
  std::free(what);
}

void keep_reserve() {
  reserve = std::malloc(reserve_bytes);
  std::set_new_handler(make_room);
}

// ---- what nobody caught -----------------------------------------------------------------------------------------

std::terminate_handler terminate_before = nullptr;
pthread_t main_thread;

enum class shortage { none, memory, threads };

/// What the exception that nobody caught says is missing; none: it is a mistake of ours.
shortage shortage_of_uncaught() noexcept {
  const auto says = [](int error) {
    return error == ENOMEM ? shortage::memory : error == EAGAIN ? shortage::threads : shortage::none;
  };
  try {
    if (const auto uncaught = std::current_exception()) std::rethrow_exception(uncaught);
  } catch (const std::bad_alloc&) {
    return shortage::memory;
  } catch (const std::system_error& e) {
    return says(e.code().value());
  } catch (const boost::system::system_error& e) {
    return says(e.code().value());
  } catch (...) { // as it would be without us
  }
  return shortage::none;
}

/// A thread that found no memory, or no other thread, cannot go on, but the process can say so: main writes the
/// summary. What the thread holds stays as it is, so nobody may wait for it: main ends the process without joining.
[[noreturn]] void on_uncaught() noexcept {
  const auto missing = shortage_of_uncaught();
  if (missing == shortage::none) terminate_before();
  give_reserve();
  if (::pthread_equal(::pthread_self(), main_thread) != 0) {
    complain(missing == shortage::memory ? "out of memory" : "a thread cannot be started");
    ::_exit(exit_status::fatal);
  }
  ask_to_end(missing == shortage::memory ? stop_cause::out_of_memory : stop_cause::out_of_threads);
  while (true) ::pause();
}

} // namespace

void prepare_process() {
  occupy_standard_descriptors();
  raise_descriptor_limit();
  be_told_of_used_up_time();
  // Each of these says by an error what it would end us for: a reader that left, a file that may not grow.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  main_thread = ::pthread_self();
  terminate_before = std::set_terminate(on_uncaught);
  if (limit_of_memory()) {
    be_small();
    CRYPTO_set_mem_functions(allocate_for_openssl, reallocate_for_openssl, free_for_openssl);
  }
  keep_reserve();
}

void complain(std::string_view text) {
  const std::string line = "hoist: error: " + std::string(text) + "\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

std::string memory_text() {
  const auto limit = limit_of_memory();
  if (!limit) return "out of memory: the machine, or its container, has no more; lower --concurrency";
  return "out of memory: the process may have " + std::to_string(limit->bytes / 1024) + " KiB; raise ulimit " +
         limit->option + " or lower --concurrency";
}

std::string ended_by_text(const end_ask& trouble) {
  switch (trouble.cause) {
  case stop_cause::out_of_memory: return memory_text();
  case stop_cause::out_of_threads:
    return "a thread cannot be started: `ulimit -u`, `ulimit -v` or a container allows no more";
  case stop_cause::log_failed:
    return "the log file cannot be written: " + std::generic_category().message(trouble.error);
  default: return "the process cannot go on";
  }
}

} // namespace hoist::cli
